/** What is followed: lists of log lines, for as long as somebody wants them. */
import type { Answer, Args } from '../graphql/execute.ts';
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
    return world.logs.follow(meantBy(args, place), (lines) => told(lines.map(logView)));
  };
}

export function meantBy(args: Args, place: 'deploymentId' | 'environmentId') {
  const id = textAt(args, place);
  const filter = optionalTextAt(args, 'filter') ?? '';
  return (line: LogLine): boolean => line[place] === id && line.message.includes(filter);
}

export function logView({ atMs, message, severity, ...tags }: LogLine): Answer {
  const timestamp = new Date(atMs).toISOString();
  return { attributes: [], message, severity, tags: objectOf(Object.entries(tags)), timestamp };
}
