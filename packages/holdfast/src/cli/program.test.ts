import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ACT_KINDS } from '../approvals/proposed-act.ts';
import { systemClock } from '../model/clock.ts';
import { Interrupt } from './interrupt.ts';
import { runCommandLine } from './program.ts';
import { readCode } from './read-code.ts';

/** Commands that need no store; those that do are tried as journeys. */
async function run(words: readonly string[], env: Record<string, string> = {}) {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text;
      return true;
    },
  });
  const input = { on: () => {}, off: () => {}, once: () => {}, resume: () => {}, pause: () => {} };
  const streams = { out: stream('out'), err: stream('err'), in: input, env };
  const around = { streams, clock: systemClock, interrupt: new Interrupt() };
  const exit = await runCommandLine(words, around, '1.2.3');
  return { exit, ...written };
}

const folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configFile(text: string): string {
  const path = join(mkdtempSync(join(folder, 'case-')), 'holdfast.yaml');
  writeFileSync(path, text);
  return path;
}

const CONFIG = `
environments:
  production: { level: guarded }
targets:
  main-db:
    environment: production
    upstream: { url: postgres://app@127.0.0.1:1/app }
`;

describe('the command line', () => {
  it('prints its version', async () => {
    expect(await run(['--version'])).toEqual({ exit: 0, out: '1.2.3\n', err: '' });
  });

  it('lists commands and exit codes in its help', async () => {
    const { exit, out } = await run(['--help']);
    expect(exit).toBe(0);
    for (const word of ['up', 'agents', 'people', 'holds', 'policy', 'trail', 'config']) {
      expect(out).toMatch(new RegExp(`^  ${word} `, 'm'));
    }
    expect(out).toContain('70  a fault of Holdfast itself');
  });

  it('loads for each command what it is listed with, wherever its name stands', async () => {
    const names = [...(await run(['--help'])).out.matchAll(/^ {2}([a-z]+)(?: [[<]| {2})/gm)];
    const listed = names.map(([, name = '']) => name).filter((name) => name !== 'help');
    expect(listed.length).toBeGreaterThan(20);
    for (const name of listed) {
      const { exit, out } = await run(['--config', 'restore', name, '--help']);
      expect([exit, out]).toEqual([0, expect.stringContaining(`Usage: holdfast ${name}`)]);
    }
    const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
    const commands = readme.slice(readme.indexOf('## Commands'), readme.indexOf('Every one takes'));
    expect(listed.filter((name) => !commands.includes(`\`${name}\``))).toEqual([]);
    expect((await run(['recovery', '--help'])).out).toMatch(/^ {2}rebuild .*$/m);
    expect((await run(['help', 'undo'])).out).toContain('Usage: holdfast undo');
  });

  it.each([
    ['a command that does not exist', ['hold'], 'holdfast --help'],
    [
      'a subcommand that lacks an option',
      ['holds', 'approve', 'x'],
      'holdfast holds approve --help',
    ],
    ['a group and no subcommand of it', ['agents', 'lst'], 'holdfast agents --help'],
  ])('names the help to read: %s', async (_story, words, help) => {
    const { exit, err } = await run(words);
    expect(exit).toBe(2);
    expect(err).toMatch(new RegExp(`do +${help}\\n`));
  });

  it.each([
    ['a command that does not exist', ['hold']],
    ['an option that does not exist', ['holds', 'list', '--al']],
    ['an argument that is missing', ['holds', 'show']],
    ['an option that is required', ['holds', 'approve', 'hold_x', '--code', '123456']],
    ['a shell that is none of the three', ['completion', 'csh']],
    ['neither a token nor an agent to revoke', ['agents', 'revoke']],
    ['an agent without a purpose', ['agents', 'add', 'cursor']],
    ['a pause without a reason', ['agents', 'pause', 'cursor']],
  ])('refuses %s with exit code 2', async (_story, words) => {
    const { exit, err, out } = await run(words);
    expect(exit).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(
      /^holdfast: .*\(HF_USAGE\)\n {2}expected {2}.+\n {2}found {5}.+\n {2}do {8}.+\n$/,
    );
  });

  it('answers a usage error as JSON when asked for JSON', async () => {
    const { exit, out, err } = await run(['nonsense', '--json']);
    expect([exit, err]).toEqual([2, '']);
    expect(JSON.parse(out).error.code).toBe('HF_USAGE');
  });
});

describe('config check', () => {
  it('shows targets with their level', async () => {
    const { exit, out } = await run(['config', 'check', '--config', configFile(CONFIG)]);
    expect(exit).toBe(0);
    expect(out).toMatch(/^main-db\s+production\s+guarded$/m);
  });

  it('finds the file by HOLDFAST_CONFIG', async () => {
    const { exit, out } = await run(['config', 'check', '--json'], {
      HOLDFAST_CONFIG: configFile(CONFIG),
    });
    expect(exit).toBe(0);
    expect(JSON.parse(out).targets).toEqual([
      { name: 'main-db', environment: 'production', level: 'guarded' },
    ]);
  });

  it('names the nearest right key for a wrong one, with exit code 2', async () => {
    const path = configFile(CONFIG.replace('targets:', 'target:'));
    const { exit, err } = await run(['config', 'check', '--config', path]);
    expect(exit).toBe(2);
    expect(err).toContain('targets');
  });
});

describe('a secret that is missing', () => {
  const FILE = CONFIG.replace(
    '/app }',
    '/app, password: { env: APP_SECRET } }\n    protection: { admin: { url: { env: ADMIN_URL } } }',
  );

  it('is named by config check, with all others', async () => {
    const path = configFile(FILE);
    const { exit, out } = await run(['config', 'check', '--config', path]);
    expect(exit).toBe(0);
    expect(out).toContain('targets.main-db.upstream.password: the environment variable APP_SECRET');
    expect(out).toContain(
      'targets.main-db.protection.admin.url: the environment variable ADMIN_URL',
    );
    expect(out).toContain('2 secret(s) it names are missing');
    const there = { APP_SECRET: 'x', ADMIN_URL: 'postgres://a@127.0.0.1:1/app' };
    const whole = await run(['config', 'check', '--config', path], there);
    expect(whole.out).toContain('The configuration can be used.');
  });

  it('stops `up` before anything is made', async () => {
    const path = configFile(FILE);
    const { exit, err } = await run(['up', '--config', path]);
    expect([exit, err]).toEqual([2, expect.stringContaining('APP_SECRET')]);
    expect(err).toContain('ADMIN_URL');
    expect(readdirSync(dirname(path))).toEqual(['holdfast.yaml']);
  });
});

describe('recovery', () => {
  it('says which targets have none, and exits 1 when none has any', async () => {
    const { exit, out } = await run(['recovery', 'status', '--config', configFile(CONFIG)]);
    expect(exit).toBe(1);
    expect(out).toContain('No target has `recovery` in holdfast.yaml');
    expect(out).toContain('○ main-db: no recovery points');
    const asked = ['recovery', 'status', '--json', '--config', configFile(CONFIG)];
    expect(JSON.parse((await run(asked)).out)).toEqual({ targets: [], without: ['main-db'] });
  });

  it('names all that several people sign', async () => {
    const { out } = await run(['proposals', '--help']);
    for (const kind of ACT_KINDS) expect(out).toContain(kind);
  });
});

describe('policy', () => {
  it('explains which rule holds a statement, and shows its Cedar', async () => {
    const words = ['policy', 'explain', '--target', 'main-db', 'TRUNCATE payments'];
    const { exit, out } = await run([...words, '--config', configFile(CONFIG)]);
    expect(exit).toBe(0);
    expect(out).toContain('hold');
    expect(out).toContain('@id("guarded.destroy")');
  });

  it('judges as the target is protected, says so, and says when that is only assumed', async () => {
    const explain = (...words: string[]) =>
      run(['policy', 'explain', '--target', 'main-db', ...words, '--config', configFile(CONFIG)]);
    const kept = await explain('--level', 'full', 'DELETE FROM payments');
    expect(kept.out).toMatch(/^protect /);
    expect(kept.out).toContain('protection full (given, not looked at)');
    expect(kept.out).toContain('undo capture: the rows as they were before are kept for 48 h');
    const moved = await explain('--level', 'no-fence', 'DROP TABLE payments');
    expect(moved.out).toMatch(/^hold /);
    expect(moved.out).toContain('undo rename');
    const late = await explain('--level', 'full', 'DROP EXTENSION citext');
    expect(late.out).toContain('undo defer: nothing takes it back (DROP EXTENSION cannot be');
    expect(late.out).toContain('after 48 h');
    const blind = await explain('DELETE FROM payments');
    expect(blind.out).toMatch(/^hold /);
    expect(blind.out).toMatch(/protection none \(assumed, for it could not be looked at: .*:1/);
    expect(blind.out).toContain('undo none: what passes is done for good');
    const read = await explain('--level', 'full', 'SELECT 1');
    expect(read.out).not.toMatch(/^undo /m);
    const wrong = await explain('--level', 'ful', 'SELECT 1');
    expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('no-fence')]);
  });

  it('does not explain a target with recovery as if it had none', async () => {
    const vaults = 'vaults: { here: { kind: local, folder: vault } }';
    const recovery = `recovery: { vaults: [here], recipients: [age1avurkamhxzg7v49yj9m6vktrydxw365h2cywxhc6ltfkp0h5yufqfddg35] }`;
    const words = [
      'policy',
      'explain',
      '--target',
      'main-db',
      '--level',
      'full',
      'DROP EXTENSION a',
    ];
    const without = await run([...words, '--config', configFile(CONFIG)]);
    const config = configFile(`${vaults}${CONFIG}    ${recovery}\n`);
    const kept = await run([...words, '--config', config]);
    expect(without.out).not.toContain('recovery not looked at');
    expect(kept.out).toContain(
      'recovery not looked at. With a proven point outside the blast radius: hold for 1 person(s) (guarded.destroy); without: hold for 2 person(s) (guarded.recovery-red).',
    );
    expect(kept.out).toContain('how its recovery stands was not looked at');
    expect(kept.out).not.toContain('is proven');
    expect(kept.out).not.toContain('its recovery is red');
  });

  it.each([
    ['SET standard_conforming_strings = off', 'refuse'],
    ['SET standard_conforming_strings = on', 'forward'],
    ["SELECT set_config('client_encoding', 'SJIS', false)", 'refuse'],
    ['PREPARE p AS DELETE FROM payments; EXECUTE p', 'hold'],
    ['EXECUTE p', 'refuse'],
  ])('explains what the gateway makes of it in a session: %s', async (sql, verdict) => {
    const words = ['--json', 'policy', 'explain', '--target', 'main-db', sql];
    const { out } = await run([...words, '--config', configFile(CONFIG)]);
    expect(JSON.parse(out)).toMatchObject({ verdict: { kind: verdict } });
  });

  it('fails a test that comes out differently, with exit code 1', async () => {
    const config = configFile(CONFIG);
    const cases = configFile(`
tests:
  - { name: dropping is held, target: main-db, agent: a, sql: DROP TABLE t, expect: { verdict: hold } }
  - { name: escapes stay off, target: main-db, agent: a, sql: SET backslash_quote = on, expect: { verdict: refuse } }
  - { name: reading is refused, target: main-db, agent: a, sql: SELECT 1, expect: { verdict: refuse } }
`);
    const { exit, out } = await run(['policy', 'test', cases, '--config', config]);
    expect(exit).toBe(1);
    expect(out).toContain('✓ dropping is held');
    expect(out).toContain('✓ escapes stay off');
    expect(out).toContain('✗ reading is refused');
    expect(out).toContain('expected verdict refuse, found forward');
  });
});

