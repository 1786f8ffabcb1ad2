/** A restored table that answers what a rebuild asks of it, without a server; for tests of what is proposed. */
import type { Asked } from '../recovery/rebuild/table-facts.ts';

/** `key` is unique and NOT NULL; all other columns may be empty. `existing`: rows that stand there. */
export function fakeTable(
  key: string,
  columns: readonly string[],
  existing: readonly Readonly<Record<string, string | null>>[] = [],
): Asked {
  return {
    query: async (sql, values) => {
      if (sql.includes('pg_attribute')) return [key, ...columns].map((name) => factsOf(name, key));
      if (sql.includes('pg_class')) return [{ oid: '16384', kind: 'r' }];
      const [wanted] = values ?? [];
      const keys: readonly unknown[] = Array.isArray(wanted) ? wanted : [];
      return existing
        .filter((row) => keys.includes(row[key]))
        .map((row) => ({ key: row[key], cells: columns.map((name) => row[name] ?? null) }));
    },
  };
}

function factsOf(name: string, key: string) {
  return {
    name,
    type: 'text',
    isNotNull: name === key,
    hasDefault: false,
    isGenerated: false,
    isUnique: name === key,
    sequence: null,
  };
}
