/**
 * The contract of a provider: a hosting product's API, known whole. A folder each, one line in
 * `index.ts`. It knows what its operations do and where its resources are; it does not know how a
 * request came (a protocol does), nor whether it may pass (policy does). Duties:
 *
 * - `read` says what a request would do and where. It never rejects: what it cannot tell or cannot
 *   place it says so, and that is held or refused. It may ask the API itself, within its rate limit.
 * - `credential` is the real one, unsealed for the way out and nowhere else.
 * - `refusal` is a no in the shape of the API's own errors, so that its clients show it to people.
 * - `outcomeOf` tells success from an error that came with a good status.
 * - Whose acts can be taken back by another operation may say so (`inverse`, `inverses`): then the state
 *   before was read whole, with the real credential, and everything the act changes is in it.
 */

import type { SqlReader } from '../languages/sql/sql-reading.ts';
import type { Clock } from '../model/clock.ts';
import type { Effect, EffectKind, Reading } from '../model/effect.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Reversal } from '../model/reversal.ts';
import type { TargetFacts } from '../model/target.ts';
import type { Dependent, TouchedObject } from '../model/touched.ts';
import type { Inverse, InverseSource } from '../protection/inverse.ts';

/** What a request is, as far as its meaning goes: no header that only carries it. */
export interface ProviderRequest {
  /** Upper case. */
  readonly method: string;
  /** Begins with a slash, as it was sent. */
  readonly path: string;
  /** With its question mark, as it was sent; '' when there is none. */
  readonly search: string;
  /** Lower case, without parameters; '' when none was said. */
  readonly mediaType: string;
  /** No content encoding is left. */
  readonly body: Buffer;
}

/** A target, and the environment of ours that it is in. */
export interface Reach {
  readonly target: string;
  readonly environment: string;
}

export interface ProviderAct {
  readonly reading: Reading;
  /** Where it acts; what cannot be placed has a name that no target has. */
  readonly place: TargetFacts;
  /** Every declared place that it may reach; none when nothing was named, or nothing was found. */
  readonly reaches: readonly Reach[];
  /** Of each call that was placed: what it may reach of that; empty: only what is not declared. */
  readonly byCall?: readonly (readonly Reach[])[];
  readonly reversal: Reversal;
  /** For the digest: what was looked up for it, and its meaning hangs on, besides the request itself. */
  readonly evidence: readonly Uint8Array[];
  /** The state before, read whole, of an act whose `reversal` is `inverse`; no other act has one. */
  readonly inverse?: Inverse;
}

/** What a provider is made of; the same for all. */
export interface ProviderOptions {
  /** Null: where the API itself is. */
  readonly origin: string | null;
  readonly clock: Clock;
  /** `project`: the credential is of one project or environment only, and can list no more. */
  readonly kind: 'account' | 'project';
  /** The unsealed credential; rejects when there is none. */
  readonly secret: () => Promise<string>;
  /** Which target an environment of a project is, by names or ids; null: none is declared. */
  readonly placeOf: (project: string, at: string) => DeclaredPlace | null;
  /** What is known of the database that a service of a target is: rows, size; null: nothing. */
  readonly databaseOf: (target: string, service: string) => Promise<string | null>;
  /** For an API that takes SQL: what it is read with everywhere else. */
  readonly sql: Pick<SqlReader, 'read'>;
  /** For an API that only a file of the user's describes; null: the provider knows its own. */
  readonly description: ApiDescription | null;
}

export interface ApiDescription {
  /** What the user calls it. */
  readonly name: string;
  readonly path: string;
  /** OpenAPI 3, YAML or JSON. */
  readonly text: string;
  readonly rules: readonly ApiRule[];
}

/** What an operation of a described API does, in the user's word. */
export interface ApiRule {
  /** `POST /things/{id}/archive`, as the description has it. */
  readonly call: string;
  readonly kind: EffectKind;
}

export interface DeclaredPlace extends Reach {
  /** The larger, the stricter. */
  readonly strictness: number;
}

/** What is known of what a request touches, by what was asked of the API for judging it. */
export interface ProviderTouched {
  /** Of each type that it lists it lists all; what it does not list stands as the request names it. */
  readonly objects: readonly TouchedObject[];
  readonly dependents: readonly Dependent[];
  /** One sentence each: `3 backups lie in the volume pg-data`. */
  readonly recoveryLost: readonly string[];
  /** What could not be told, one sentence each. */
  readonly notTold: readonly string[];
}

/** A no, as the pipeline hands it down. */
export interface ProviderRefusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
}

export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Provider {
  readonly name: string;
  /** Every host name of its API, lower case; the first is where requests go. */
  readonly hosts: readonly [string, ...string[]];
  /** Headers in which the API takes a credential, lower case. */
  readonly credentialHeaders: readonly string[];
  /** `https://backboard.railway.com`; a test sends them elsewhere. */
  readonly origin: string;
  /** Where a request with this path goes, for an API of several hosts; else `origin`. */
  originOf?(path: string): string;
  /** Where its GraphQL answers by WebSocket too, as to a POST with the same JSON; absent: nowhere. */
  readonly socketPath?: string;
  read(request: ProviderRequest): Promise<ProviderAct>;
  /**
   * For the card of what was read a moment ago: by what is known, without a question to the API. Absent: no
   * more than what the reading says. `effects`: as they were told, with what was looked up for them.
   */
  touched?(request: ProviderRequest, effects: readonly Effect[]): ProviderTouched;
  /** Headers that carry the real credential. Rejects when there is none, or it cannot be unsealed. */
  credential(): Promise<Readonly<Record<string, string>>>;
  refusal(refusal: ProviderRefusal): ProviderAnswer;
  /** `body`: its first bytes, at most PROVIDER_ANSWER_LOOK_BYTES. */
  outcomeOf(status: number, body: Buffer): Outcome;
  /** For a provider whose acts have an `inverse`: how it is looked at, and set again. */
  readonly inverses?: InverseSource;
}
