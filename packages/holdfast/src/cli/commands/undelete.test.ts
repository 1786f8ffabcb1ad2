import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { Interrupt } from '../interrupt.ts';
import { runCommandLine } from '../program.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-undelete-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = join(folder, 'holdfast.yaml');
const KEYS = '{ accessKeyId: { env: S3_ID }, secretAccessKey: { env: S3_KEY } }';
writeFileSync(
  config,
  `environments: { production: { level: guarded } }
vaults:
  here: { kind: local, folder: vault }
  far: { kind: s3, endpoint: "http://127.0.0.1:9", region: us-east-1, bucket: b, probeBucket: p,
         pathStyle: true, writer: ${KEYS}, prober: ${KEYS} }
targets:
  main-db: { environment: production, upstream: { url: postgres://app@127.0.0.1:1/app } }
`,
);

/** `typed`: a line of standard input. */
async function undelete(words: readonly string[], typed = '') {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text;
      return true;
    },
  });
  const input = {
    on: (_: 'data', take: (chunk: Buffer) => void) => setImmediate(() => take(Buffer.from(typed))),
    off: () => {},
    once: () => {},
    resume: () => {},
    pause: () => {},
  };
  const env = { HOLDFAST_CONFIG: config };
  const streams = { out: stream('out'), err: stream('err'), in: input, env };
  const around = { streams, clock: systemClock, interrupt: new Interrupt() };
  const exit = await runCommandLine(['recovery', 'undelete', ...words], around, '1.2.3');
  return { exit, text: written.out + written.err };
}

describe('holdfast recovery undelete', () => {
  it.each([
    ['a vault that is none', ['moon', '--as-of', '12:00'], 'There are far.'],
    ['a vault of another kind', ['here', '--as-of', '12:00'], 'a vault of kind s3'],
    ['a time that is none', ['far', '--as-of', 'noon'], 'Times are UTC.'],
    ['no time', ['far'], '--as-of'],
  ])('does not take %s', async (_, words, says) => {
    const { exit, text } = await undelete(words, 'ID SECRET\n');
    expect(exit).toBe(2);
    expect(text).toContain(says);
  });

  it.each(['\n', 'ONLYANID\n', 'AN ID andasecret\n'])(
    'asks for the restorer’s keys, and repeats nothing of %j',
    async (typed) => {
      const { exit, text } = await undelete(['far', '--as-of', '12:00'], typed);
      expect(exit).toBe(2);
      expect(text).toContain('with a space between');
      for (const word of ['ONLYANID', 'andasecret']) expect(text).not.toContain(word);
    },
  );
});
