/** Reads a file of assertions: what must be true of a database that came back, in SQL and in a sentence. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { errorOf } from './finding.ts';
import { keys, text } from './shape.ts';
import { shapeFindings } from './shape-findings.ts';
import { readYaml } from './yaml-text.ts';

const ASSERTIONS = keys({
  assertions: z.array(
    keys({
      sentence: text('what must be true, as a sentence'),
      sql: text('a query that says true or false'),
    }),
    'a list of assertions',
  ),
});

export interface DrillAssertion {
  readonly sentence: string;
  /** One row with one boolean. */
  readonly sql: string;
}

/** Throws HF_DRILL_ASSERTIONS with all errors in the file. */
export function loadAssertions(path: string): readonly DrillAssertion[] {
  return parseAssertions(readFileSync(path, 'utf8'), path);
}

export function parseAssertions(source: string, path: string): readonly DrillAssertion[] {
  const yaml = readYaml(source);
  if (yaml.findings.length > 0) throw errorOf('HF_DRILL_ASSERTIONS', path, yaml.findings);
  const read = ASSERTIONS.safeParse(yaml.value, { reportInput: true });
  if (!read.success) {
    throw errorOf('HF_DRILL_ASSERTIONS', path, shapeFindings(yaml, read.error.issues));
  }
  return read.data.assertions;
}
