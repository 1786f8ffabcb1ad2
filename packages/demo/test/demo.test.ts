/** The main job as a person starts it: the built program, in an empty folder. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../dist/main.js');
/** About half a minute alone; many times that on a machine that runs other tests. */
const RUN_MS_MAX = 300_000;

const folder = mkdtempSync(join(tmpdir(), 'holdfast-demo-test-'));
// Started as root, PostgreSQL runs as another user, who must get in.
chmodSync(folder, 0o711);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the server of Holdfast's own store leaves: nothing, since everything is made anew. */
const demo = join(folder, '.holdfast/demo');
const state = join(demo, 'holdfast/store');
const CLI = join(dirname(fileURLToPath(import.meta.resolve('holdfast'))), 'cli/main.js');
const run = promisify(execFile);

interface Did {
  readonly answer: { readonly kind: string };
}

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function once(...options: string[]): Promise<Finished> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...options],
      { cwd: folder, timeout: RUN_MS_MAX, maxBuffer: 16 * 1024 * 1024 },
      (_error, out, err) => done({ code: child.exitCode, out, err }),
    );
  });
}

/** Resolves with the output so far as soon as it holds the words. */
function seen(child: ChildProcess, words: string): Promise<string> {
  return new Promise((done, fail) => {
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes(words)) done(out);
    });
    child.once('exit', (code) => fail(new Error(`ended with ${code} before "${words}": ${out}`)));
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => child.once('exit', (code) => done(code)));
}

/** Vaults of demos on the other disk: of this one none may stay. */
function vaultsLeft(): readonly string[] {
  return existsSync('/dev/shm')
    ? readdirSync('/dev/shm').filter((name) => name.startsWith('holdfast-demo-'))
    : [];
}
const vaultsBefore = vaultsLeft();

describe('npm start -- --once --json', () => {
  it(
    'prints one JSON object: the twin lost everything; what the guarded one lost is undone',
    async () => {
      const { code, out, err } = await once('--once', '--json');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out.trim().split('\n')).toHaveLength(1);
      const report = JSON.parse(out);
      expect(report.unguarded.rowsBefore).toBeGreaterThanOrEqual(200_000);
      expect(report.unguarded.rowsAfter).toBe(0);
      expect(report.guarded.rowsBefore).toBe(report.unguarded.rowsBefore);
      expect(report.guarded.rowsAfter).toBe(report.guarded.rowsBefore);
      expect(report.guarded.contentUnchanged).toBe(true);
      expect(report.trail.verified).toBe(true);
      const { railway } = report;
      expect(railway).toMatchObject({
        hosts: ['backboard.railway.app', 'backboard.railway.com'],
        unguarded: { before: { backups: 3 }, after: { rows: 0, backups: 0 } },
        guarded: { before: { backups: 3 }, after: railway.guarded.before },
        refused: { code: 'HF_CREDENTIAL_FOREIGN' },
        card: { target: 'railway/car-rental/production', environment: 'production' },
        approvedBy: ['ada', 'grace'],
        deferral: { hours: 48 },
        cancelled: true,
        changes: [],
      });
      expect(railway.unguarded.before.rows).toBeGreaterThanOrEqual(200_000);
      expect(railway.guarded.after.rows).toBe(report.guarded.rowsBefore);
      expect(railway.card.foundBy).toMatch(/production of car-rental and staging of car-rental/);
      const shown = railway.card.effects.join(' ');
      expect(shown).toMatch(/database main-db with about 24\d,\d{3} rows in 11 table\(s\)/);
      expect(shown).toContain('3 backups die with it');
      expect(report.secondsToHold).toBeGreaterThan(0);
      expect(report.secondsToHold).toBeLessThan(9);
      const kinds = report.acts.map((act: { unguarded: Did; guarded: Did }) => [
        act.unguarded.answer.kind,
        act.guarded.answer.kind,
      ]);
      // Rows pass with the old ones kept; structure, and code nobody can read, waits for a person.
      const passed = ['done', 'done'];
      const held = ['done', 'held'];
      expect(kinds).toEqual([...Array(5).fill(passed), ...Array(4).fill(held)]);
      expect(report.guarded).toMatchObject({ level: 'full', held: 4, captured: 5 });
      expect(report.around.refused.map(({ words }: { words: string }) => words)).toEqual([
        'must be owner of table bookings',
        'permission denied for table bookings',
        'must be owner of table bookings',
        'must be owner of table bookings',
        'permission denied to set parameter "session_replication_role"',
        'permission denied for table journal',
        'must be owner of table bookings',
      ]);
      expect(report.around.captured.map(({ rows }: { rows: number }) => rows)).toEqual([
        72_001, 180, 7_200,
      ]);
      // Amber is the best that a vault on this host gets; where the only disk is that of the data, it is red.
      const hasOtherDisk =
        existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(folder).dev;
      expect(report.recovery).toMatchObject({
        colour: hasOtherDisk ? 'amber' : 'red',
        drill: {
          verdict: 'passed',
          checks: expect.arrayContaining([expect.stringMatching(/^All 30 tables/)]),
        },
        because: expect.arrayContaining([expect.stringContaining('on the same host')]),
        doesNotProtectFrom: expect.arrayContaining([
          expect.stringContaining('the loss of this host'),
        ]),
      });
      const { undo } = report;
      expect(undo).toMatchObject({ undone: true, items: 8, rowsAfter: undo.rowsBefore });
      expect(undo.rowsBefore).toBe(report.guarded.rowsBefore);
      expect(undo.rowsLost).toBeGreaterThan(200_000);
      expect(undo.checksumAfter).toBe(undo.checksumBefore);
      expect(undo.checksumLost).not.toBe(undo.checksumBefore);
    },
    RUN_MS_MAX,
  );
});

