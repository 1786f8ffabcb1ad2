/**
 * An act on structure is taken back by its own record: what must be absent is looked for first, then its
 * steps run in order, then a journal row with undo and redo swapped makes the undo undoable.
 */
import pg from 'pg';
import type { TargetSession } from '../../target-database.ts';
import type { ActSegment } from '../../undo/segments.ts';
import type { ActReport, Choice, UndoConflict } from '../../undo/undo-report.ts';
import type { ActObject, ActRecord } from '../../undo-item.ts';
import { rolesChangedSince } from '../roles/change.ts';
import { withoutSecrets } from '../roles/steps.ts';
import type { LesserSession } from './lesser-session.ts';

export type ActOutcome =
  | { readonly kind: 'done'; readonly report: ActReport; readonly notes: readonly string[] }
  | { readonly kind: 'in-the-way'; readonly conflicts: readonly UndoConflict[] };

export interface ActUndoing {
  readonly isLook: boolean;
  /** A look takes nothing back: what later acts of the same undo did is still there for the others. */
  readonly isFirst: boolean;
  readonly decide: (table: string) => Choice | null;
  readonly say: (sql: string) => void;
}

export async function undoAct(
  session: LesserSession,
  { act, seq }: ActSegment,
  { decide, isFirst, isLook, say }: ActUndoing,
): Promise<ActOutcome> {
  const conflicts: UndoConflict[] = [];
  for (const object of act.absent) {
    if (await exists(session, object)) {
      conflicts.push({
        kind: 'object-exists',
        table: object.name,
        key: null,
        about: `There is a ${object.type} ${object.name} again: rename or drop it first, then undo ${act.verb}.`,
        kept: null,
        now: null,
        choice: null,
        choices: ['skip'],
      });
    }
  }
  if (act.left !== undefined && !(isLook && !isFirst)) {
    for (const { about } of await rolesChangedSince(session, act.left)) {
      const table = act.objects[0]?.name ?? act.verb;
      if (decide(table) === 'ours') continue;
      conflicts.push({
        kind: 'changed',
        table,
        key: null,
        about: `Somebody changed ${about} since: "ours" sets it to what it was before ${act.verb}.`,
        kept: null,
        now: null,
        choice: null,
        choices: ['ours', 'skip'],
      });
    }
  }
  if (conflicts.length > 0) return { kind: 'in-the-way', conflicts };
  const notes = [...act.notRestored];
  if (isLook) {
    for (const step of act.undo) say(withoutSecrets(step.sql));
  } else {
    const refused = await runSteps(session, act, say);
    if (refused !== null) return { kind: 'in-the-way', conflicts: [refused] };
  }
  if (!isLook && !(await noteAct(session, swapped(act, seq)))) {
    notes.push(
      `The undo of ${act.verb} cannot itself be undone: holdfast.note_act is not in this target.`,
    );
  }
  const steps = act.undo.map(({ about }) => about);
  return { kind: 'done', report: { about: aboutAct(act), statement: act.statement, steps }, notes };
}

/** What the server says no to is in the way like anything else: told, with nothing changed. */
async function runSteps(
  session: LesserSession,
  act: ActRecord,
  say: (sql: string) => void,
): Promise<UndoConflict | null> {
  await session.query('savepoint hf_act');
  for (const step of act.undo) {
    try {
      await session.run(step.sql);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || OTHERS_WORD.test(error.code ?? '')) throw error;
      await session.query('rollback to savepoint hf_act; release savepoint hf_act');
      const detail = error.detail === undefined ? '' : ` ${error.detail}`;
      return {
        kind: 'server',
        table: act.objects[0]?.name ?? act.verb,
        key: null,
        about: `The server refused "${step.about}": ${error.message}.${detail}`,
        kept: null,
        now: null,
        choice: null,
        choices: ['skip'],
      };
    }
    say(withoutSecrets(step.sql));
  }
  await session.query('release savepoint hf_act');
  return null;
}

/** Tried again, waited for, not allowed, or the connection is gone: others have a word for these. */
const OTHERS_WORD = /^(40|55P03|42501|57|08|53)/;

export function aboutAct(act: ActRecord): string {
  return [act.verb, act.objects.map(({ name }) => name).join(', ')].filter(Boolean).join(' ');
}

function swapped(act: ActRecord, seq: bigint): ActRecord & { readonly undoOfSeq: string } {
  return {
    verb: act.verb.startsWith('UNDO ') ? act.verb.slice(5) : `UNDO ${act.verb}`,
    statement: act.statement,
    objects: act.objects,
    undo: act.redo,
    redo: act.undo,
    // Taking an undo back does the act again: nothing has to be absent for it.
    absent: [],
    trash: act.trashOfUndo ?? [],
    trashOfUndo: act.trash,
    notRestored: [],
    undoOfSeq: seq.toString(),
  };
}

async function noteAct(session: TargetSession, act: ActRecord): Promise<boolean> {
  const [row] = await session.query(
    `select to_regprocedure('holdfast.note_act(jsonb)') is not null as there`,
  );
  if (row?.['there'] !== true) return false;
  await session.query('select holdfast.note_act($1::jsonb)', [JSON.stringify(act)]);
  return true;
}

/** By name, as pg_identify_object writes it; a kind we have no look-up for is left to the steps. */
async function exists(session: TargetSession, { type, name }: ActObject): Promise<boolean> {
  const look = LOOK_UPS[type];
  if (look === undefined) return false;
  const [row] = await session.query(`select ${look} as there`, [name]);
  return row?.['there'] === true;
}

const RELATION = 'to_regclass($1) is not null';
const LOOK_UPS: Readonly<Record<string, string>> = {
  table: RELATION,
  'foreign table': RELATION,
  view: RELATION,
  'materialized view': RELATION,
  sequence: RELATION,
  index: RELATION,
  type: 'to_regtype($1) is not null',
  function: 'to_regprocedure($1) is not null',
  procedure: 'to_regprocedure($1) is not null',
  schema: 'to_regnamespace($1) is not null',
  role: 'to_regrole($1) is not null',
};
