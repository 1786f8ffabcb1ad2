/** From zod's issues to findings: place in the file, what was found there, and what to write instead. */
import type { z } from 'zod';
import { nearest } from '../model/nearest.ts';
import type { Finding } from './finding.ts';
import type { YamlPath, YamlText } from './yaml-text.ts';

type Issue = z.core.$ZodIssue;

export function shapeFindings(yaml: YamlText, issues: readonly Issue[]): Finding[] {
  return issues.flatMap((issue) => findingsOf(yaml, issue, []));
}

function findingsOf(yaml: YamlText, issue: Issue, above: YamlPath): Finding[] {
  const path = [...above, ...issue.path.map((one) => (typeof one === 'symbol' ? '' : one))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(yaml, [...path, key], issue.message.split(', ')));
  }
  if (issue.code === 'invalid_union') {
    // The branch that this value was meant for: the one that does not turn it away whole.
    const value = valueAt(yaml.value, path);
    const meant = issue.errors.find((branch) => isMeant(branch, value));
    if (meant !== undefined) return meant.flatMap((one) => findingsOf(yaml, one, path));
  }
  if (issue.code === 'invalid_key') {
    return [
      {
        ...yaml.place(path, 'key'),
        path: dotted(path),
        expected: issue.issues[0]?.message ?? issue.message,
        found: JSON.stringify(path.at(-1) ?? ''),
        hint: 'Rename it, here and wherever it is mentioned.',
      },
    ];
  }
  const value = valueAt(yaml.value, path);
  const place = { ...yaml.place(path, 'value'), path: dotted(path) };
  if (issue.code === 'invalid_type' && issue.expected === 'object') {
    const expected = `a mapping with the keys ${issue.message}`;
    return [{ ...place, expected, found: shown(value, path), hint: 'See holdfast.example.yaml.' }];
  }
  return [
    { ...place, expected: issue.message, found: shown(value, path), hint: hintFor(issue, value) },
  ];
}

/** Not turned away whole, and at least one of the keys there is known to it, or nearly. */
function isMeant(branch: readonly Issue[], value: unknown): boolean {
  const whole = branch.filter((one) => one.path.length === 0);
  const unknown = whole.find((one) => one.code === 'unrecognized_keys');
  if (whole.some((one) => one !== unknown && one.code !== 'custom')) return false;
  if (typeof value !== 'object' || value === null) return true;
  const keys = Object.keys(value);
  if (unknown === undefined) return keys.length > 0;
  const known = unknown.message.split(', ');
  return keys.some((key) => known.includes(key) || nearest(key, known) !== null);
}

function unknownKey(yaml: YamlText, path: YamlPath, known: readonly string[]): Finding {
  const key = String(path.at(-1) ?? '');
  const near = nearest(key, known);
  return {
    ...yaml.place(path, 'key'),
    path: dotted(path.slice(0, -1)),
    expected: `one of the keys ${known.join(', ')}`,
    found: `unknown key \`${key}\``,
    hint: near === null ? 'Remove it.' : `Did you mean \`${near}\`?`,
  };
}

function hintFor(issue: Issue, value: unknown): string {
  if (value === undefined) return `Add \`${String(issue.path.at(-1) ?? '')}\` here.`;
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const near = nearest(value, issue.values.map(String));
    if (near !== null) return `Did you mean \`${near}\`?`;
  }
  return 'See holdfast.example.yaml.';
}

function valueAt(value: unknown, path: YamlPath): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? Reflect.get(at, key)
        : undefined,
    value,
  );
}

/** Keys below which a value in the wrong place may be a secret: only its length is shown. */
const SECRETIVE: readonly unknown[] = [
  'url',
  'password',
  'clientSecret',
  'secret',
  'token',
  'topic',
  'env',
  'file',
  'command',
];
const SHOWN_CHARS_MAX = 40;

function shown(value: unknown, path: YamlPath): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return `a mapping with the keys ${Object.keys(value).join(', ')}`;
  const text = JSON.stringify(value);
  const isSecretive = path.some((key) => SECRETIVE.includes(key)) || text.includes('://');
  return isSecretive || text.length > SHOWN_CHARS_MAX
    ? `a ${typeof value} of ${String(value).length} characters`
    : text;
}

export function dotted(path: YamlPath): string {
  return path
    .map((one) => (typeof one === 'number' ? `[${one}]` : `.${one}`))
    .join('')
    .replace(/^\./, '');
}
