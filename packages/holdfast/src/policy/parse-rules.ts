/** One file of Cedar into rules, in the order of the file, each with its line. */
import {
  type DetailedError,
  policySetTextToParts,
  policyToJson,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { Finding } from './policy-source.ts';
import { type Rule, ruleOf } from './rule.ts';

export function parseRules(
  file: { readonly path: string; readonly text: string },
  preset: boolean,
  findings: Finding[],
): Rule[] {
  const answer = policySetTextToParts(file.text);
  if (answer.type === 'failure') {
    findings.push(...answer.errors.map((error) => syntaxFinding(file, error)));
    return [];
  }
  for (const template of answer.policy_templates) {
    findings.push({
      severity: 'error',
      where: `${file.path}:${lineAt(file.text, file.text.indexOf(template))}`,
      expected: 'a rule without slots',
      found: 'a template (?principal or ?resource)',
      hint: 'Name the agent or the target in the rule itself.',
    });
  }
  // Cedar lists them by its own ids (0, 1, 10, 11, 2 …); here the order of the file decides.
  const used = new Map<string, number>();
  const placed = answer.policies.map((text) => {
    const start = file.text.indexOf(text, used.get(text) ?? 0);
    used.set(text, start + 1);
    return { text, start };
  });
  placed.sort((a, b) => a.start - b.start);
  return placed.flatMap(({ text, start }) => {
    const line = lineAt(file.text, start);
    const json = policyToJson(text);
    if (json.type === 'failure') {
      findings.push(...json.errors.map((error) => syntaxFinding(file, error)));
      return [];
    }
    const read = ruleOf({ origin: file.path, line, preset, text }, json.json);
    if (read.kind === 'rule') return [read.rule];
    for (const complaint of read.complaints) {
      findings.push({ severity: 'error', where: `${file.path}:${line}`, ...complaint });
    }
    return [];
  });
}

function syntaxFinding(
  file: { readonly path: string; readonly text: string },
  error: DetailedError,
): Finding {
  const at = error.sourceLocations?.[0];
  return {
    severity: 'error',
    where: at === undefined ? file.path : `${file.path}:${lineOf(file.text, at.start)}`,
    expected: at?.label?.replace(/^expected /, '') ?? 'Cedar policies',
    found: error.message,
    hint: error.help ?? 'See docs/policy.md for rules that work.',
  };
}

function lineAt(text: string, index: number): number {
  return text.slice(0, Math.max(index, 0)).split('\n').length;
}

/** Cedar counts bytes of UTF-8. */
export function lineOf(text: string, byteOffset: number): number {
  return Buffer.from(text).subarray(0, byteOffset).toString().split('\n').length;
}
