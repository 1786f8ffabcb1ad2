/**
 * What is handed to `pipeline/deferred-run.ts`: how an act is decided again when its grace is over, and
 * how it is run. It decides nothing itself; what it cannot read without the agent's session is refused.
 */
import type { DeferralRecord } from './approvals/deferral.ts';
import type { AgentDirectory, Allowances } from './identity/agent-directory.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import type { Allowance } from './model/allowance.ts';
import type { Clock } from './model/clock.ts';
import type { Effect, Reading } from './model/effect.ts';
import { messageOf } from './model/errors.ts';
import type { HttpAct } from './model/http-request.ts';
import type { Outcome } from './model/outcome.ts';
import type { RecoveryOf } from './model/recovery-facts.ts';
import { PROVIDER_PROTECTION, type Protection } from './model/reversal.ts';
import { namePathIn, sessionMarkOf } from './model/session-settings.ts';
import type { Refuse } from './model/verdict.ts';
import type { DeferredExecutor, Redecide, Redecision } from './pipeline/deferred-run.ts';
import { pathIn } from './pipeline/path-mark.ts';
import type { Judge } from './policy/judge.ts';
import { type LaterPlace, runLater } from './protection/postgres/run-later.ts';
import { findOwner, type OwnerWish } from './protection/postgres/runner.ts';
import type { TargetDatabase } from './protection/target-database.ts';
import type { RunRequest } from './protocols/index.ts';
import type { Provider } from './providers/provider.ts';
import type { TargetResolver } from './targets/resolver.ts';

export interface RedecideParts {
  readonly reader: SqlReader;
  readonly judge: Judge;
  readonly targets: TargetResolver;
  readonly providers: ReadonlyMap<string, Provider>;
  /** By the name of a target, now. */
  readonly protectionOf: (target: string) => Protection;
  readonly recoveryOf: RecoveryOf;
  readonly agents: Allowances & Pick<AgentDirectory, 'freshen'>;
  /** As whom SQL runs; null: the target is not declared any more. */
  readonly ownerOf: (deferral: DeferralRecord, reading: Reading) => Promise<OwnerNow | null>;
}

export type OwnerNow =
  | { readonly kind: 'owner'; readonly owner: string }
  /** There is nobody. */
  | { readonly kind: 'none'; readonly refuse: Refuse }
  /** The target could not be asked. */
  | { readonly kind: 'away'; readonly why: string };

/** Its name for a prepared statement meant something in a session that is long over. */
const SESSION_GONE: Refuse = {
  kind: 'refuse',
  rule: 'deferral.session',
  reason: 'What it would run was prepared in a session that is over',
  hint: 'Send the statement itself.',
};

export function redecideWith(parts: RedecideParts): Redecide {
  const { judge, protectionOf, reader, recoveryOf, targets } = parts;
  return async (deferral: DeferralRecord) => {
    const { card, request, searchPath, signatures, statement } = deferral;
    const allowance = await allowanceNow(parts, card.agentId);
    if (request !== null) return await redecideRequest(deferral, request, allowance, parts);
    const target = targets.resolve({ asked: card.target, searchPath });
    const reading = await reader.read(statement, 0, statement.length);
    const actor = {
      kind: 'agent',
      id: card.agentId,
      name: card.agentName,
      tokenId: card.tokenId,
    } as const;
    const protection = protectionOf(card.target);
    const recovery = recoveryOf(target.name);
    const scope = { actor, target, searchPath, protection, recovery, allowance };
    const verdict = reading.session.some(({ kind }) => kind === 'execute')
      ? SESSION_GONE
      : judge.judge(scope, reading, signatures);
    const again = { reading, target, verdict, policyVersion: judge.version, protection };
    const isPassed = verdict.kind === 'forward' || verdict.kind === 'protect';
    const found = isPassed ? await parts.ownerOf(deferral, reading) : null;
    switch (found?.kind) {
      case undefined:
        return again;
      case 'owner':
        return { ...again, owner: found.owner };
      case 'none':
        return { ...again, verdict: found.refuse };
      case 'away':
        return { ...again, away: found.why };
    }
  };
}

/**
 * An act of an agent that was paused since, or has expired, is not run, nor one that it may not ask for
 * any more. Its hours are for asking: what was asked for and approved within them may be due at night.
 */
async function allowanceNow({ agents }: RedecideParts, agentId: string): Promise<Allowance> {
  await agents.freshen();
  const allowance = agents.allowanceOf(agentId);
  return allowance.stop?.code === 'HF_AGENT_HOURS' ? { ...allowance, stop: null } : allowance;
}

const PROVIDER_GONE: Refuse = {
  kind: 'refuse',
  rule: 'deferral.provider',
  reason: 'Its provider is not declared any more',
  hint: 'Declare it under providers, and send it again.',
};

