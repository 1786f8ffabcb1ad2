/** What is wrong with vaults and recovery although each value has the right shape. */
import { nearest } from '../model/nearest.ts';
import { RECIPIENT, recipientFault } from './age-recipient.ts';
import { isLoopback, urlFault } from './upstream.ts';
import type { YamlPath } from './yaml-text.ts';

interface Fault {
  readonly path: YamlPath;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

/** Of the raw file, as everything in `whole-findings.ts`. */
export function recoveryFaults(file: unknown): Fault[] {
  const faults: Fault[] = [];
  const vaults = record(record(file)['vaults']);
  const names = Object.keys(vaults);
  for (const [name, value] of Object.entries(vaults)) {
    for (const key of ['endpoint', 'url']) {
      const url = record(value)[key];
      const parsed = typeof url === 'string' ? URL.parse(url) : null;
      if (parsed?.protocol !== 'http:' || isLoopback(parsed.hostname)) continue;
      faults.push({
        path: ['vaults', name, key],
        expected: 'https, where it is not this machine',
        found: 'http, over which anybody on the way could read and change what is stored',
        hint: 'Put TLS before it, and say its https address.',
      });
    }
  }
  for (const [name, target] of Object.entries(record(record(file)['targets']))) {
    const recovery = record(record(target)['recovery']);
    const path = ['targets', name, 'recovery'];
    const wanted = Array.isArray(recovery['vaults']) ? recovery['vaults'] : [];
    for (const [at, vault] of wanted.entries()) {
      if (typeof vault !== 'string' || names.includes(vault)) continue;
      const near = nearest(vault, names);
      faults.push({
        path: [...path, 'vaults', at],
        expected: 'a vault of this file',
        found: vault,
        hint: near === null ? 'Declare it under vaults.' : `Did you mean ${near}?`,
      });
    }
    const url = record(recovery['connection'])['url'];
    const fault = typeof url === 'string' ? urlFault(url) : null;
    if (fault !== null) faults.push({ path: [...path, 'connection', 'url'], ...fault });
    const recipients = Array.isArray(recovery['recipients']) ? recovery['recipients'] : [];
    for (const [at, key] of recipients.entries()) {
      const found = typeof key === 'string' ? publicKeyFault(key) : null;
      if (found !== null) faults.push({ path: [...path, 'recipients', at], ...found });
    }
  }
  return faults;
}

/** Null: nothing is wrong, or its shape is, which is told with the others. */
function publicKeyFault(key: string): Omit<Fault, 'path'> | null {
  if (/^AGE-SECRET-KEY-/i.test(key)) {
    return {
      expected: 'a public key age1...',
      found: 'a private key, in a file that is meant to be committed',
      hint: 'Take it out, count it as known to others, and make a new pair: holdfast recovery keys',
    };
  }
  const found = RECIPIENT.test(key) ? recipientFault(key) : null;
  if (found === null) return null;
  return {
    expected: 'a public key that points can be encrypted to',
    found,
    hint: 'Copy it whole from where the pair was made: holdfast recovery keys, or age-keygen.',
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
