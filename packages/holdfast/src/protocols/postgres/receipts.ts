/**
 * How a unit that needs an owner's rights gets them on a protected target. The order: what is wanted is
 * read off the unit -> receipts are had from the target, for the names as they were judged -> only then the
 * unit goes upstream, with what stands for each statement -> when the transaction is over, what was not
 * used is void.
 *
 * What cannot run inside a transaction is run by the guard, when nothing is open or under way; a
 * statement that does nothing then stands for it, so that the answer comes in its own place. In any
 * other case it goes upstream as it is: the server refuses it in its own words. What changes roles is run
 * by the guard, too; where something is open it is refused here, since a rollback would not reach it.
 *
 * What it will not do: forward a statement without its receipt, or keep one for later.
 */

import { HoldfastError, messageOf } from '../../model/errors.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import type { JudgedPath, PermitSession, TargetGuard } from '../../protection/target-guard.ts';
import type { Cycle } from './cycles.ts';
import { refusalBytes } from './denial.ts';
import type { TransactionStatus } from './messages.ts';
import { type FailedOutside, failureOf, type Stand } from './reports.ts';
import { type Substituted, substituted, type Wanted, wishesOf } from './substitutes.ts';
import type { Unit } from './unit.ts';

/** What a session on a protected target has besides. */
export interface Permits {
  readonly guard: Pick<TargetGuard, 'changeRoles' | 'permit' | 'runOutside' | 'void'>;
  readonly session: PermitSession;
}

export type Prepared =
  /** Goes upstream with this in place of what is wanted; nothing is wanted: as it is. */
  | { readonly kind: 'go'; readonly wanted: readonly Wanted[]; readonly texts: readonly string[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** It was run by the guard, and the server said no, or nothing. */
  | { readonly kind: 'failed'; readonly failure: FailedOutside };

/** What the session says of itself while a unit is prepared. */
export interface Moment {
  /** Nothing else can be waited for: an earlier part of the same cycle has not ended. */
  readonly isMidCycle: boolean;
  /** What names without a schema in the unit were judged with. */
  readonly path: JudgedPath;
  /** Resolves with the state when everything forwarded is answered; null: the session ended. */
  idle(): Promise<TransactionStatus | null>;
}

/** Listening to nothing: it changes nothing, everybody may, and it has a tag of its own. */
const DOES_NOTHING = 'UNLISTEN holdfast_none';
/** What cannot end a string, whatever the settings. */
const RECEIPT = /^[A-Za-z0-9_.+/=-]+$/;
const AS_IS: Prepared = { kind: 'go', wanted: [], texts: [] };

export class Receipts {
  /** Portals bound to a statement of ours, for as long as the transaction lasts. */
  readonly portals = new Map<string, Stand>();
  readonly #permits: Permits;
  #issued: string[] = [];

  constructor(permits: Permits) {
    this.#permits = permits;
  }

  async prepare(unit: Unit, moment: Moment): Promise<Prepared> {
    const wishes = wishesOf(unit);
    if (wishes.kind === 'cannot') return { kind: 'refused', refusal: cannot(wishes) };
    const [first] = wishes.wanted;
    if (first?.part.needs === 'outside' && wishes.statements === 1) {
      if (!unit.closes || moment.isMidCycle) return AS_IS;
      return (await moment.idle()) === 'I' ? await this.#runOutside(first, moment.path) : AS_IS;
    }
    if (wishes.wanted.some(({ part }) => part.needs === 'admin')) {
      const isAlone = first !== undefined && wishes.statements === 1 && unit.closes;
      if (!isAlone || moment.isMidCycle || (await moment.idle()) !== 'I') return NOT_ALONE;
      return await this.#changeRoles(first);
    }
    const wanted = wishes.wanted.filter(({ part }) => part.needs === 'owner');
    return wanted.length === 0 ? AS_IS : await this.#permit(wanted, moment.path);
  }

  /** Where something of ours is bound or answered, every message counts; null: nowhere. */
  counted(unit: Unit, { replies }: Cycle): Substituted | null {
    if (unit.kind === 'simple') return null;
    if (replies === null && this.portals.size === 0) return null;
    return substituted(unit, [], [], this.portals);
  }

  async #permit(wanted: readonly Wanted[], path: JudgedPath): Promise<Prepared> {
    const { guard, session } = this.#permits;
    try {
      const ids = await guard.permit(session, wanted.map(wishOf), path);
      this.#issued.push(...ids);
      if (ids.length !== wanted.length || !ids.every((id) => RECEIPT.test(id))) {
        throw new Error('receipts that cannot be used');
      }
      const texts = ids.map((id) => `CALL holdfast.run('${id}')`);
      return { kind: 'go', wanted, texts };
    } catch (cause) {
      return { kind: 'refused', refusal: noReceipt(cause) };
    }
  }

  #runOutside(wanted: Wanted, path: JudgedPath): Promise<Prepared> {
    const { guard, session } = this.#permits;
    return this.#runByGuard(wanted, () => guard.runOutside(wishOf(wanted), session, path));
  }

  #changeRoles(wanted: Wanted): Promise<Prepared> {
    const { guard, session } = this.#permits;
    return this.#runByGuard(wanted, () => guard.changeRoles(wanted.statement, session));
  }

  async #runByGuard(wanted: Wanted, run: () => Promise<string>): Promise<Prepared> {
    try {
      const tag = await run();
      const said: Wanted = { ...wanted, tag: tag === '' ? wanted.tag : tag };
      return { kind: 'go', wanted: [said], texts: [DOES_NOTHING] };
    } catch (cause) {
      const failure = failureOf(cause, wanted) ?? lostOf(cause);
      if (failure !== null) return { kind: 'failed', failure };
      const isNo = cause instanceof HoldfastError && cause.code === 'HF_UNDO_STATE';
      const refusal = isNo ? cannot({ reason: cause.found, hint: cause.hint }) : noReceipt(cause);
      return { kind: 'refused', refusal };
    }
  }

  /** No transaction is open and nothing is under way: a rollback may have made one good again. */
  settle(): void {
    if (this.portals.size > 0) this.portals.clear();
    if (this.#issued.length === 0) return;
    const issued = this.#issued;
    this.#issued = [];
    // A receipt has a deadline and a session besides; one that could not be voided dies by those.
    this.#permits.guard.void(issued).catch(() => {});
  }
}

