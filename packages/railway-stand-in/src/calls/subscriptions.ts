/** What is followed: lists of log lines, for as long as somebody wants them. */
import type { Answer } from '../graphql/execute.ts';
import { objectOf } from '../graphql/json.ts';
import type { LogLine } from '../world/logs.ts';
import { type Call, optionalTextAt, textAt } from './call.ts';

/** Calls `told` for each event until the result is called. */
type Follower = (call: Call, told: (event: Answer) => void) => () => void;

export const SUBSCRIPTION_RESOLVERS: ReadonlyMap<string, Follower> = new Map<string, Follower>([
  ['deploymentLogs', follow('deploymentId')],
  ['environmentLogs', follow('environmentId')],
]);

function follow(place: 'deploymentId' | 'environmentId'): Follower {
  return ({ world, args }, told) => {
    const id = textAt(args, place);
    const filter = optionalTextAt(args, 'filter') ?? '';
    const isMeant = (line: LogLine): boolean => line[place] === id && line.message.includes(filter);
    return world.logs.follow(isMeant, (lines) => told(lines.map(logView)));
  };
}

function logView({ atMs, message, severity, ...tags }: LogLine): Answer {
  const timestamp = new Date(atMs).toISOString();
  return { attributes: [], message, severity, tags: objectOf(Object.entries(tags)), timestamp };
}
