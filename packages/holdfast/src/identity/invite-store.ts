/** Where one-time links lie; implemented by `store/`. Their secrets never reach it. */
import type { PasskeyRecord } from './passkey-store.ts';
import type { Role } from './roles.ts';

export interface InviteRecord {
  readonly id: string;
  /** Null: the first owner, who has no name yet. */
  readonly person: { readonly id: string; readonly name: string } | null;
  readonly roles: readonly Role[];
  readonly invitedBy: string;
  readonly madeAt: Date;
  readonly expiresAt: Date;
}

export interface NewInvite {
  readonly id: string;
  readonly secretHash: Buffer;
  readonly personId: string | null;
  readonly invitedBy: string;
  readonly madeAt: Date;
  readonly expiresAt: Date;
}

/** What somebody brings who joins. */
export interface Joining {
  readonly secretHash: Buffer;
  /** As the ceremony was begun for; for the first owner a new id and the name they chose. */
  readonly person: { readonly id: string; readonly name: string };
  readonly proof:
    | { readonly kind: 'passkey'; readonly passkey: PasskeyRecord }
    | { readonly kind: 'codes'; readonly totpSealed: Buffer; readonly step: bigint };
  readonly recoveryHashes: readonly Buffer[];
}

/** `gone`: used, over, cancelled, or its person is gone or has joined. `taken`: the name. */
export type JoinEnd =
  | { readonly kind: 'joined'; readonly roles: readonly Role[] }
  | { readonly kind: 'gone' | 'taken' | 'known' };

export interface InviteStore {
  /** In place of an earlier one for the same person (or the first owner) that nobody used. */
  add(invite: NewInvite): Promise<void>;
  /** Null: used, over, cancelled, or its person is gone or has a way to sign in of their own. */
  bySecret(secretHash: Buffer, now: Date): Promise<InviteRecord | null>;
  /** Neither used nor over, newest first; without the first owner's. */
  list(now: Date): Promise<readonly InviteRecord[]>;
  /** And its person with it, when they never came. The name of that person; null: no such invite. */
  cancel(id: string, now: Date): Promise<string | null>;
  /** All of it or nothing; of many at once, one joins. */
  join(joining: Joining, now: Date): Promise<JoinEnd>;
  /** Uses it up for whoever joins through another provider. Null: gone. */
  useForSso(
    secretHash: Buffer,
    identity: { readonly issuer: string; readonly subject: string },
    now: Date,
  ): Promise<{ readonly id: string; readonly name: string } | null>;
}
