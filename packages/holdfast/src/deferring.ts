/**
 * What is handed to `pipeline/deferred-run.ts`: how an act is decided again when its grace is over, and
 * how it is run. It decides nothing itself; what it cannot read without the agent's session is refused.
 */
import type { DeferralRecord } from './approvals/deferral.ts';
import type { AgentDirectory, Allowances } from './identity/agent-directory.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import type { Allowance } from './model/allowance.ts';
import type { HttpAct } from './model/http-request.ts';
import type { Outcome } from './model/outcome.ts';
import { PROVIDER_PROTECTION, type Protection } from './model/reversal.ts';
import { sessionMarkIn } from './model/session-settings.ts';
import type { Refuse } from './model/verdict.ts';
import type { DeferredExecutor, Redecide, Redecision } from './pipeline/deferred-run.ts';
import { pathIn } from './pipeline/path-mark.ts';
import type { Judge } from './policy/judge.ts';
import type { AdminConnection } from './protection/postgres/admin.ts';
import { runLater } from './protection/postgres/run-later.ts';
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
  readonly agents: Allowances & Pick<AgentDirectory, 'freshen'>;
}

/** Its name for a prepared statement meant something in a session that is long over. */
const SESSION_GONE: Refuse = {
  kind: 'refuse',
  rule: 'deferral.session',
  reason: 'What it would run was prepared in a session that is over',
  hint: 'Send the statement itself.',
};

export function redecideWith(parts: RedecideParts): Redecide {
  const { judge, protectionOf, reader, targets } = parts;
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
    const scope = { actor, target, searchPath, protection, allowance };
    const verdict = reading.session.some(({ kind }) => kind === 'execute')
      ? SESSION_GONE
      : judge.judge(scope, reading, signatures);
    return { reading, target, verdict, policyVersion: judge.version };
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
  { judge, providers, targets }: RedecideParts,
): Promise<Redecision> {
  const provider = providers.get(request.provider);
  const policyVersion = judge.version;
  if (provider === undefined) {
    const target = targets.resolve({ asked: card.target, searchPath: [] });
    const reading = { kind: 'understood', effects: card.effects } as const;
    return { reading, target, verdict: PROVIDER_GONE, policyVersion };
  }
  const { evidence, place, reading } = await provider.read(request);
  const target = targets.resolve(place);
  const seen = acts.slice(2);
  const isSame =
    seen.length === evidence.length && evidence.every((one, at) => seen[at]?.equals(one) === true);
  const { agentId: id, agentName: name, tokenId } = card;
  const actor = { kind: 'agent', id, name, tokenId } as const;
  const scope = { actor, target, searchPath: [], protection: PROVIDER_PROTECTION, allowance };
  const verdict = isSame ? judge.judge(scope, reading, signatures) : EVIDENCE_CHANGED;
  return { reading, target, verdict, policyVersion };
}

export interface LaterPlace {
  readonly connection: AdminConnection;
  /** The role that owns what agents create; null: as the connection's user. */
  readonly owner: string | null;
}

/** `placeOf` gives null for a target that is not declared any more. */
export function executeWith(
  placeOf: (target: string) => LaterPlace | null,
  run: RunRequest,
): DeferredExecutor {
  return async (deferral: DeferralRecord): Promise<Outcome> => {
    const { acts, card, parameters, request, searchPath, statement } = deferral;
    if (request !== null) return await run(request);
    const place = placeOf(card.target);
    if (place === null) {
      return { kind: 'not-forwarded', reason: `${card.target} is not declared any more` };
    }
    const { connection, owner } = place;
    const [mark, ...others] = acts;
    // In the order that was approved; what has no mark of its own has no more than the schemas.
    const order = mark === undefined || others.length === 0 ? null : pathIn(mark, searchPath);
    return runLater(connection, {
      statement: statement.toString('utf8'),
      parameters,
      searchPath: order ?? searchPath,
      settings: mark === undefined || others.length === 0 ? [] : sessionMarkIn(mark).settings,
      owner,
    });
  };
}
