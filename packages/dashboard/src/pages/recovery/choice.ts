/** What a person chose of what differs, as the API is asked for it. Names are kept as JSON: they may hold anything. */
import type { Answer, Body } from '../../api/client.ts';

type Ready = Extract<Answer<'restores.show'>['standing'], { state: 'ready' }>;
type Diff = Extract<NonNullable<Ready['diff']>, { state: 'done' }>['result'];
export type Table = Diff['tables'][number];
export type Row = readonly (string | null)[];

export interface Choice {
  /** Whole ones, by `keyName` with an empty key. */
  readonly tables: readonly string[];
  /** Rows by `keyName`; of a table that is chosen whole they count for nothing. */
  readonly rows: readonly string[];
  readonly changed: 'keep' | 'set-back';
  readonly extra: 'keep' | 'delete';
}

export type WriteBack = Body<'restores.preview'> & {
  readonly tables: { schema: string; name: string; keys: string[][] | null }[];
};

/** For people, who know names without quotes. */
export function tableName({ name, schema }: Pick<Table, 'schema' | 'name'>): string {
  return `${schema}.${name}`;
}

/** Of a row, or with an empty key of the whole table. */
export function keyName({ name, schema }: Pick<Table, 'schema' | 'name'>, key: Row): string {
  return JSON.stringify([schema, name, ...key]);
}

export function toggled(list: readonly string[], one: string): readonly string[] {
  return list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
}

/** A row with a null in its key is none that can be named. */
export function wordsOf(choice: Choice, tables: readonly Table[]): WriteBack {
  const { changed, extra } = choice;
  return {
    tables: tables.flatMap((table): WriteBack['tables'] => {
      const { name, rows, schema } = table;
      if (choice.tables.includes(keyName(table, []))) return [{ schema, name, keys: null }];
      const shown = [
        ...(rows?.missingKeys ?? []),
        ...(rows?.changedKeys ?? []),
        ...(rows?.extraKeys ?? []),
      ];
      const keys = shown.flatMap((key) => {
        const texts = key.filter((part) => part !== null);
        const isChosen = choice.rows.includes(keyName(table, key));
        return isChosen && texts.length === key.length ? [texts] : [];
      });
      return keys.length === 0 ? [] : [{ schema, name, keys }];
    }),
    changed,
    extra,
  };
}
