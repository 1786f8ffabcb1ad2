/**
 * YAML text that people write, read strictly: YAML 1.2 core, no duplicate keys, no tags, few aliases,
 * a size limit. Keeps the places of all values, so that each error has a line and a column.
 */
import { isMap, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import { messageOf } from '../model/errors.ts';
import { CONFIG_BYTES_MAX, YAML_ALIASES_MAX } from '../model/limits.ts';
import type { Finding } from './finding.ts';

export type YamlPath = readonly (string | number)[];

export interface YamlText {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** `12:5` of the value at the path, or of its key, or of the nearest parent that exists. */
  place(path: YamlPath, part: 'key' | 'value'): { readonly line: number; readonly column: number };
}

export function readYaml(text: string): YamlText {
  const start = { line: 1, column: 1 };
  const refuse = (expected: string, found: string, hint: string): YamlText => ({
    value: null,
    findings: [{ ...start, path: '', expected, found, hint }],
    place: () => start,
  });
  const bytes = Buffer.byteLength(text);
  if (bytes > CONFIG_BYTES_MAX) {
    return refuse(`at most ${CONFIG_BYTES_MAX} bytes`, `${bytes}`, 'Is this the right file?');
  }
  const lines = new LineCounter();
  const doc = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    merge: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const placeAt = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const findings = [...doc.errors, ...doc.warnings].map(
    (error): Finding => ({
      ...placeAt(error.pos[0]),
      path: '',
      expected: 'YAML 1.2 with each key once and no tags',
      found: error.message.replace(/\.$/, ''),
      hint: 'Correct the YAML at this place.',
    }),
  );
  if (findings.length > 0) return { value: null, findings, place: () => start };
  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: YAML_ALIASES_MAX });
  } catch (cause) {
    const found = messageOf(cause);
    return refuse(`at most ${YAML_ALIASES_MAX} uses of aliases`, found, 'Write the values out.');
  }
  const offsetOf = (path: YamlPath, part: 'key' | 'value'): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const parent = doc.getIn(path.slice(0, length - 1), true) ?? doc.contents;
      const holder = length === 1 ? doc.contents : parent;
      const last = path[length - 1];
      if (isMap(holder)) {
        const pair = holder.items.find((item) => isPair(item) && keyOf(item.key) === String(last));
        if (pair !== undefined) {
          const node = part === 'key' || !isNode(pair.value) ? pair.key : pair.value;
          if (isNode(node) && node.range) return node.range[0];
        }
      }
      const node = doc.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  };
  return { value, findings: [], place: (path, part) => placeAt(offsetOf(path, part)) };
}

function keyOf(key: unknown): string {
  return isNode(key) ? String(key.toJSON()) : String(key);
}
