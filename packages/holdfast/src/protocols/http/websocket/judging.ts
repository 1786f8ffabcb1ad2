/**
 * One operation of a connection, read as the POST that carries the same JSON would be: by the provider,
 * with the same digest, so that an approval given for one is good for the other.
 *
 * A mutation does not pass, and neither does what may be one: over a socket its sender would not wait for
 * the answer, and a lost connection would leave open what came of it. As an ordinary request it is judged.
 */
import type { TokenVerifier } from '../../../identity/agent-directory.ts';
import type { GraphqlReader } from '../../../languages/graphql/reader.ts';
import { requestsOf } from '../../../languages/graphql/request.ts';
import type { CouldNotTell } from '../../../model/effect.ts';
import { HoldfastError } from '../../../model/errors.ts';
import type { Provider, ProviderAct, ProviderRequest } from '../../../providers/provider.ts';
import { HttpExchange, type HttpExchangeParts } from '../exchange.ts';
import { requireScope } from '../serving.ts';
import type { Session } from '../sessions.ts';

export interface Judgeable {
  readonly asked: ProviderRequest;
  readonly act: ProviderAct;
}

/** `payload`: of `subscribe`, as it was written. Rejects with HoldfastError. */
export async function readOperation(
  {
    provider,
    path,
    token,
    reader,
  }: {
    readonly provider: Provider;
    readonly path: string;
    readonly token: TokenVerifier;
    readonly reader: GraphqlReader;
  },
  payload: string,
): Promise<Judgeable> {
  const body = Buffer.from(payload);
  const asked = { method: 'POST', path, search: '', mediaType: 'application/json', body };
  refuseMutation(asked, reader);
  const act = await provider.read(asked);
  if (act.reading.kind === 'could-not-tell') throw unread(path, act.reading.reason);
  requireScope(token, act);
  return { asked, act };
}

/** For the pipeline, as of that POST. */
export function exchangeOf(
  { asked, act }: Judgeable,
  provider: Provider,
  { actor, facts, places, token }: Session,
  ways: Pick<HttpExchangeParts, 'clock' | 'forward' | 'refuse'>,
): HttpExchange {
  return new HttpExchange({
    actor,
    session: facts,
    act,
    place: places.of(act.place),
    asked,
    headers: () => [],
    provider: provider.name,
    // What changes something does not come this way.
    keeper: null,
    readAgain: async () => {
      const again = await provider.read(asked);
      requireScope(token, again);
      return again;
    },
    ...ways,
  });
}

/** Of the text by itself, whatever the provider makes of it. */
function refuseMutation(asked: ProviderRequest, reader: GraphqlReader): void {
  const found = requestsOf(asked);
  if (found.kind === 'could-not-tell') throw unread(asked.path, found.reason);
  const [first] = found.requests;
  if (first === undefined || found.isBatch) {
    const message = 'Expected one operation, found a list.';
    throw unread(asked.path, { code: 'ambiguous', message, position: null });
  }
  const reading = reader.read(first);
  if (reading.kind === 'could-not-tell') throw unread(asked.path, reading.reason);
  if (reading.operation !== 'mutation') return;
  throw new HoldfastError('HF_UNSUPPORTED', {
    expected: 'a query or a subscription over a WebSocket',
    found: `a mutation: ${reading.calls
      .map(({ name }) => name)
      .join(', ')
      .slice(0, 200)}`,
    hint: asOrdinary(asked.path),
  });
}

function unread(path: string, { code, message }: CouldNotTell): HoldfastError {
  return new HoldfastError(code === 'syntax-error' ? 'HF_SYNTAX' : 'HF_UNSUPPORTED', {
    expected: 'an operation over a WebSocket of which can be told that it is no mutation',
    found: `another: ${message}`,
    hint: asOrdinary(path),
  });
}

function asOrdinary(path: string): string {
  return (
    `Send it as an ordinary request: POST ${path} with the same JSON. It is judged there, and ` +
    'people may have to approve it. Do not look for another way.'
  );
}
