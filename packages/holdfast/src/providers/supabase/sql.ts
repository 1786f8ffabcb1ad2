/**
 * SQL in the body of a request, by the reader that reads it everywhere else; its effects are passed on as
 * they are. Each request may run in a connection that others use too, so what a text prepares counts only
 * inside of it, and a setting that changes how texts are read is not taken at all.
 */

import { isObject, type Json } from '../../languages/json/json-text.ts';
import type { SqlReader, SqlReading } from '../../languages/sql/sql-reading.ts';
import type { Effect, Reading } from '../../model/effect.ts';

/** Keys of the body that hold no SQL and change nothing of its meaning. */
const OTHER_KEYS = new Set(['parameters', 'read_only', 'name', 'version', 'idempotency_key']);
/** Texts: what runs, and what would take it back. */
const TEXT_KEYS = ['query', 'rollback'];

const LEXING = new Set([
  'standard_conforming_strings',
  'backslash_quote',
  'client_encoding',
  'names',
  'session_replication_role',
]);

/** Never rejects. */
export async function sqlOf(
  body: Json | undefined,
  reader: Pick<SqlReader, 'read'>,
): Promise<Reading> {
  if (!isObject(body) || typeof body['query'] !== 'string') {
    return unread('ambiguous', 'Expected SQL as the text of query, found none.', []);
  }
  const effects: Effect[] = [];
  for (const [key, value] of Object.entries(body)) {
    if (OTHER_KEYS.has(key)) continue;
    if (!TEXT_KEYS.includes(key) || typeof value !== 'string') {
      const shown = JSON.stringify(key.slice(0, 100));
      return unread('ambiguous', `Expected query and what goes with it, found ${shown}.`, effects);
    }
    const bytes = Buffer.from(value);
    const reading = await reader.read(bytes, 0, bytes.length);
    effects.push(...reading.effects, ...prepared(reading));
    if (reading.kind === 'could-not-tell') return { ...reading, effects };
    const lexing = reading.session.find((act) => act.kind === 'set' && LEXING.has(act.parameter));
    if (lexing !== undefined) {
      const message = 'Expected no setting that changes how SQL is read, found one.';
      return unread('lexing-setting', message, effects);
    }
  }
  return { kind: 'understood', effects };
}

/** What is prepared and run in one text; a name from elsewhere could be anything. */
function prepared({ session }: SqlReading): readonly Effect[] {
  const known = new Map<string, SqlReading>();
  const effects: Effect[] = [];
  for (const act of session) {
    if (act.kind === 'prepare') known.set(act.name, act.reading);
    if (act.kind !== 'execute') continue;
    const reading = known.get(act.name);
    if (reading?.kind === 'understood') effects.push(...reading.effects);
    else effects.push(unknownExecute(act.name));
  }
  return effects;
}

function unknownExecute(name: string): Effect {
  const why = `nobody knows what was prepared as ${name.slice(0, 63)}`;
  return { kind: 'unknown', verb: 'EXECUTE', object: null, reach: 'unknown', additive: false, why };
}

function unread(
  code: 'ambiguous' | 'lexing-setting',
  message: string,
  effects: readonly Effect[],
): Reading {
  return { kind: 'could-not-tell', effects, reason: { code, message, position: null } };
}
