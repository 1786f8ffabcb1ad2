/**
 * What is handed to `pipeline/deferred-run.ts`: how an act is decided again when its grace is over, and
 * how it is run. It decides nothing itself; what it cannot read without the agent's session is refused.
 */
import type { DeferralRecord } from './approvals/deferral.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import type { Outcome } from './model/outcome.ts';
import type { Protection } from './model/reversal.ts';
import type { Refuse } from './model/verdict.ts';
import type { DeferredExecutor, Redecide } from './pipeline/deferred-run.ts';
import { pathIn } from './pipeline/path-mark.ts';
import type { Judge } from './policy/judge.ts';
import type { AdminConnection } from './protection/postgres/admin.ts';
import { runLater } from './protection/postgres/run-later.ts';
import type { TargetResolver } from './targets/resolver.ts';

export interface RedecideParts {
  readonly reader: SqlReader;
  readonly judge: Judge;
  readonly targets: TargetResolver;
  /** By the name of a target, now. */
  readonly protectionOf: (target: string) => Protection;
}

/** Its name for a prepared statement meant something in a session that is long over. */
const SESSION_GONE: Refuse = {
  kind: 'refuse',
  rule: 'deferral.session',
  reason: 'What it would run was prepared in a session that is over',
  hint: 'Send the statement itself.',
};

export function redecideWith({ judge, protectionOf, reader, targets }: RedecideParts): Redecide {
  return async ({ card, searchPath, signatures, statement }: DeferralRecord) => {
    const target = targets.resolve({ asked: card.target, searchPath });
    const reading = await reader.read(statement, 0, statement.length);
    const actor = {
      kind: 'agent',
      id: card.agentId,
      name: card.agentName,
      tokenId: card.tokenId,
    } as const;
    const scope = { actor, target, searchPath, protection: protectionOf(card.target) };
    const verdict = reading.session.some(({ kind }) => kind === 'execute')
      ? SESSION_GONE
      : judge.judge(scope, reading, signatures);
    return { reading, target, verdict, policyVersion: judge.version };
  };
}

export interface LaterPlace {
  readonly connection: AdminConnection;
  /** The role that owns what agents create; null: as the connection's user. */
  readonly owner: string | null;
}

/** `placeOf` gives null for a target that is not declared any more. */
export function executeWith(placeOf: (target: string) => LaterPlace | null): DeferredExecutor {
  return async (deferral: DeferralRecord): Promise<Outcome> => {
    const { acts, card, parameters, searchPath, statement } = deferral;
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
      owner,
    });
  };
}
