/** One result file, several benches: each writes its own sections and leaves the others as they were. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { machineFacts } from './servers.ts';

/** Each section says itself on what machine and when it was measured: they are not of one run. */
export function writeSections(
  file: string,
  sections: Readonly<Record<string, object>>,
  facts: Readonly<Record<string, string | number>> = machineFacts(),
): void {
  const before: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const machine = {
    ...facts,
    node: process.version,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    at: new Date().toISOString(),
  };
  const stamped = Object.entries(sections).map(([name, section]) => [
    name,
    { ...section, machine },
  ]);
  const all = { ...(isObject(before) ? before : {}), ...Object.fromEntries(stamped) };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