describe('completion', () => {
  it('completes command words in bash as the list of commands has them', async () => {
    const { out } = await run(['completion', 'bash']);
    const script = `${out}
COMP_WORDS=(holdfast holds a); COMP_CWORD=2; _holdfast; echo "\${COMPREPLY[@]}"`;
    const offered = execFileSync('bash', ['-c', script]).toString().trim();
    expect(offered).toBe('approve');
  });

  it('knows what can be done about notices, and so does the help', async () => {
    const { out } = await run(['completion', 'bash']);
    const script = `${out}
COMP_WORDS=(holdfast notify ''); COMP_CWORD=2; _holdfast; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', script]).toString().trim()).toBe('list test');
    expect((await run(['notify', 'test', '--help'])).out).toContain('--json');
  });

  it.each(['zsh', 'fish'])('writes a script for %s that names every command', async (shell) => {
    const { exit, out } = await run(['completion', shell]);
    expect(exit).toBe(0);
    for (const word of ['agents', 'revoke', 'approve', 'verify']) expect(out).toContain(word);
  });
});

describe('one-time codes', () => {
  const silent = { on: () => {}, off: () => {}, once: () => {}, resume: () => {}, pause: () => {} };

  it('come from --code, blanks and all', async () => {
    expect(await readCode('123 456', silent, () => {})).toBe('123456');
  });

  it('come from standard input', async () => {
    const piped = {
      ...silent,
      on: (_event: 'data', take: (chunk: Buffer) => void) => take(Buffer.from('654321\nmore')),
    };
    expect(await readCode(undefined, piped, () => {})).toBe('654321');
  });

  it('are typed without being shown', async () => {
    const shown: string[] = [];
    const modes: boolean[] = [];
    const terminal = {
      ...silent,
      isTTY: true,
      setRawMode: (raw: boolean) => modes.push(raw),
      on: (_event: 'data', take: (chunk: Buffer) => void) => take(Buffer.from('12x\u007f3456\r')),
    };
    expect(await readCode(undefined, terminal, (text) => shown.push(text))).toBe('123456');
    expect(shown.join('')).toBe('Code: \n');
    expect(modes).toEqual([true, false]);
  });

  it('are six digits, or the usage error says so without repeating them', async () => {
    await expect(readCode('yes', silent, () => {})).rejects.toMatchObject({
      code: 'HF_USAGE',
      found: '3 characters that are no such code',
    });
  });
});
