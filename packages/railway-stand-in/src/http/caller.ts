/** Who sends a request: a token in one of two headers, each for its own kinds. */

import { notAuthorized } from '../calls/scope.ts';
import { Refusal } from '../graphql/execute.ts';
import type { Token } from '../world/records.ts';
import type { World } from '../world/world.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** Throws what every field of the request is answered with. */
export function callerOf(world: World, headers: Headers): Token {
  const project = headers['project-access-token'];
  if (project !== undefined) {
    const token = [...world.tokens.values()].find((one) => one.secret === project);
    if (token?.kind !== 'project') throw new Refusal('Project Token not found', 'NOT_FOUND');
    return token;
  }
  const secret = /^bearer +(.+)$/i.exec(headers['authorization'] ?? '')?.[1]?.trim();
  const token = [...world.tokens.values()].find((one) => one.secret === secret);
  if (token === undefined || token.kind === 'project') throw notAuthorized();
  return token;
}
