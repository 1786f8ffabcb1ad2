/** Where people lie; implemented by `store/`. */

export interface PersonRecord {
  readonly id: string;
  readonly name: string;
  readonly addedAt: Date;
  /** Null until a first right code: until then the person does not count. */
  readonly confirmedAt: Date | null;
}

export interface NewPerson extends PersonRecord {
  readonly totpSealed: Buffer;
}

/** What a code is judged by; read and written under one row lock. */
export interface CodeState {
  readonly id: string;
  readonly confirmed: boolean;
  readonly totpSealed: Buffer;
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

export interface PeopleStore {
  /** False, and nothing changed, when the name is taken. */
  add(person: NewPerson): Promise<boolean>;
  list(): Promise<readonly PersonRecord[]>;
  /** False when there is nobody of that name. What they signed and is still open no longer counts. */
  remove(name: string, now: Date): Promise<boolean>;
  /**
   * Judges a first code and, when it is right, confirms the person. Null: nobody of that name.
   * `judge` is pure and is called under the lock.
   */
  confirm(
    name: string,
    judge: (state: CodeState) => CodeVerdict,
    now: Date,
  ): Promise<CodeVerdict | null>;
}
