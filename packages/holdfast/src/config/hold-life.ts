/** How long a hold stays open where it was opened. */
import type { Config } from './config.ts';

/** By the name of an environment; one that is not declared has `approvals.holdExpires`. */
export function holdLifeMsOf({ approvals, environments }: Config): (environment: string) => number {
  const declared = new Map(environments.map(({ name, holdLifeMs }) => [name, holdLifeMs]));
  return (environment) => declared.get(environment) ?? approvals.holdLifeMs;
}
