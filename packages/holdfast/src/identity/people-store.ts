/** Where people lie; implemented by `store/`. */
import type { Role } from './roles.ts';

export interface PersonRecord {
  readonly id: string;
  readonly name: string;
  /** At least one. */
  readonly roles: readonly Role[];
  readonly addedAt: Date;
  /** Null until a first right code: until then the person does not count. */
  readonly confirmedAt: Date | null;
}

export interface NewPerson extends PersonRecord {
  /** Null: no one-time codes yet. */
  readonly totpSealed: Buffer | null;
}

/** What a code is judged by; read and written under one row lock. */
export interface CodeState {
  readonly id: string;
  readonly confirmed: boolean;
  /** Null: they have no one-time codes, so that every code is wrong. */
  readonly totpSealed: Buffer | null;
  /** Wrong codes since the last right one. */
  readonly failures: number;
  readonly pausedUntil: Date | null;
  /** The newest time step whose code was used. */
  readonly lastStep: bigint;
}

export type CodeVerdict =
  | { readonly kind: 'right'; readonly step: bigint }
  | { readonly kind: 'wrong'; readonly failures: number; readonly pausedUntil: Date | null }
  | { readonly kind: 'used' }
  | { readonly kind: 'paused'; readonly until: Date }
  | { readonly kind: 'not-confirmed' };

export interface SpentCode {
  readonly personId: string;
  readonly verdict: CodeVerdict;
}

/** A person, and how they can sign in. */
export interface PersonOverview extends PersonRecord {
  /** Suspended ones are not counted. */
  readonly passkeys: number;
  readonly hasCodes: boolean;
  readonly hasSso: boolean;
  readonly lastSeenAt: Date | null;
  readonly ownerUntil: Date | null;
}

/** `last-owner`: nothing changed, since nobody who can sign in would be left to keep the house. */
export type PersonChange =
  | 'done'
  | 'nobody'
  | 'last-owner'
  /** Who acts is not here any more, or is an owner for an hour only and it is about owners. */
  | 'not-theirs';

/**
 * Ids of people as whom a browser has signed in before, by marks of ours; empty: a stranger's. Null: who
 * gives the code is known already.
 */
export type BrowserOf = readonly string[] | null;

/** `last`: no passkey of theirs would be left to sign in by; `none`: they have no codes. */
export type CodesRemoved = 'done' | 'none' | 'last';

/** By id; null: this machine. */
export type ActorId = string | null;

export interface PeopleStore {
  /** False, and nothing changed, when the name is taken. */
  add(person: NewPerson): Promise<boolean>;
  list(): Promise<readonly PersonRecord[]>;
  /** What they signed and is still open no longer counts; their sessions end. */
  remove(name: string, by: ActorId, now: Date): Promise<PersonChange>;
  /** In place of the roles they had, and of what break-glass gave them. */
  setRoles(name: string, roles: readonly Role[], by: ActorId): Promise<PersonChange>;
  /**
   * Judges a first code and, when it is right, confirms the person. Null: nobody of that name.
   * `judge` is pure and is called under the lock.
   */
  confirm(
    name: string,
    judge: (state: CodeState) => CodeVerdict,
    now: Date,
  ): Promise<CodeVerdict | null>;
  /**
   * Judges a code and spends it when it is right. Null: nobody of that name, after as much work as for
   * somebody: `judge` is called with `nobodys` then, and what it says is not looked at.
   */
  spend(
    name: string,
    judge: (state: CodeState) => CodeVerdict,
    nobodys: CodeState,
    /** Wrong codes of strangers' browsers count, and pause, apart from the person's own. */
    whoseBrowser: BrowserOf,
  ): Promise<SpentCode | null>;
  /** In place of the codes they had; `step` is spent. False: nobody of that id who has joined. */
  setCodes(personId: string, totpSealed: Buffer, step: bigint): Promise<boolean>;
  /** Only where a passkey is left. */
  removeCodes(personId: string): Promise<CodesRemoved>;
  /** An owner until then, whatever their roles. False: nobody of that id who has joined. */
  raise(personId: string, until: Date): Promise<boolean>;
  /** By name. */
  overview(): Promise<readonly PersonOverview[]>;
}
