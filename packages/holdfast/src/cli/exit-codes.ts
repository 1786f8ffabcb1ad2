/**
 * What a shell script may rely on. `holdfast --help` and the README print this list.
 *
 *     0   done, or the check passed
 *     1   no: refused, denied, not found, a check failed
 *     2   the command or holdfast.yaml was not understood
 *     3   our store, the trail, a target or the Holdfast at HOLDFAST_URL could not be reached
 *     70  a fault of Holdfast itself (EX_SOFTWARE of sysexits.h)
 *     130 stopped by Ctrl-C before it was done (not: `holdfast up`, which ends with 0)
 */
import { type ErrorCode, HoldfastError } from '../model/errors.ts';

export const EXIT = {
  ok: 0,
  no: 1,
  usage: 2,
  unreachable: 3,
  internal: 70,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_WORDS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'done, or the check passed'],
  [EXIT.no, 'no: refused, denied, not found, or a check failed'],
  [EXIT.usage, 'the command or holdfast.yaml was not understood'],
  [EXIT.unreachable, 'the store, the trail, a target or HOLDFAST_URL could not be reached'],
  [EXIT.internal, 'a fault of Holdfast itself'],
  [EXIT.interrupted, 'stopped by Ctrl-C before it was done'],
];

const USAGE: readonly ErrorCode[] = [
  'HF_CONFIG_INVALID',
  'HF_POLICY_INVALID',
  'HF_USAGE',
  'HF_STORE_NEWER',
  'HF_SEAL',
];
const UNREACHABLE: readonly ErrorCode[] = [
  'HF_STORE_UNAVAILABLE',
  'HF_STORE_NOT_STARTED',
  'HF_TRAIL_UNAVAILABLE',
  'HF_UPSTREAM_UNREACHABLE',
  'HF_UPSTREAM_REFUSED',
  'HF_UPSTREAM_LOST',
  'HF_RESTORE_UNKNOWN',
  'HF_REBUILD_UNKNOWN',
  'HF_API_UNREACHABLE',
  'HF_API_ANSWER',
];

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof HoldfastError) || error.code === 'HF_INTERNAL') return EXIT.internal;
  if (USAGE.includes(error.code)) return EXIT.usage;
  return UNREACHABLE.includes(error.code) ? EXIT.unreachable : EXIT.no;
}