const EVIDENCE_CHANGED: Refuse = {
  kind: 'refuse',
  rule: 'deferral.evidence',
  reason: 'What was looked up for it (staged changes, variables) is not what was approved',
  hint: 'Send it again; it is looked up, approved, and waits, anew.',
};

/** Read and placed anew: what it means may have changed, and where it acts. */
async function redecideRequest(
  { acts, card, signatures }: DeferralRecord,
  request: HttpAct,
  allowance: Allowance,
  { judge, providers, recoveryOf, targets }: RedecideParts,
): Promise<Redecision> {
  const provider = providers.get(request.provider);
  const policyVersion = judge.version;
  if (provider === undefined) {
    const target = targets.resolve({ asked: card.target, searchPath: [] });
    const reading = { kind: 'understood', effects: card.effects } as const;
    return {
      reading,
      target,
      verdict: PROVIDER_GONE,
      policyVersion,
      protection: PROVIDER_PROTECTION,
    };
  }
  const { evidence, place, reading } = await provider.read(request);
  const target = targets.resolve(place);
  const seen = acts.slice(2);
  const isSame =
    seen.length === evidence.length && evidence.every((one, at) => seen[at]?.equals(one) === true);
  const { agentId: id, agentName: name, tokenId } = card;
  const actor = { kind: 'agent', id, name, tokenId } as const;
  const scope = {
    actor,
    target,
    searchPath: [],
    protection: PROVIDER_PROTECTION,
    recovery: recoveryOf(target.name),
    allowance,
  };
  const verdict = isSame ? judge.judge(scope, reading, signatures) : EVIDENCE_CHANGED;
  return { reading, target, verdict, policyVersion, protection: PROVIDER_PROTECTION };
}

/** What a target is to a deferral. Its database is opened for one, and closed after it. */
export interface LaterTarget {
  readonly open: () => TargetDatabase;
  readonly loginOf: LaterPlace['loginOf'];
  /** `protection.owner`; null: nobody said. */
  readonly owner: string | null;
}

/** Null for a target that is not declared any more. */
export type LaterTargetOf = (target: string) => LaterTarget | null;

/** Asked before it is said to run, so that it is void, and not failed, where nobody can be found. */
export function ownerWith(targetOf: LaterTargetOf): RedecideParts['ownerOf'] {
  return async (deferral, reading) => {
    const target = targetOf(deferral.card.target);
    if (target === null) return null;
    const db = target.open();
    try {
      const found = await findOwner(db, ownerWish(deferral, reading.effects, target));
      if (found.kind === 'owner') return found;
      const { hint, why } = found;
      const reason = `${why}. ${hint}`;
      return { kind: 'none', refuse: { kind: 'refuse', rule: 'deferral.owner', reason, hint } };
    } catch (error) {
      return { kind: 'away', why: messageOf(error) };
    } finally {
      await db.close().catch(() => {});
    }
  };
}

function ownerWish(
  { acts, card, searchPath }: DeferralRecord,
  effects: readonly Effect[],
  { owner }: LaterTarget,
): OwnerWish {
  const marked = acts.length > 1 ? namePathIn(acts[0]) : { schemas: searchPath, isInOrder: true };
  return { target: card.target, said: owner, effects, path: marked };
}

export interface ExecuteParts {
  readonly targetOf: LaterTargetOf;
  readonly run: RunRequest;
  readonly clock: Pick<Clock, 'random'>;
  readonly trouble: (error: unknown) => void;
}

export function executeWith({ clock, run, targetOf, trouble }: ExecuteParts): DeferredExecutor {
  return async (deferral: DeferralRecord, owner: string | null): Promise<Outcome> => {
    const { acts, card, parameters, request, searchPath, statement } = deferral;
    if (request !== null) return await run(request);
    const target = targetOf(card.target);
    if (target === null) {
      return { kind: 'not-forwarded', reason: `${card.target} is not declared any more` };
    }
    if (owner === null) {
      return { kind: 'not-forwarded', reason: 'nobody was found whose rights it could run with' };
    }
    const [mark, ...others] = acts;
    // In the order that was approved; what has no mark of its own has no more than the schemas.
    const order = mark === undefined || others.length === 0 ? null : pathIn(mark, searchPath);
    const { settings } = sessionMarkOf(acts);
    const db = target.open();
    try {
      return await runLater(
        { db, loginOf: target.loginOf, clock, trouble },
        {
          statement: statement.toString('utf8'),
          parameters,
          searchPath: order ?? searchPath,
          settings,
          // Found when it was decided, over all that it does; the card may hold a part of that only.
          owner: { ...ownerWish(deferral, [], target), said: owner },
        },
      );
    } finally {
      await db.close().catch(() => {});
    }
  };
}
