/** What the SQL reader says of one text: the reading, and what it would do to the session. */
import type { Reading } from '../../model/effect.ts';

/** Things a statement does to the session that later statements depend on. */
export type SessionAct =
  /** PREPARE name AS ...: judged when executed. `reading` is of the statement inside. */
  | { readonly kind: 'prepare'; readonly name: string; readonly reading: SqlReading }
  /** EXECUTE name: its effects are those of what the session prepared under that name. */
  | { readonly kind: 'execute'; readonly name: string }
  /** DEALLOCATE name; null is ALL (also DISCARD ALL). */
  | { readonly kind: 'deallocate'; readonly name: string | null }
  /** SET, RESET, set_config(...): `value` null when reset or not a literal. Lower-case parameter. */
  | {
      readonly kind: 'set';
      readonly parameter: string;
      readonly value: string | null;
      readonly local: boolean;
      /** RESET, or SET ... TO DEFAULT: what it was when the session began. */
      readonly isReset?: true;
      /** By DISCARD ALL, which resets the role, too. */
      readonly isDiscard?: true;
      /** It has no answer `SET` or `RESET` of its own: BEGIN READ ONLY, the second mode of SET TRANSACTION. */
      readonly isUntold?: true;
      /** By set_config, and not by SET. */
      readonly isCall?: true;
      /** The value is that of the parameter $1, $2, ... */
      readonly parameterAt?: number;
    };

/** Whose rights a statement needs on a protected target: the agent's own, or more. */
export type Rights =
  | 'none'
  /** Those of an owner: it defines, changes or drops what is not rows. */
  | 'owner'
  /** Those too, and it cannot run inside a transaction (CREATE INDEX CONCURRENTLY, DROP DATABASE). */
  | 'outside'
  /** Those of the admin: roles have no owner. Nor can it run inside the agent's transaction. */
  | 'admin';

/** One statement of a text. */
export interface SqlPart {
  /** Bytes of the text, without the semicolon; comments behind it are in, those before are not. */
  readonly from: number;
  readonly to: number;
  readonly needs: Rights;
  /** What the server says when it is done (`DROP TABLE`); '' when `needs` is `none`. */
  readonly tag: string;
  /** It destroys, reshapes what exists, or grants; or nobody can tell. */
  readonly loses: boolean;
  /** What comes with the tag: nothing, how many rows it made (`SELECT 5`), or one row with one number. */
  readonly answers: 'tag' | 'count' | 'one';
  /** What runs for it, where it cannot run as it is; null: nothing, so it cannot. Left out: it runs itself. */
  readonly instead?: Rewritten | null;
}

/** A text with something cut out and put in front of it. Lengths in characters. */
export interface Rewritten {
  readonly text: string;
  readonly headChars: number;
  /** Between the head and where something was cut out, and how much. */
  readonly beforeChars: number;
  readonly cutChars: number;
}

export type SqlReading = Reading & {
  /** In the order of the text; an `execute` counts into the effects only through the session. */
  readonly session: readonly SessionAct[];
  /** Number of statements in the text; 0 for an empty one. */
  readonly statements: number;
  /** Every statement in order, when at least one needs more than the agent's own rights. */
  readonly parts?: readonly SqlPart[];
};

export interface SqlReader {
  /**
   * Reads the statement text in `bytes[start, end)`, UTF-8, without its terminating NUL. Equal texts
   * give the same object for as long as it is cached, so that callers may cache by identity. Returns
   * a promise only when the text has to be parsed elsewhere (long texts); never throws or rejects.
   */
  read(bytes: Buffer, start: number, end: number): SqlReading | Promise<SqlReading>;
  close(): Promise<void>;
}
