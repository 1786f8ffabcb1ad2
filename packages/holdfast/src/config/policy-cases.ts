/** Reads a file of policy tests: what verdict the user expects for which SQL. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { NEVER, type RecoveryFacts } from '../model/recovery-facts.ts';
import { PROTECTION_LEVELS, type ProtectionLevel, TAKEN_BACK_BY } from '../model/reversal.ts';
import { VERDICT_ORDER } from '../model/verdict.ts';
import { errorOf } from './finding.ts';
import { keys, name, text, whole, words } from './shape.ts';
import { shapeFindings } from './shape-findings.ts';
import { readYaml } from './yaml-text.ts';

const schemas = z.array(text('the name of a schema'), 'a list of schemas');

/** What is not said is not known; the colour then is what these figures could be at best. */
const recovery = keys({
  provenAgeMinutes: whole(0, NEVER, 'whole minutes').default(NEVER),
  outsideBlastRadius: z.boolean('true or false').default(false),
  rpoSeconds: whole(0, NEVER, 'whole seconds').default(NEVER),
  colour: words(['green', 'amber', 'red', 'none']).optional(),
});

const CASES = keys({
  tests: z.array(
    keys({
      name: text('what the case is about'),
      target: name,
      agent: name,
      sql: z.string('SQL'),
      searchPath: schemas.default(['public']),
      protection: words(PROTECTION_LEVELS).optional(),
      recovery: recovery.optional(),
      expect: keys({
        verdict: words(VERDICT_ORDER),
        rule: text('the id of a rule').optional(),
        people: whole(1, 9, 'a number of people').optional(),
        undo: words(TAKEN_BACK_BY).optional(),
      }),
    }),
    'a list of cases',
  ),
});

export interface PolicyCaseText {
  readonly name: string;
  readonly target: string;
  readonly agent: string;
  readonly sql: string;
  readonly searchPath: readonly string[];
  readonly protection: ProtectionLevel | null;
  readonly recovery: RecoveryFacts | null;
  readonly expect: {
    readonly verdict: (typeof VERDICT_ORDER)[number];
    readonly rule: string | null;
    readonly people: number | null;
    readonly undo: (typeof TAKEN_BACK_BY)[number] | null;
  };
}

/** Throws HF_POLICY_INVALID with all errors in the file. */
export function loadPolicyCases(path: string): PolicyCaseText[] {
  return parsePolicyCases(readFileSync(path, 'utf8'), path);
}

export function parsePolicyCases(source: string, path: string): PolicyCaseText[] {
  const yaml = readYaml(source);
  if (yaml.findings.length > 0) throw errorOf('HF_POLICY_INVALID', path, yaml.findings);
  const read = CASES.safeParse(yaml.value, { reportInput: true });
  if (!read.success) {
    throw errorOf('HF_POLICY_INVALID', path, shapeFindings(yaml, read.error.issues));
  }
  return read.data.tests.map((one) => {
    const { verdict, rule, people, undo } = one.expect;
    return {
      ...one,
      protection: one.protection ?? null,
      recovery: one.recovery === undefined ? null : recoveryOf(one.recovery),
      expect: { verdict, rule: rule ?? null, people: people ?? null, undo: undo ?? null },
    };
  });
}

function recoveryOf({ colour, ...figures }: z.output<typeof recovery>): RecoveryFacts {
  const { outsideBlastRadius, provenAgeMinutes, rpoSeconds } = figures;
  const isKnown = provenAgeMinutes < NEVER && rpoSeconds < NEVER;
  const best = outsideBlastRadius ? 'green' : 'amber';
  return { ...figures, colour: colour ?? (isKnown ? best : 'red') };
}
