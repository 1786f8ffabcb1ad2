/** The seal key from real programs: small scripts that stand for a key service. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { SEAL_PROGRAM_WORDS_BYTES_MAX } from '../model/limits.ts';
import { scratchFolder } from '../testing/scratch-folder.ts';
import { sealKeyFromProgram } from './seal-program.ts';

const folder = scratchFolder('seal-program');
afterAll(() => rmSync(folder, { recursive: true }));

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const TEXT = KEY.toString('base64');

/** What the program does, in JavaScript. */
function key(script: string, more: readonly string[] = [], msMax = 20_000): Promise<Buffer> {
  const command = [process.execPath, '-e', script, ...more] as const;
  return sealKeyFromProgram({ command, folder, env: { SAID: 'yes' }, msMax });
}

async function complaint(asked: Promise<Buffer>): Promise<HoldfastError> {
  const error = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(error instanceof HoldfastError)) throw new Error(`no complaint: ${String(error)}`);
  expect(error.code).toBe('HF_SEAL');
  return error;
}

const print = (text: string): string => `process.stdout.write(${JSON.stringify(text)})`;

it.each([
  ['as one line', print(`${TEXT}\n`)],
  ['without a newline', print(TEXT)],
  ['with the newline of Windows', print(`${TEXT}\r\n`)],
  ['in two pieces', `${print(TEXT.slice(0, 9))};setTimeout(() => ${print(TEXT.slice(9))}, 20)`],
  ['with words on stderr', `process.stderr.write('using profile default');${print(TEXT)}`],
])('is taken %s', async (_story, script) => {
  expect(await key(script)).toEqual(KEY);
});

it('hands arguments over as they are: there is no shell', async () => {
  const odd = ['$HOME', '`id`', '; exit 1', 'a \'b\' "c"', '', '*'];
  const script = `if (JSON.stringify(process.argv.slice(1)) !== process.env.EXPECTED) process.exit(1); ${print(TEXT)}`;
  const command = [process.execPath, '-e', script, '--', ...odd] as const;
  const env = { EXPECTED: JSON.stringify(odd) };
  expect(await sealKeyFromProgram({ command, folder, env })).toEqual(KEY);
});

it('runs in its folder, in the environment it is given, without anything to read', async () => {
  writeFileSync(
    join(folder, 'kms.mjs'),
    `
    import { readFileSync } from 'node:fs';
    if (readFileSync(0).length > 0 || process.env.SAID !== 'yes' || process.env.HOME) process.exit(1);
    ${print(TEXT)}`,
  );
  const command = [process.execPath, 'kms.mjs'] as const;
  expect(await sealKeyFromProgram({ command, folder, env: { SAID: 'yes' } })).toEqual(KEY);
});

const SECRET = KEY.subarray(0, 24).toString('base64');

it.each<readonly [story: string, script: string, found: RegExp]>([
  ['nothing', '', /found nothing/],
  ['a shorter key', print(`${SECRET}\n`), /33 characters that are no such line/],
  ['a longer key', print(Buffer.concat([KEY, KEY]).toString('base64')), /no such line/],
  ['the key in hexadecimal', print(KEY.toString('hex')), /no such line/],
  ['the bytes themselves', print(KEY.toString()), /no such line/],
  ['two lines', print(`${TEXT}\n${TEXT}\n`), /no such line/],
  ['a key and an empty line', print(`${TEXT}\n\n`), /no such line/],
  ['words before it', print(`key: ${TEXT}\n`), /no such line/],
  ['base64 of URLs', print(`${'_'.repeat(43)}=`), /no such line/],
  ['bits behind the last byte', print(`${TEXT.slice(0, 42)}Z=`), /no such line/],
  ['too much', `${print(TEXT)};for (;;) ${print('x'.repeat(1024))}`, /more than 4096 bytes/],
  ['the key, and exit code 1', `${print(TEXT)};process.exitCode = 1`, /exit code 1/],
  [
    'the key, and is killed',
    `${print(TEXT)};setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)`,
    /an end by SIGKILL/,
  ],
])('is not taken from what prints %s, which is not shown', async (_story, script, found) => {
  const error = await complaint(key(script));
  expect(error.message).toMatch(found);
  const said = `${error.message} ${error.hint} ${JSON.stringify(error)}`;
  for (const secret of [TEXT, SECRET, KEY.toString('hex'), KEY.toString()]) {
    expect(said).not.toContain(secret);
  }
});

it('says what the program said on stderr, the end of it, on one line', async () => {
  const script = `process.stderr.write('x'.repeat(50_000) + '\\nAccess denied:\\u001b[31m key\\n'); process.exitCode = 255`;
  const { found } = await complaint(key(script));
  expect(found).toMatch(/^exit code 255; it says: x+ Access denied: \[31m key$/);
  expect(found.length).toBeLessThan(SEAL_PROGRAM_WORDS_BYTES_MAX + 100);
});

it('does not repeat a key that a program says on stderr, too', async () => {
  const script = `${print(TEXT)};process.stderr.write('+ echo ${TEXT}');process.exitCode = 1`;
  const { found } = await complaint(key(script));
  expect(found).toBe('exit code 1; it says: + echo [not shown]');
});

it('is not waited for longer than the limit, and what was started goes with it', async () => {
  // A child of the program's own, which would hold its output open.
  const script = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    process.stderr.write(String(child.pid));
    setInterval(() => {}, 1000);`;
  const { found } = await complaint(key(script, [], 2_000));
  const pid = Number(/it says: (\d+)/.exec(found)?.[1]);
  expect(found).toContain('no end within 2000 ms');
  expect(pid).toBeGreaterThan(0);
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), 5_000);
});

it.each([
  ['that is not there', 'holdfast-no-such-program', /ENOENT/],
  ['that cannot be run', './kms.mjs', /EACCES/],
])('says so of a program %s', async (_story, program, found) => {
  writeFileSync(join(folder, 'kms.mjs'), '');
  const error = await complaint(sealKeyFromProgram({ command: [program], folder, env: {} }));
  expect(error.message).toMatch(found);
});