function wishOf({ statement, part }: Wanted): { statement: string; mode: 'plain' | 'reversible' } {
  return { statement, mode: part.loses ? 'reversible' : 'plain' };
}

function cannot({ reason, hint }: { reason: string; hint: string }): Refusal {
  return {
    code: 'HF_UNSUPPORTED',
    message: `Holdfast cannot run this on a protected target: ${reason}.`,
    detail: 'Nothing was changed.',
    hint,
    position: null,
  };
}

/** Roles are changed in a commit of its own: together with other things it would look like one with them. */
const NOT_ALONE: Prepared = {
  kind: 'refused',
  refusal: cannot({
    reason: 'a change of roles together with other statements, or inside a transaction block',
    hint: 'It commits by itself, and no ROLLBACK of yours would reach it: end the transaction, then send the statement alone.',
  }),
};

function noReceipt(cause: unknown): Refusal {
  const why = messageOf(cause);
  return {
    code: 'HF_PROTECTION_LOST',
    message: 'Holdfast could not prepare to take this back, so it was not forwarded.',
    detail: `The target did not take the receipt: ${why}`,
    hint: 'Nothing was changed. Wait and retry; a person can look at: holdfast doctor.',
    position: null,
  };
}

/**
 * Null when the target was never reached, or said no itself. What ends a connection under way may come after it was
 * done: nobody who is told "nothing was changed" would look.
 */
function lostOf(cause: unknown): FailedOutside | null {
  const isOurs = cause instanceof HoldfastError;
  if (isOurs && cause.code !== 'HF_UPSTREAM_LOST') return null;
  const why = isOurs ? cause.found : messageOf(cause);
  const refusal = {
    code: 'HF_UPSTREAM_LOST',
    message:
      'Holdfast ran this for you, and the target did not answer: it may have been done, or not.',
    detail: why,
    hint: 'Look at what is there before you do it again, and do not try another way.',
    position: null,
  } as const;
  return { outcome: { kind: 'unknown', reason: why }, bytes: refusalBytes(refusal, 'ERROR') };
}
