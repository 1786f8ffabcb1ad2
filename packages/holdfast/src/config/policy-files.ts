/** Finds and reads the files that `policy.files` and `policy.tests` name: paths, or `folder/*.cedar`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { messageOf } from '../model/errors.ts';
import { CONFIG_BYTES_MAX } from '../model/limits.ts';
import type { Finding } from './finding.ts';
import { dotted } from './shape-findings.ts';
import type { YamlText } from './yaml-text.ts';

interface Found {
  readonly paths: readonly string[];
  readonly findings: readonly Finding[];
}

export function readTestPaths(yaml: YamlText, folder: string, patterns: readonly string[]): Found {
  return expand(yaml, folder, 'tests', patterns);
}

export function readPolicyFiles(
  yaml: YamlText,
  folder: string,
  patterns: readonly string[],
): { readonly files: { path: string; text: string }[]; readonly findings: readonly Finding[] } {
  const { paths, findings } = expand(yaml, folder, 'files', patterns);
  const files = paths.map((path) => ({
    path: relative(folder, path),
    text: readFileSync(path, 'utf8'),
  }));
  return { files, findings };
}

function expand(
  yaml: YamlText,
  folder: string,
  key: 'files' | 'tests',
  patterns: readonly string[],
): Found {
  const paths = new Set<string>();
  const findings: Finding[] = [];
  patterns.forEach((pattern, index) => {
    const at = ['policy', key, index];
    const complain = (expected: string, found: string): void => {
      const hint = 'Paths start at the folder of this file; * stands in the last part only.';
      findings.push({ ...yaml.place(at, 'value'), path: dotted(at), expected, found, hint });
    };
    try {
      const matched = matches(resolve(folder, pattern));
      if (matched.length === 0) complain('at least one file', `nothing at ${pattern}`);
      for (const path of matched) {
        const { size } = statSync(path);
        if (size <= CONFIG_BYTES_MAX) paths.add(path);
        else complain(`files of at most ${CONFIG_BYTES_MAX} bytes`, `${size} bytes in ${path}`);
      }
    } catch (cause) {
      complain('readable files', messageOf(cause));
    }
  });
  return { paths: [...paths], findings };
}

function matches(pattern: string): string[] {
  const last = basename(pattern);
  if (!last.includes('*')) return [pattern];
  const parts = last.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const shape = new RegExp(`^${parts.join('[^/]*')}$`);
  const folder = dirname(pattern);
  return readdirSync(folder)
    .filter((name) => shape.test(name))
    .sort()
    .map((name) => resolve(folder, name));
}
