/** Names of agents and people: what is typed, shown and written into connection URLs. */
import { HoldfastError } from '../model/errors.ts';

/** PostgreSQL cuts a user name at 63 bytes; a cut name would be another's. */
const NAME_CHARS_MAX = 63;
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Lower-case words joined by single hyphens: `cursor-backend`, `ana`. */
export function checkName(kind: 'agent' | 'person' | 'credential', name: string): void {
  if (NAME.test(name) && name.length <= NAME_CHARS_MAX) return;
  throw new HoldfastError('HF_USAGE', {
    expected: `a name for the ${kind} of lower-case letters, digits and single hyphens, at most ${NAME_CHARS_MAX}`,
    found: `"${name.slice(0, NAME_CHARS_MAX + 1)}"`,
    hint: `For instance ${kind === 'agent' ? 'cursor-backend' : 'ana-silva'}.`,
  });
}
