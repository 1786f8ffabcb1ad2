/** What was restored and compared, turned into the plain data of `copy-shape.ts`. */
import type { Progress, RestoreGoal } from '../engines/engine.ts';
import { secondsLeft } from '../progress.ts';
import type { RestoreWish } from './choose-point.ts';
import type { CopyStanding, DiffWords, WishWords } from './copy-shape.ts';
import type { Diff, TableDifference } from './diff.ts';
import { sentencesOfDiff } from './diff-words.ts';
import type { KeyTexts } from './row-buckets.ts';

const PARTS_SHOWN_MAX = 500;
const TABLES_SHOWN_MAX = 1_000;
/** A longer definition is cut; a key that is longer is left out, since half of one names another row. */
const DEFINITION_CHARS_MAX = 2_000;
const KEY_CHARS_MAX = 500;

export function wishOf(words: WishWords): RestoreWish {
  return words.kind === 'at' ? { kind: 'at', at: new Date(words.at) } : words;
}

export function progressOf(
  progress: Progress,
): Extract<CopyStanding, { state: 'running' }>['progress'] {
  const left = secondsLeft(progress);
  return { ...progress, leftMs: left === null ? null : Math.round(left * 1000) };
}

export function goalWords({ at, lsn }: RestoreGoal): {
  readonly at: string | null;
  readonly lsn: string | null;
} {
  return { at: at?.toISOString() ?? null, lsn };
}

export function diffWords(diff: Diff): DiffWords {
  return {
    structure: diff.structure
      .slice(0, PARTS_SHOWN_MAX)
      .map(({ kind, live, name, of, restored }) => ({
        ...{ kind, of, name },
        restored: cut(restored),
        live: cut(live),
      })),
    structureTotal: diff.structure.length,
    lone: diff.lone.slice(0, TABLES_SHOWN_MAX).map(({ name, rows, schema, side }) => ({
      ...{ schema, name, side },
      rows: Number(rows),
    })),
    loneTotal: diff.lone.length,
    tables: diff.tables.slice(0, TABLES_SHOWN_MAX).map(tableWords),
    tablesTotal: diff.tables.length,
    equalTables: diff.equalTables,
    equalRows: Number(diff.equalRows),
    sentences: sentencesOfDiff(diff).slice(0, TABLES_SHOWN_MAX),
  };
}

function tableWords(table: TableDifference): DiffWords['tables'][number] {
  const { key, keys, leftOut, liveRows, name, restoredRows, schema } = table;
  return {
    ...{ schema, name },
    restoredRows: Number(restoredRows),
    liveRows: Number(liveRows),
    leftOut: [...leftOut],
    key: [...key],
    rows:
      keys === null
        ? null
        : {
            missing: Number(keys.missing),
            changed: Number(keys.changed),
            extra: Number(keys.extra),
            missingKeys: shownKeys(keys.missingKeys),
            changedKeys: shownKeys(keys.changedKeys),
            extraKeys: shownKeys(keys.extraKeys),
          },
  };
}

function shownKeys(keys: readonly KeyTexts[]): (string | null)[][] {
  return keys
    .filter((key) => key.every((text) => (text ?? '').length <= KEY_CHARS_MAX))
    .map((key) => [...key]);
}

function cut(definition: string | null): string | null {
  if (definition === null || definition.length <= DEFINITION_CHARS_MAX) return definition;
  return `${definition.slice(0, DEFINITION_CHARS_MAX)}…`;
}
