/**
 * One HTTP request to its answer, without a socket. The order: path, rate limit, what the body asks,
 * who asks, then each GraphQL request one after the other. What could be run is answered with 200, its
 * errors in the body; 400 says that nothing ran.
 */
import { type Executed, rehearse, runFor } from '../calls/index.ts';
import { answer } from '../graphql/answer.ts';
import { type Problem, Refusal, type RunRoot } from '../graphql/execute.ts';
import { RAILWAY } from '../schema/index.ts';
import type { Token } from '../world/records.ts';
import { settle } from '../world/removal.ts';
import type { World } from '../world/world.ts';
import { callerOf } from './caller.ts';
import type { RateCounter } from './rate-limit.ts';
import { type Incoming, type ReadingRules, readRequest } from './read-request.ts';

export interface Outgoing {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HandlerParts {
  readonly world: World;
  readonly rules: ReadingRules;
  readonly rates: RateCounter | null;
  readonly note: (executed: Executed) => void;
  readonly isRehearsal: boolean;
}

const PATH = '/graphql/v2';

export async function handle(parts: HandlerParts, incoming: Incoming): Promise<Outgoing> {
  const path = incoming.target.split('?', 1)[0];
  if (path !== PATH) return failed(404, 'Not Found', {});
  const { headers } = incoming;
  const key = headers['project-access-token'] ?? headers['authorization'] ?? '';
  const rate = parts.rates?.count(key) ?? { isOver: false, headers: {} };
  if (rate.isOver) return failed(429, 'Rate limit exceeded', rate.headers);
  await settle(parts.world);
  const requests = readRequest(incoming, parts.rules);
  if (requests.kind === 'unreadable') {
    return failed(requests.status, requests.message, rate.headers);
  }
  const caller = whoever(parts.world, incoming);
  const answers = [];
  for (const request of requests.list) {
    const run: RunRoot = (operation, field, args) => {
      if (parts.isRehearsal) return rehearse(parts.note)(operation, field, args);
      if (caller instanceof Refusal) {
        parts.note({ operation, field, args, error: caller.message });
        throw caller;
      }
      return runFor(parts.world, caller, parts.note)(operation, field, args);
    };
    answers.push(await answer(RAILWAY, request, run));
  }
  const [first] = answers;
  const isBatch = requests.batch || first === undefined;
  const body = isBatch ? answers.map((one) => one.body) : first.body;
  return json(isBatch ? 200 : first.status, body, rate.headers);
}

function whoever(world: World, { headers }: Incoming): Token | Refusal {
  try {
    return callerOf(world, headers);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function failed(status: number, message: string, headers: Outgoing['headers']): Outgoing {
  const problem: Problem = { message, extensions: { code: 'BAD_REQUEST' } };
  return json(status, { errors: [problem], data: null }, headers);
}

function json(status: number, body: unknown, headers: Outgoing['headers']): Outgoing {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}
