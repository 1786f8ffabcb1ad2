/** What an environment says, by its name; and what counts where one is not declared. */
import { GRACE_MS_DEFAULT } from '../model/limits.ts';
import type { Config } from './config.ts';

type Environment = Config['environments'][number];

function byEnvironment(
  { environments }: Pick<Config, 'environments'>,
  pick: (environment: Environment) => number,
  undeclared: number,
): (environment: string) => number {
  const declared = new Map(environments.map((each) => [each.name, pick(each)]));
  return (environment) => declared.get(environment) ?? undeclared;
}

/** How long a hold stays open where it was opened. */
export function holdLifeMsOf(config: Config): (environment: string) => number {
  return byEnvironment(config, ({ holdLifeMs }) => holdLifeMs, config.approvals.holdLifeMs);
}

/** How long what has no reversal waits. */
export function graceMsOf(config: Config): (environment: string) => number {
  return byEnvironment(config, ({ graceMs }) => graceMs, GRACE_MS_DEFAULT);
}

/** The least number of people that signs anything there. */
export function peopleOf(config: Config): (environment: string) => number {
  return byEnvironment(config, ({ people }) => people, 1);
}
