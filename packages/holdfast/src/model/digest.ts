/**
 * The digest a person signs: exact bytes + resolved target. The fields are length-prefixed, so that
 * no two different requests share an encoding:
 *
 *     SHA-256( "holdfast/act/1" ‖ each field as: 4-byte big-endian length ‖ bytes )
 *
 * Fields in order: agent id, target name, environment name, environment level, then each act.
 */
import { createHash } from 'node:crypto';
import type { Intent } from './intent.ts';
import type { Target } from './target.ts';

const DOMAIN = 'holdfast/act/1';

/** Lower-case hex, 64 characters. */
export function digestOf(intent: Intent, target: Target): string {
  const hash = createHash('sha256').update(DOMAIN);
  const length = Buffer.alloc(4);
  const field = (bytes: Uint8Array): void => {
    length.writeUInt32BE(bytes.length, 0);
    hash.update(length).update(bytes);
  };
  for (const text of [
    intent.actor.id,
    target.name,
    target.environment.name,
    target.environment.level,
  ]) {
    field(Buffer.from(text, 'utf8'));
  }
  for (const act of intent.acts()) field(act);
  return hash.digest('hex');
}
