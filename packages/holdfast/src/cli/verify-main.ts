#!/usr/bin/env node
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
/**
 * `holdfast-verify`: checks an export of the trail, offline, for somebody who does not trust us. It
 * imports only `trail/verify/` and `model/`, opens the one file it is given, and talks to nobody.
 *
 * Exit codes: 0 the trail holds, 1 it does not, 2 there was nothing to judge.
 */
import { messageOf } from '../model/errors.ts';
import { FINDINGS } from '../trail/verify/auditor.ts';
import { type VerifyReport, verifyExport } from '../trail/verify/verify.ts';

const USAGE = `Usage: holdfast-verify FILE [--key VERIFIERKEY] [--checkpoint NOTEFILE] [--json]

  FILE          an export made by: holdfast trail export
  --key         the verifier key ("name+id+base64") you were given outside of this file
  --checkpoint  a checkpoint you kept: the file must be the same trail, at least as long
  --json        the report as JSON

Exit code 0: the trail holds. 1: it does not. 2: the file or the command could not be used.
`;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      checkpoint: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (file === undefined || more.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const keptNote =
    values.checkpoint === undefined ? null : await readFile(values.checkpoint, 'utf8');
  const report = await verifyExport(createReadStream(file), { key: values.key ?? null, keptNote });
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : summaryOf(report));
  return report.ok ? 0 : 1;
}

function summaryOf(report: VerifyReport): string {
  const { from, to } = report;
  const range = from === to ? 'no entries' : `entries ${from} to ${to - 1}`;
  const lines = [
    report.ok ? 'The trail holds.' : 'THE TRAIL DOES NOT HOLD.',
    '',
    `  trail        ${report.origin}`,
    `  checked      ${range}, ${report.checkpoints} signed checkpoints`,
    `  root         ${report.root}`,
    `  decisions    ${report.decisions}, ${report.outcomes} outcomes, ${report.open} still open`,
    `  key          ${report.key}`,
  ];
  if (report.timeStepsBack > 0) {
    lines.push(`  clock        went back ${report.timeStepsBack} times (told, not judged)`);
  }
  if (from > 0)
    lines.push(`  not checked  what entries before ${from} say (only that they were signed)`);
  if (!report.keyGiven) {
    lines.push(
      '',
      'The key came with the file, so this shows that the file is whole, not who signed',
    );
    lines.push('it. Ask for the verifier key by another way, and pass it with --key.');
  }
  if (!report.ok) lines.push('', `${report.findingCount} findings:`);
  for (const { code, index, message } of report.findings) {
    const where = index === null ? '' : ` at ${index}`;
    lines.push(`  ${code}${where}: ${FINDINGS[code]}; ${message}`);
  }
  return `${lines.join('\n')}\n`;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (cause) => {
    const reason = messageOf(cause);
    process.stderr.write(`holdfast-verify: nothing could be judged: ${reason}.\n`);
    process.exitCode = 2;
  },
);
