/**
 * The digest a person signs: exact bytes + resolved target. The fields are length-prefixed, so that
 * no two different requests share an encoding:
 *
 *     SHA-256( "holdfast/act/1" ‖ each field as: 4-byte big-endian length ‖ bytes )
 *
 * Fields in order: agent id, target name, environment name, environment level, then `Intent.acts`. It is
 * made for every recorded unit, so the bytes are laid out once and hashed in one call.
 */
import { createHash, hash } from 'node:crypto';
import type { Intent } from './intent.ts';
import type { Target } from './target.ts';

const DOMAIN = Buffer.from('holdfast/act/1');
const LENGTH_BYTES = 4;
const LARGE_BYTES = 64 * 1024;

/** Lower-case hex, 64 characters. */
export function digestOf(intent: Intent, target: Target): string {
  const acts = intent.acts();
  const head = headOf(intent, target);
  let size = head.length;
  for (const act of acts) size += LENGTH_BYTES + act.length;
  if (size > LARGE_BYTES) return streamed(head, acts);
  const bytes = Buffer.allocUnsafe(size);
  bytes.set(head, 0);
  let at = head.length;
  for (const act of acts) {
    at = bytes.writeUInt32BE(act.length, at);
    if (act.length > 0) bytes.set(act, at);
    at += act.length;
  }
  return hash('sha256', bytes, 'hex');
}

/** Large acts are hashed where they lie, not copied together first. */
function streamed(head: Buffer, acts: readonly Uint8Array[]): string {
  const sum = createHash('sha256').update(head);
  for (const act of acts) {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(act.length, 0);
    sum.update(length).update(act);
  }
  return sum.digest('hex');
}

/** What is the same for all units of a session, per target; kept for as long as the session lives. */
const heads = new WeakMap<object, { target: Target; head: Buffer }>();

function headOf({ actor, session }: Intent, target: Target): Buffer {
  const known = heads.get(session);
  if (known !== undefined && known.target === target) return known.head;
  const fields = [actor.id, target.name, target.environment.name, target.environment.level];
  const head = Buffer.concat([DOMAIN, ...fields.flatMap(lengthPrefixed)]);
  heads.set(session, { target, head });
  return head;
}

function lengthPrefixed(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length, 0);
  return [length, bytes];
}
