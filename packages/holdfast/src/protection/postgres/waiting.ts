/** What is captured in a target and not in the vault yet, by the target's own word. Read only. */
import { z } from 'zod';
import type { TargetDatabase } from '../target-database.ts';
import { ident, SCHEMA } from './layout.ts';

export interface Waiting {
  readonly statements: number;
  /** Of the oldest of them; 0: none waits. */
  readonly ageMs: number;
  /** That the tables of the capture take in the target: rows that were drained leave their room behind. */
  readonly bytes: number;
}

const WAITING = z.object({ statements: z.number(), age_ms: z.number(), bytes: z.number() });

const SQL = `
  select count(*)::float8 as statements,
    coalesce(greatest(0, extract(epoch from clock_timestamp() - min(j.at)) * 1000), 0)::float8 as age_ms,
    (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8 from pg_class c
      where c.relnamespace = '${SCHEMA}'::regnamespace and c.relkind = 'r'
        and c.relname ~ '^(journal|c[0-9]+)$') as bytes
  from ${ident(SCHEMA)}.journal j`;

export async function waitingIn(target: Pick<TargetDatabase, 'query'>): Promise<Waiting> {
  const [row] = await target.query(SQL);
  const { age_ms: ageMs, bytes, statements } = WAITING.parse(row);
  return { ageMs, bytes, statements };
}
