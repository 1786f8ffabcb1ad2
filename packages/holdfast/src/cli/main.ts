#!/usr/bin/env node
/**
 * `holdfast`: see program.ts for the list of commands and exit-codes.ts for what is returned.
 * Only this file touches the process: its words, its streams, its signals, its exit code.
 */
import { readFileSync } from 'node:fs';
import { systemClock } from '../model/clock.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupt } from './interrupt.ts';
import { runCommandLine } from './program.ts';

// A reader that goes away (`| head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

const interrupt = new Interrupt();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupt.press()) process.exit(EXIT.interrupted);
  });
}

const streams = {
  out: process.stdout,
  err: process.stderr,
  in: process.stdin,
  env: process.env,
};
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  { streams, clock: systemClock, interrupt },
  versionOfPackage(),
);

function versionOfPackage(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
