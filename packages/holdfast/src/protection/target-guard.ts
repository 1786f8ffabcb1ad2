/**
 * What a protocol needs to know and have of a target's protection; one per target, handed in by the
 * composition root. `protection` is a look-up in memory; the others talk to the target as the admin.
 */
import type { AgentActor } from '../model/actor.ts';
import type { Protection } from '../model/reversal.ts';

/** As whom an agent's session logs in upstream on a protected target. */
export interface AgentRole {
  readonly user: string;
  readonly password: string;
}

/** A statement that runs with the owner's rights, once, in one session. */
export interface PermitWish {
  /** The exact text of one statement, as the agent sent it. */
  readonly statement: string;
  /** `plain`: nothing that exists is lost by it. `reversible`: it is made so, or it fails. */
  readonly mode: 'plain' | 'reversible';
}

/** What names without a schema meant when the statement was judged. */
export interface JudgedPath {
  /** Each schema that they may lead to; empty: any, so that there is nothing to hold a session to. */
  readonly schemas: readonly string[];
  /** The path in order, as the session last set it; null: nobody can tell. */
  readonly said: readonly string[] | null;
}

/** The upstream session it is for. */
export interface PermitSession {
  readonly role: string;
  readonly pid: number;
}

export interface TargetGuard {
  readonly protection: Protection;
  /**
   * Makes the role or its password anew when needed. Null: not protected; the upstream's own user.
   * `refused`: what it answered before, and the target did not let in (28P01).
   */
  roleFor(
    agent: Pick<AgentActor, 'id' | 'name'>,
    refused?: AgentRole | null,
  ): Promise<AgentRole | null>;
  /** Receipts in the order of the wishes, for CALL holdfast.run; safe within single quotes. */
  permit(
    session: PermitSession,
    wishes: readonly PermitWish[],
    path: JudgedPath,
  ): Promise<readonly string[]>;
  /** What was not used is void from now on. */
  void(receipts: readonly string[]): Promise<void>;
  /**
   * Statements that cannot run in a transaction (CREATE INDEX CONCURRENTLY, DROP DATABASE ...), as the
   * owner, over Holdfast's own connection. The command tag; rejects with what the server said.
   */
  runOutside(wish: PermitWish, session: PermitSession, path: JudgedPath): Promise<string>;
  /**
   * One change of roles, as the admin, committed with the record that takes it back. The command tag;
   * rejects with what the server said, or with HF_UNDO_STATE for what Holdfast does not change.
   */
  changeRoles(statement: string, session: PermitSession): Promise<string>;
}