describe('npm start', () => {
  it(
    'says what it found after kill -9, runs all the same, and ends well with Ctrl-C',
    async () => {
      const killed = spawn(process.execPath, [MAIN], { cwd: folder, stdio: 'pipe' });
      await seen(killed, 'An ordinary morning');
      const gone = ended(killed);
      killed.kill('SIGKILL');
      await gone;

      const next = spawn(process.execPath, [MAIN], { cwd: folder, stdio: 'pipe' });
      const out = await seen(next, 'Ctrl-C stops everything');
      expect(out).toContain(`The last run (process ${killed.pid}) was killed`);
      expect(out).toMatch(/guarded {4}([\d,]+) of \1 rows kept, no value changed/);

      // The incident's request waits on a dashboard that is there, for a viewer who is invited.
      const [page = '', hold = ''] =
        /(http:\/\/localhost:\d+)\/holds\/(hold_\w{16})/.exec(out)?.slice(1) ?? [];
      expect(out).toMatch(new RegExp(`^ *${page}/join#hfi_\\w+$`, 'm'));
      expect(await (await fetch(`${page}/holds/${hold}`)).text()).toContain('<title>Holdfast');
      const env = { ...process.env, HOLDFAST_CONFIG: join(demo, 'holdfast/holdfast.yaml') };
      const shown = async () =>
        JSON.parse(
          (await run(process.execPath, [CLI, 'holds', 'show', hold, '--json'], { env })).stdout,
        ).hold;
      expect(await shown()).toMatchObject({
        state: 'waiting',
        peopleNeeded: 2,
        signatures: [],
        card: {
          target: 'railway/car-rental/production',
          statement: expect.stringContaining('volumeDelete'),
        },
      });
      // The line that is printed for the second person works as it stands.
      const line = /npx (holdfast holds approve .* --as grace .*)/.exec(out)?.[1] ?? '';
      await run('sh', ['-c', line.replace('holdfast', `'${process.execPath}' '${CLI}'`)], { env });
      expect((await shown()).signatures).toMatchObject([{ personName: 'grace' }]);

      const over = ended(next);
      next.kill('SIGINT');
      expect(await over).toBe(0);
      expect(readdirSync(demo).filter((name) => name.includes('grace'))).toEqual([]);
      expect(readdirSync(state).filter((name) => /^postgres/.test(name))).toEqual([]);
      expect(vaultsLeft()).toEqual(vaultsBefore);
    },
    RUN_MS_MAX,
  );

  it('refuses an option it does not know', async () => {
    const { code, err } = await once('--onec');
    expect(code).toBe(2);
    expect(err).toContain('Usage');
  });
});
