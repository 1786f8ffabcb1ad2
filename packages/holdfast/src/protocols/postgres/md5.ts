/**
 * PostgreSQL's md5 password answer, for upstreams that still ask for it. Never offered to agents:
 * the stored hash is as good as the password.
 */
import { createHash } from 'node:crypto';

/** `"md5" ‖ md5( md5(password ‖ user) ‖ salt )`, both in lower-case hex. */
export function md5Answer(user: string, password: string, salt: Uint8Array): string {
  const inner = createHash('md5').update(password, 'utf8').update(user, 'utf8').digest('hex');
  return `md5${createHash('md5').update(inner, 'latin1').update(salt).digest('hex')}`;
}
