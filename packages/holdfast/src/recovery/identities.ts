/**
 * The private keys of drills and restores where holdfast.yaml says that they lie, and what of them is worth
 * knowing before the day: that they open nothing, or that others may read them too.
 */
import { statSync } from 'node:fs';
import type { Warning } from '../config/check-config.ts';
import type { Config, Env, SecretRef } from '../config/config.ts';
import { resolveSecret } from '../config/upstream.ts';
import { HoldfastError } from '../model/errors.ts';
import { loadAge } from './packing/age.ts';

/** Of the group and of everybody: to read. */
const READ_BY_OTHERS = 0o044;

/** Throws HF_CONFIG_INVALID for one that is declared and not there. */
export function identitiesIn(ref: SecretRef | null, env: Env): readonly string[] {
  if (ref === null) return [];
  // As `age-keygen` writes it: comments and one key a line.
  return resolveSecret(ref, env)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** One that is not there is told elsewhere. Nothing of a private key is kept or said. */
export async function identityWarnings({ targets }: Config, env: Env): Promise<Warning[]> {
  const warnings: Warning[] = [];
  for (const { name, recovery } of targets) {
    const ref = recovery?.identity ?? null;
    if (recovery === null || ref === null) continue;
    const path = `targets.${name}.recovery.identity`;
    const opens = await opensWarning(identitiesThere(ref, env), recovery.recipients, path);
    if (opens !== null) warnings.push(opens);
    const mode = ref.kind === 'file' ? modeOf(ref.path) : null;
    if (ref.kind !== 'file' || mode === null || (mode & READ_BY_OTHERS) === 0) continue;
    warnings.push({
      code: 'identity-read-by-others',
      path,
      found: `${ref.path}, which others than its owner may read (mode 0${mode.toString(8)}): it opens every recovery point`,
      hint: `Shut it: chmod 600 ${ref.path}`,
    });
  }
  return warnings;
}

/** Null: it opens what is stored, or it is not there. */
async function opensWarning(
  identities: readonly string[] | null,
  recipients: readonly string[],
  path: string,
): Promise<Warning | null> {
  if (identities === null) return null;
  const { identityToRecipient } = await loadAge();
  const opened: string[] = [];
  for (const identity of identities) {
    try {
      opened.push(await identityToRecipient(identity));
    } catch {
      return {
        code: 'identity-no-key',
        path,
        found: 'something else than private keys of age, one a line, so no drill runs',
        hint: 'Point it at a file as `holdfast recovery keys` or age-keygen writes it (AGE-SECRET-KEY-...).',
      };
    }
  }
  if (opened.some((one) => recipients.includes(one))) return null;
  return {
    code: 'identity-opens-nothing',
    path,
    found: `the private key of ${opened.join(', ') || 'nothing'}, which is none of recipients: it opens no point, and nothing can be proven`,
    hint: 'Point it at the private key of one of recipients, or put this public key there, too.',
  };
}

function identitiesThere(ref: SecretRef, env: Env): readonly string[] | null {
  try {
    return identitiesIn(ref, env);
  } catch (error) {
    if (error instanceof HoldfastError) return null;
    throw error;
  }
}

function modeOf(path: string): number | null {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return null;
  }
}
