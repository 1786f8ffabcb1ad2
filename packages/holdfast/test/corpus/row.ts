/** A row of the corpus. Nothing ever leaves it: a way round that was closed must stay closed. */
import type { CouldNotTell, EffectKind } from '../../src/model/effect.ts';

export interface EvasionRow {
  readonly name: string;
  /** Why somebody would try it, or how it was found. */
  readonly story: string;
  /** Text, or bytes where the text would not show them. */
  readonly sql: string | Uint8Array;
  readonly expected: Expected;
}

interface Expected {
  /** Kinds that must be among the effects; of what PREPARE holds too. */
  readonly kinds?: readonly EffectKind[];
  readonly unknown?: CouldNotTell['code'];
  /** A parameter that must be told as set. */
  readonly set?: string;
  /** A prepared statement that must be told as executed. */
  readonly executes?: string;
  /** An object (as `schema.name` or `name`) that must be named by an effect that is no read. */
  readonly object?: string;
  /** A table (as `schema.name` or `name`) that must be named by a read. */
  readonly reads?: string;
}

export interface QuietRow {
  readonly name: string;
  /** Whose statement it is. */
  readonly from: string;
  readonly sql: string;
  /** `session`: no effect at all, told as acts on the session. */
  readonly is: 'read' | 'write' | 'session';
}
