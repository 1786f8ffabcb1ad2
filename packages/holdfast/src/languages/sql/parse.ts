/**
 * Bytes -> reading, by PostgreSQL's own parser. Order: what the parser would misread is refused first
 * (NUL ends a text for it, invalid UTF-8 is silently mended), then it parses, then the tree is walked.
 * What it will not do: guess at a text the parser does not accept.
 */
import { isUtf8 } from 'node:buffer';
import { hasSqlDetails, loadModule, parseSync } from 'libpg-query';
import type { CouldNotTell } from '../../model/effect.ts';
import { messageOf } from '../../model/errors.ts';
import { Gatherer } from './gatherer.ts';
import { partsOf, topStatement } from './rights.ts';
import type { SqlPart, SqlReading } from './sql-reading.ts';
import { asBody, listAt, nodeAt, type TreeBody } from './tree.ts';

export interface Parsed {
  readonly reading: SqlReading;
  /** Texts that differ only in the values of their literals read the same. */
  readonly template: boolean;
  /** The parser itself broke down and is not to be used again in this thread. */
  readonly broken: boolean;
}

/** Loads the WASM module; once per thread, before `parseBytes`. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

export function parseBytes(bytes: Uint8Array): Parsed {
  if (bytes.includes(0)) {
    return refused('nul-byte', 'Expected text without NUL bytes, found one.');
  }
  if (!isUtf8(bytes)) return refused('invalid-utf8', 'Expected UTF-8, found other bytes.');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (text === '') return { reading: new Gatherer().reading(0), template: false, broken: false };
  let tree: TreeBody;
  try {
    tree = asBody(parseSync(text)) ?? {};
  } catch (failure) {
    return afterFailure(failure);
  }
  return readTree(tree, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function readTree(tree: TreeBody, text: Buffer): Parsed {
  const into = new Gatherer();
  const statements = listAt(tree, 'stmts');
  let repeatable = true;
  let parts: SqlPart[] | null = null;
  try {
    for (const raw of statements) {
      const node = nodeAt(asBody(raw), 'stmt');
      if (node === null) {
        into.couldNotTell('unknown-statement', 'Expected a statement, found none.');
        continue;
      }
      if (!REPEATABLE.has(node.kind)) repeatable = false;
      topStatement(node, into);
    }
    parts = partsOf(statements, text);
  } catch (failure) {
    // The parser was asked again for what stands in a block, and broke down.
    if (!(failure instanceof RangeError)) return afterFailure(failure);
    into.couldNotTell('too-complex', 'Expected nesting that can be walked, found a deeper one.');
  }
  const plain = into.reading(statements.length);
  const reading = parts === null ? plain : { ...plain, parts };
  const template =
    repeatable && parts === null && !into.literalSensitive && reading.kind === 'understood';
  return { reading, template, broken: false };
}

/** Statements in which a literal is a value, never a name, a file or a setting. */
const REPEATABLE = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'TransactionStmt',
  'ExecuteStmt',
]);

function refused(
  code: CouldNotTell['code'],
  message: string,
  position: number | null = null,
): Parsed {
  return { reading: unread(code, message, position), template: false, broken: false };
}

/** A reading of a text that was not understood at all. */
export function unread(
  code: CouldNotTell['code'],
  message: string,
  position: number | null = null,
): SqlReading {
  const reason = { code, message, position };
  return { kind: 'could-not-tell', effects: [], reason, session: [], statements: 0 };
}

function afterFailure(failure: unknown): Parsed {
  if (failure instanceof Error && hasSqlDetails(failure)) {
    const { message, sqlDetails } = failure;
    if (/memory exhausted|stack depth/.test(message)) {
      return refused('too-complex', `Expected a text that can be parsed, found: ${message}.`);
    }
    return refused('syntax-error', message, (sqlDetails?.cursorPosition ?? 0) + 1);
  }
  const message = messageOf(failure);
  const reading = unread('too-complex', `Expected a text that can be parsed, found: ${message}.`);
  return { reading, template: false, broken: true };
}
