/** Where sessions of people lie; implemented by `store/`. Their secrets never reach it. */
import type { Role } from './roles.ts';

export const SESSION_KINDS = ['browser', 'command-line'] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

/** How somebody proved who they are; `device`: let in by a person from their browser. */
export const SIGN_IN_METHODS = ['passkey', 'totp', 'recovery', 'sso', 'device'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

export interface SessionRecord {
  readonly id: string;
  readonly personId: string;
  readonly kind: SessionKind;
  readonly method: SignInMethod;
  /** As the client said; for people to recognise it by. */
  readonly userAgent: string;
  readonly source: string;
  readonly openedAt: Date;
  readonly lastUsedAt: Date;
  /** When the person last proved to be there by a passkey or code of their own; 1970: never. */
  readonly provedAt: Date;
  readonly expiresAt: Date;
}

export interface NewSession extends SessionRecord {
  readonly secretHash: Buffer;
  /** Null: bound to no device (a command line keeps one secret only). */
  readonly deviceHash: Buffer | null;
  /** Null for a command line. */
  readonly pageHash: Buffer | null;
}

/** A session and its person, as of now. */
export interface LiveSession {
  readonly session: SessionRecord;
  readonly deviceHash: Buffer | null;
  readonly pageHash: Buffer | null;
  readonly personName: string;
  readonly roles: readonly Role[];
  /** An owner, too, until then. */
  readonly ownerUntil: Date | null;
}

export interface SessionStore {
  /** What the same browser of the same person is pushed goes on with it, unless their session was closed. */
  add(session: NewSession): Promise<void>;
  /** Null when it was closed, or its person removed. What ran out by time is the caller's to see. */
  bySecret(secretHash: Buffer): Promise<LiveSession | null>;
  /** Newest use first; neither closed nor run out. */
  list(personId: string, now: Date): Promise<readonly SessionRecord[]>;
  touch(id: string, now: Date): Promise<void>;
  proved(id: string, method: SignInMethod, now: Date): Promise<void>;
  /** True when it was open, and this person's. */
  close(id: string, personId: string, now: Date): Promise<boolean>;
  /** All of this person's but one; how many were open. */
  closeOthers(id: string, personId: string, now: Date): Promise<number>;
}
