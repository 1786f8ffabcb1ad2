/**
 * The past of an agent and of a target, out of the trail and the holds. Decisions are found by an index on
 * the bytes in which an entry names its agent (migration 0019), newest first, so that it costs the same
 * however long the trail is; what comes out of an entry is checked like any stranger's JSON.
 */
import { sql } from 'kysely';
import { z } from 'zod';
import type { HistoryStore, HoldFeatures, PastAct } from '../approvals/history.ts';
import { HOLD_STATES } from '../approvals/hold.ts';
import type { Prover } from '../approvals/proofs.ts';
import { cut } from '../model/text.ts';
import type { Database } from './database.ts';
import { EFFECTS } from './hold-rows.ts';
import { signersOf } from './signatures.ts';

/** Where the id of the agent begins in a decision, and how much of it the index has. */
const ID_FROM = 17;
const ID_BYTES = 22;
const EFFECTS_SHOWN = 5;
const LINE_CHARS_MAX = 200;

const OBJECT = z.object({ schema: z.string().nullable(), name: z.string() });
const DECISION = z.object({
  actor: z.object({ id: z.string() }),
  effects: z.array(z.object({ kind: z.string(), verb: z.string(), object: OBJECT.nullable() })),
  target: z.object({ name: z.string() }),
  text: z.object({ start: z.string() }),
  time: z.string(),
  verdict: z.object({ kind: z.string() }),
});
const OUTCOME = z.object({ outcome: z.object({ kind: z.string() }) });
const STATE = z.enum(HOLD_STATES);

export class SqlHistoryStore implements HistoryStore {
  readonly #database: Database;
  readonly #prover: Prover;

  constructor(database: Database, prover: Prover) {
    this.#database = database;
    this.#prover = prover;
  }

  async actsOf(agentId: string, since: Date, limit: number): Promise<readonly PastAct[]> {
    const rows = await this.#database.run(
      async (db) =>
        (
          await sql<{ index: bigint; bytes: Buffer; outcome: Buffer | null }>`
            select d.index, d.bytes, o.bytes as outcome
              from holdfast.trail_entry d
                left join holdfast.trail_entry o on o.decision_index = d.index
              where d.kind = 'decision'
                and substring(d.bytes from ${sql.lit(ID_FROM)} for ${sql.lit(ID_BYTES)}) = ${keyOf(agentId)}
              order by d.index desc limit ${limit}`.execute(db)
        ).rows,
    );
    const acts: PastAct[] = [];
    for (const { index, bytes, outcome } of rows) {
      const decision = DECISION.safeParse(JSON.parse(bytes.toString('utf8'))).data;
      // Another id may begin alike.
      if (decision === undefined || decision.actor.id !== agentId) continue;
      // Entries of several gateways lie a little out of order; minutes are meant.
      if (Date.parse(decision.time) < since.getTime()) break;
      acts.push({
        index: Number(index),
        at: decision.time,
        target: decision.target.name,
        verdict: decision.verdict.kind,
        effects: effectWords(decision.effects),
        firstLine: firstLineOf(decision.text.start),
        outcome: outcome === null ? null : outcomeIn(outcome),
      });
    }
    return acts;
  }

  pastHolds(agentId: string, target: string, limit: number): Promise<readonly HoldFeatures[]> {
    return this.#database.run(async (db) => {
      const of = (column: 'agent_id' | 'target', value: string) =>
        db
          .selectFrom('holdfast.holds')
          .select([
            'id',
            'opened_at',
            'expires_at',
            'agent_id',
            'agent_name',
            'target',
            'state',
            'statement',
            'effects',
            'decided_by',
            'note',
          ])
          .where('act_kind', 'is', null)
          .where('state', '<>', 'waiting')
          .where(column, '=', value)
          .orderBy('opened_at', 'desc')
          .limit(limit);
      const rows = [
        ...(await of('target', target).execute()),
        ...(await of('agent_id', agentId).execute()),
      ];
      const found = new Map(rows.map((row) => [row.id, row]));
      return [...found.values()].map(
        (row): HoldFeatures => ({
          id: row.id,
          openedAt: row.opened_at,
          expiresAt: row.expires_at,
          agentId: row.agent_id ?? '',
          agentName: row.agent_name ?? '',
          target: row.target,
          state: STATE.parse(row.state),
          statement: row.statement,
          effects: EFFECTS.parse(row.effects),
          decidedBy: row.decided_by,
          note: row.note,
        }),
      );
    });
  }

  signersOf(holdIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#database.run((db) => signersOf(db, holdIds, this.#prover));
  }
}

/** As `trail/entry.ts` writes the agent of a decision, from its id on. */
function keyOf(agentId: string): Buffer {
  return Buffer.from(`${JSON.stringify(agentId).slice(1)},"kind":"agent","name":`).subarray(
    0,
    ID_BYTES,
  );
}

type Effects = z.infer<typeof DECISION>['effects'];

function effectWords(effects: Effects): readonly string[] {
  const words = effects.map(({ kind, object, verb }) => {
    const name =
      object === null ? '' : ` ${object.schema === null ? '' : `${object.schema}.`}${object.name}`;
    return `${kind}: ${verb}${name}`;
  });
  return [...new Set(words)].slice(0, EFFECTS_SHOWN);
}

function firstLineOf(text: string): string {
  return cut(text.trimStart().split(/[\r\n\u2028\u2029]/, 1)[0] ?? '', LINE_CHARS_MAX);
}

function outcomeIn(bytes: Buffer): string | null {
  return OUTCOME.safeParse(JSON.parse(bytes.toString('utf8'))).data?.outcome.kind ?? null;
}
