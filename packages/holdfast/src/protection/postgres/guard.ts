/**
 * What a protected PostgreSQL target is to its protocol: as whom agents log in, receipts for what needs
 * an owner's rights, and how far it is protected now. `protection` is a look-up in memory; `refresh`
 * looks at the target, and says in the trail when something changed.
 *
 * It will not: show a level greener than the last look (a target that cannot be looked at keeps its
 * level and has trouble), or hand out a receipt where nothing is protected.
 */
import type { AgentActor } from '../../model/actor.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import type { Note } from '../../model/event.ts';
import { type Protection, UNPROTECTED } from '../../model/reversal.ts';
import type {
  AgentRole,
  JudgedPath,
  PermitSession,
  PermitWish,
  TargetGuard,
} from '../target-guard.ts';
import type { AgentRoles } from './wall/agent-roles.ts';
import type { Check, Finding } from './wall/check.ts';

/** The part that keeps receipts (protection/postgres/acts). */
export type Receipts = Pick<TargetGuard, 'permit' | 'void' | 'runOutside' | 'changeRoles'>;

export interface PostgresGuardParts {
  readonly target: string;
  readonly roles: Pick<AgentRoles, 'ensure'>;
  readonly receipts: Receipts;
  /** `checkProtection` of this target, with its probes. */
  readonly look: () => Promise<Check>;
  /** By what our own store knows: a wall that is gone without `unprotect` was taken down by somebody. */
  readonly wasProtected: () => Promise<boolean>;
  /** Why undo data cannot be taken out of the target now; null: it can (the drain knows). */
  readonly trouble: () => string | null;
  /** Whether so much waits in the target by now that nothing may be added to it. */
  readonly isFull: () => boolean;
  readonly note: Note;
}

export class PostgresGuard implements TargetGuard {
  readonly #parts: PostgresGuardParts;
  #protection: Protection = UNPROTECTED;
  #findings: readonly Finding[] = [];
  #lookFault: string | null = null;
  #said = '';
  /** Why nobody may log in as the upstream's own user; null: nothing was ever protected here. */
  #shut: string | null = 'it has not been looked at yet';

  constructor(parts: PostgresGuardParts) {
    this.#parts = parts;
  }

  get protection(): Protection {
    const trouble = this.#protection.level === 'none' ? null : this.#troubleNow();
    const isFull = trouble !== null && this.#parts.isFull();
    const { isFull: wasFull, ...before } = this.#protection;
    if (trouble !== before.trouble || isFull !== (wasFull === true)) {
      this.#protection = { ...before, trouble, ...(isFull ? { isFull } : {}) };
    }
    return this.#protection;
  }

  /** Of the last look: drift, for the screen and for doctor. */
  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** Called at start and every so often. Never rejects: what is wrong becomes trouble. */
  async refresh(): Promise<void> {
    const { look, note, target, wasProtected } = this.#parts;
    try {
      const { findings, level, levelReason, lost, uncaptured } = await look();
      const isGone = level === 'none' && (await wasProtected());
      this.#shut = isGone ? 'its wall is gone, and nobody said holdfast unprotect' : null;
      this.#lookFault = null;
      this.#findings = findings;
      const { lost: lostBefore, uncaptured: known, ...before } = this.#protection;
      const isSame =
        uncaptured.join() === [...(known ?? [])].join() &&
        lost.join() === [...(lostBefore ?? [])].join();
      if (level !== before.level || !isSame) {
        this.#protection = {
          level,
          trouble: level === 'none' ? null : this.#troubleNow(),
          ...(uncaptured.length === 0 ? {} : { uncaptured: new Set(uncaptured) }),
          ...(lost.length === 0 ? {} : { lost: new Set(lost) }),
        };
      }
      const said = `${level}|${findings.map(({ code, about }) => `${code} ${about}`).join('|')}`;
      if (said === this.#said) return;
      this.#said = said;
      const first = findings[0]?.about ?? 'nothing is amiss';
      await note({
        kind: 'protection-changed',
        facts: { target, level, findings: findings.length, first },
        message: `Protection of ${target} is ${level} (${levelReason}); ${first}.`,
      });
    } catch (error) {
      this.#lookFault = messageOf(error);
      if (this.#shut !== null) this.#shut = this.#lookFault;
    }
  }

  async roleFor(
    agent: Pick<AgentActor, 'id' | 'name'>,
    refused: AgentRole | null = null,
  ): Promise<AgentRole | null> {
    const { roles } = this.#parts;
    const isStanding = (): boolean => this.#protection.level !== 'none';
    const refusedPassword = refused?.password ?? null;
    // Who was refused may have lost its role with the wall: that is looked at first.
    if (refused === null && isStanding()) return roles.ensure(agent);
    if (refused === null && this.#shut === null) return null;
    // It may be back, or the wall may stand again, since the last look.
    await this.refresh();
    if (isStanding()) return roles.ensure(agent, refusedPassword);
    if (this.#shut === null) return null;
    const { target } = this.#parts;
    throw new HoldfastError('HF_PROTECTION_LOST', {
      expected: `to know how ${target} is protected before an agent is let in`,
      found: this.#shut,
      hint: `A person looks at: holdfast doctor; the wall is put back by: holdfast protect ${target} --apply`,
    });
  }

  permit(
    session: PermitSession,
    wishes: readonly PermitWish[],
    path: JudgedPath,
  ): Promise<readonly string[]> {
    return this.#parts.receipts.permit(session, wishes, path);
  }

  void(receipts: readonly string[]): Promise<void> {
    return this.#parts.receipts.void(receipts);
  }

  runOutside(wish: PermitWish, session: PermitSession, path: JudgedPath): Promise<string> {
    return this.#parts.receipts.runOutside(wish, session, path);
  }

  changeRoles(statement: string, session: PermitSession): Promise<string> {
    return this.#parts.receipts.changeRoles(statement, session);
  }

  #troubleNow(): string | null {
    return this.#lookFault ?? this.#parts.trouble();
  }
}
