/**
 * What the gateway itself does on a fresh upstream connection before the agent has it: it looks
 * whether the server reads statements as our parser does, and learns where unqualified names lead.
 */
import type { Socket } from 'node:net';
import { HoldfastError } from '../../model/errors.ts';
import { query } from './messages.ts';
import { pinnedSetting } from './setting-changes.ts';
import { attachWire, readMessage } from './wire.ts';

/** Enough for a path of many schemas; an answer larger than this is not one. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Rejects a server whose settings would make it read a statement otherwise than our parser does. */
export function checkReadsAlike(parameters: ReadonlyMap<string, string>): void {
  for (const [name, value] of parameters) {
    const broken = pinnedSetting(name, value);
    if (broken === null) continue;
    throw new HoldfastError('HF_UPSTREAM_REFUSED', {
      expected: 'a server that reads statements as the parser does',
      found: broken,
      hint: `Reset ${name} for this role and database (ALTER ROLE ... RESET ${name}).`,
    });
  }
}

/** The schemas an unqualified name is looked up in, in order, without the implicit ones. */
export async function askSearchPath(socket: Socket): Promise<readonly string[]> {
  const wire = attachWire(socket, ANSWER_BYTES_MAX);
  socket.resume();
  try {
    wire.write(query('SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))'));
    const schemas: string[] = [];
    for (;;) {
      const { tag, body } = await readMessage(wire.feed, ANSWER_BYTES_MAX);
      if (tag === 'D') schemas.push(onlyColumn(body));
      if (tag === 'E') throw unexpected('an error in answer to current_schemas()');
      if (tag === 'Z') return schemas;
    }
  } finally {
    wire.detach();
  }
}

/** DataRow: column count (2 bytes), then per column its length (4 bytes) and value. */
function onlyColumn(body: Buffer): string {
  if (body.length < 6) throw unexpected('a row that is too short');
  return body.toString('utf8', 6, 6 + Math.max(0, body.readInt32BE(2)));
}

function unexpected(found: string): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_REFUSED', {
    expected: 'the schemas of the search path',
    found,
    hint: 'Look at the log of the target; its role must be able to SELECT from pg_catalog.',
  });
}
