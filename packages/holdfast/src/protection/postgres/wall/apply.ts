/**
 * Runs a plan: one transaction, under an advisory lock, so that two of us never lay half of each. The
 * plan is made again inside, from what the lock found; nothing is left when a step fails.
 *
 * It will not: wait for a lock without end (the admin's lock_timeout ends it), or lay an older layout
 * over a newer one (HF_PROTECT, from the inspection).
 */
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import type { TargetDatabase, TargetSession } from '../../target-database.ts';
import type { Plan, PlanStep, ProtectOptions } from './ground.ts';
import { type Inspection, inspect } from './inspection.ts';
import { adminFault, planProtection } from './plan.ts';

/** "holdfast" in ASCII, as one bigint; per database, as advisory locks are. */
const LOCK_KEY = '7526402853842973556';

/** What would be done; nothing is. */
export function previewProtection(db: TargetDatabase, options: ProtectOptions): Promise<Plan> {
  return db.transaction('repeatable read', async (session) => {
    await session.query('set transaction read only');
    return planned(await inspect(session), options);
  });
}

/** What was done; a plan without steps when all was as it should be. */
export function applyProtection(db: TargetDatabase, options: ProtectOptions): Promise<Plan> {
  return db.transaction('read committed', async (session) => {
    await lockLayout(session);
    const plan = planned(await inspect(session), options);
    if (plan.level === 'capture-only') throw withoutRoles(plan);
    for (const step of plan.steps) await take(session, step);
    return plan;
  });
}

function planned(inspection: Inspection, options: ProtectOptions): Plan {
  const fault = adminFault(inspection, options);
  if (fault !== null) throw fault;
  return planProtection(inspection, options);
}

export async function lockLayout(session: TargetSession): Promise<void> {
  await session.query('select pg_advisory_xact_lock($1::bigint)', [LOCK_KEY]);
  // Capture of many tables is one statement each, but the whole may take longer than a daily one.
  await session.query('set local statement_timeout = 0');
}

async function take(session: TargetSession, step: PlanStep): Promise<void> {
  try {
    await session.query(step.sql);
  } catch (cause) {
    const code = codeOf(cause);
    // The transaction is tried again as a whole.
    if (code === '40001' || code === '40P01') throw cause;
    throw new HoldfastError('HF_PROTECT', {
      expected: `to do "${step.id}" (it needs ${step.needs})`,
      found: `${messageOf(cause)}${code === null ? '' : ` (${code})`}`,
      hint:
        code === '55P03'
          ? 'Somebody holds a lock on a table: try again when the database is quieter. Nothing was changed.'
          : 'Nothing was changed. Look at the step with `holdfast protect TARGET`, mend, and try again.',
      cause,
    });
  }
}

function codeOf(cause: unknown): string | null {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return null;
  return typeof cause.code === 'string' ? cause.code : null;
}

function withoutRoles(plan: Plan): HoldfastError {
  return new HoldfastError('HF_PROTECT', {
    expected: 'an admin that may create roles',
    found: plan.levelReason,
    hint: `ALTER ROLE ${plan.admin} CREATEROLE, or name another role under protection.admin.`,
  });
}
