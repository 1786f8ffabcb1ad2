/** Where an intent goes. A target is one declared resource in one environment. */

/** The wires there are; a target is reached by one of them. */
export const PROTOCOL_NAMES = ['postgres', 'http'] as const;
export type ProtocolName = (typeof PROTOCOL_NAMES)[number];

/** `open`: work freely. `guarded`: destruction is held. `sealed`: every change is held. */
export const ENVIRONMENT_LEVELS = ['open', 'guarded', 'sealed'] as const;
export type EnvironmentLevel = (typeof ENVIRONMENT_LEVELS)[number];

export interface Environment {
  readonly name: string;
  readonly level: EnvironmentLevel;
}

export interface Target {
  readonly name: string;
  readonly environment: Environment;
  readonly protocol: ProtocolName;
  /** How the environment was found, for the card: `declared in holdfast.yaml`, or why not. */
  readonly resolvedBy: string;
}

/** What an exchange knows that names its target; resolved by `targets/`, never trusted as it is. */
export interface TargetFacts {
  /** The name the actor asked for (a PostgreSQL database name, an API host ...). */
  readonly asked: string;
  /** Schemas that an unqualified name is looked up in, in order; empty when not known. */
  readonly searchPath: readonly string[];
  /** How the name was found, when it was not simply asked for; for the card. */
  readonly how?: string;
}
