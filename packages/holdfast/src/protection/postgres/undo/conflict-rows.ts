/** Conflicts of a plan: decided in the target (there may be many), read with both rows for people. */
import { UNDO_CONFLICTS_SHOWN_MAX } from '../../../model/limits.ts';
import type { Row, TargetSession } from '../../target-database.ts';
import {
  CHOICES,
  type Choice,
  CONFLICT_KINDS,
  type ConflictKind,
  type Decision,
  type RowText,
  type UndoConflict,
} from '../../undo/undo-report.ts';
import { literal } from '../layout.ts';
import { text } from './current-table.ts';
import { type Net, quoted } from './net.ts';

/** Least specific first, so that the most specific has the last word. */
export async function decide(
  session: TargetSession,
  net: Net,
  decisions: readonly Decision[],
): Promise<void> {
  const weight = (one: Decision): number =>
    (one.key === null ? 0 : 2) + (one.table === null ? 0 : 1);
  const fitting = decisions
    .filter(({ table }) => table === null || table === net.table.shown)
    .sort((one, other) => weight(one) - weight(other));
  for (const { key, choice } of fitting) {
    await session.query(
      `update ${net.plan} p set choice = ${literal(choice)} where p.conflict is not null
         and (p.conflict not in ('parent-missing', 'dependents') or ${literal(choice)} <> 'ours')
         ${key === null ? '' : `and ${keyText(net, 'p')} = ${literal(key)}`}`,
    );
  }
}

export interface ConflictList {
  readonly total: number;
  readonly undecided: number;
  readonly shown: readonly UndoConflict[];
}

export async function readConflicts(
  session: TargetSession,
  net: Net,
  way: string | null,
): Promise<ConflictList> {
  const names = net.table.columns.filter((column) => net.common.includes(column));
  const list = (columns: readonly string[]): string => `array[${columns.join(', ')}]::text[]`;
  const called = list(names.map(({ name }) => literal(name)));
  const kept = list(names.map((column) => `${net.value(column, 'l')}::text`));
  const now = (alias: string): string =>
    list(names.map((column) => `${alias}.${quoted(column)}::text`));
  const other =
    way === null
      ? 'null::jsonb'
      : `(select to_jsonb(jsonb_object(${called}, ${now('t')}))
     from ${way} w join ${net.table.from} t on t.tableoid = w.at and t.ctid = w.id
    where w.b = p.b limit 1)`;
  const rows = await session.query(
    `select p.conflict, p.choice, p.about, ${keyText(net, 'p')} as key,
            (select jsonb_object(${called}, ${kept}) from ${net.rows} l where l.ctid = p.b) as kept,
            case when p.conflict = 'unique' then ${other} else
              (select jsonb_object(${called}, ${now('t')}) from ${net.table.from} t
                where ${net.onKey('p', 't')} limit 1) end as now,
            count(*) over ()::int as total, count(*) filter (where p.choice is null) over ()::int as undecided
       from ${net.plan} p where p.conflict is not null order by p.choice is not null, p.b, p.a
      limit ${UNDO_CONFLICTS_SHOWN_MAX}`,
  );
  return {
    total: Number(rows[0]?.['total'] ?? 0),
    undecided: Number(rows[0]?.['undecided'] ?? 0),
    shown: rows.map((row) => conflictOf(row, net.table.shown)),
  };
}

function conflictOf(row: Row, table: string): UndoConflict {
  const kind = CONFLICT_KINDS.find((one) => one === row['conflict']) ?? 'changed';
  const about = row['about'];
  return {
    kind,
    table,
    key: text(row, 'key'),
    about: typeof about === 'string' ? about : SENTENCES[kind],
    kept: rowText(row['kept']),
    now: rowText(row['now']),
    choice: CHOICES.find((one) => one === row['choice']) ?? null,
    choices: kind === 'parent-missing' || kind === 'dependents' ? LEFT : CHOICES,
  };
}

const LEFT: readonly Choice[] = ['theirs', 'skip'];

const SENTENCES: Readonly<Record<ConflictKind, string>> = {
  changed: 'Somebody changed this row since.',
  gone: 'Somebody removed this row since.',
  recreated: 'There is a newer row with this key.',
  'in-between': 'Somebody else changed this row between the statements to be undone.',
  unique: 'A newer row holds a value that must be unique.',
  'parent-missing': 'A row it refers to is not there.',
  dependents: 'Newer rows refer to it.',
  'does-not-fit': 'A kept value does not fit its column any more.',
  'table-gone': 'The table is not there.',
  'object-exists': 'There is something of that name again.',
  server: 'The server refused it.',
};

/** `id=42`, `a=1,b=x`. */
function keyText(net: Net, alias: string): string {
  return net.keyColumns
    .map((column) => `${literal(`${column.name}=`)} || ${alias}.k${column.attnum}::text`)
    .join(` || ',' || `);
}

function rowText(value: unknown): RowText | null {
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, field === null ? null : String(field)]),
  );
}
