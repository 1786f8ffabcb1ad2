/**
 * `holdfast recovery` as an operator uses it: the built command line, a real server, a local vault, and a
 * gateway that streams, takes points and drills by itself, killed on the way.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packBytes } from '../../src/recovery/packing/pack.ts';
import { LocalVault } from '../../src/recovery/vaults/local/local-vault.ts';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { Operator } from './operator.ts';
import { type Ground, pullGround, until } from './pull-ground.ts';
import { shopConfig } from './shop-config.ts';

const folder = scratchFolder('recovery-command');
const config = join(folder, 'holdfast.yaml');
/** On another device than the data, where the system has one: on the same it is red, and proves nothing. */
const apart = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'holdfast-apart-'));
const vault = join(apart, 'vault');
/** The vault as it was before bytes of it were changed. */
const spared = join(apart, 'spared');
const keyFile = join(folder, 'recovery-key.txt');

let ground: Ground;

const operator = new Operator(config);
const holdfast: Operator['holdfast'] = (words, more) => operator.holdfast(words, more);
const json: Operator['json'] = (words, more) => operator.json(words, more);

/** No report while the gateway that keeps it has told nothing yet. */
async function statusOf() {
  const { exit, said } = await json(['recovery', 'status', 'shop']);
  return { exit, report: said.targets?.[0] };
}

/** One bit of the base copy, as a disk would do it, past the freezing that the vault may have done. */
function flipIn(point: string): void {
  const objects = join(vault, 'objects');
  const name = readdirSync(objects, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.includes(`points/${point}/base.tar`),
  );
  if (name === undefined) throw new Error(`no base of ${point}`);
  const path = join(objects, name);
  clearFlags(vault);
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

beforeAll(async () => {
  ground = await pullGround(null);
  await ground.server.query(
    'create table bookings as select n as id, now() as made from generate_series(1, 2000) n; alter table bookings add primary key (id)',
  );
}, 120_000);

afterAll(async () => {
  await operator.down('SIGINT');
  await ground?.close();
  for (const one of [vault, spared]) clearFlags(one);
  for (const one of [apart, folder]) rmSync(one, { recursive: true, force: true });
}, 60_000);

describe('holdfast recovery', () => {
  it('goes from a key to a point that came back', { timeout: 300_000 }, async () => {
    const made = await json(['recovery', 'keys', '--out', keyFile]);
    expect(made.exit).toBe(0);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const { recipient } = made.said;
    expect(recipient).toMatch(/^age1/);
    expect(JSON.stringify(made.said)).not.toContain('AGE-SECRET-KEY');
    // A key is not written over.
    const kept = readFileSync(keyFile, 'utf8');
    expect((await holdfast(['recovery', 'keys', '--out', keyFile])).exit).toBe(2);
    expect(readFileSync(keyFile, 'utf8')).toBe(kept);

    const more = ['promise: { rpo: 5m }'];
    const text = await shopConfig({ ground, vault, recipient, keyFile: 'recovery-key.txt', more });
    writeFileSync(config, text);
    expect((await holdfast(['config', 'check'])).exit).toBe(0);
    const before = await holdfast(['recovery', 'status']);
    expect(before.exit).toBe(1);
    expect(before.out).toContain('No recovery point has been proven by a drill.');

    const backup = await json(['recovery', 'backup', 'shop']);
    expect(backup.said.results).toMatchObject([
      { vault: 'here', point: { id: expect.any(String) }, drill: { verdict: 'passed' } },
    ]);
    expect(backup.exit).toBe(0);
    // The witness was compared: a drill that only starts a server would prove little.
    const [{ drill }] = backup.said.results;
    expect(drill.checks.map(({ name }: { name: string }) => name)).toContain('tables');
    expect(readdirSync(join(folder, 'state', 'recovery', 'drills'))).toEqual([]);
  });

  it('streams while the gateway runs, and says amber, with words', {
    timeout: 300_000,
  }, async () => {
    await operator.up();
    await until(async () => (await statusOf()).report?.isRunning === true);
    await until(async () => (await statusOf()).report.colour === 'amber');
    const { exit, report } = await statusOf();
    expect(exit).toBe(0);
    expect(report.because.join(' ')).toContain('where the same hands reach');
    expect(report.vaults[0].doesNotProtectFrom).toContain(
      'root on this host, who can do anything to it',
    );
    expect(report.vaults[0].sameAs[0]).toContain('on the same host');
    expect(report.proven).toMatchObject({ vault: 'here' });
    expect(report.outside).toBeNull();
    expect(report.facts.outsideBlastRadius).toBe(false);
    const shown = await holdfast(['recovery', 'status']);
    expect(shown.out).toContain('does not protect from');
    expect(shown.out).toContain('would lose');
  });

  it('brings back what a hostile DELETE took', { timeout: 300_000 }, async () => {
    await ground.server.query('delete from bookings');
    // The gateway has the vault: the order is left for it.
    const drilled = await json(['recovery', 'drill', 'shop']);
    expect(drilled.said.results[0].drill).toMatchObject({ verdict: 'passed' });
    expect(drilled.exit).toBe(0);
    expect(drilled.said.results[0].drill.checks[1].said).toMatch(/\b2000 rows/);
    expect((await statusOf()).report.vaults[0].lastDrill.id).toBe(drilled.said.results[0].drill.id);
  });

  it('goes on after kill -9 in the middle of the stream', { timeout: 300_000 }, async () => {
    await ground.server.query('insert into bookings select n from generate_series(1, 500) n');
    await operator.down('SIGKILL');
    await ground.server.query('insert into bookings select n from generate_series(501, 900) n');
    await operator.up();
    await until(async () => {
      const { report } = await statusOf();
      return report.isRunning && report.vaults[0].newestWalAt !== null && report.colour === 'amber';
    });
    const backup = await json(['recovery', 'backup', 'shop']);
    expect(backup.said.results[0].drill).toMatchObject({ verdict: 'passed' });
    expect(backup.said.results[0].drill.checks[1].said).toMatch(/\b900 rows/);
    const { report } = await statusOf();
    expect(report.because.join(' ')).not.toContain('lost at the server');
    // Nobody left a server or a folder behind.
    expect(readdirSync(join(folder, 'state', 'recovery', 'drills'))).toEqual([]);
  });

  it('says no to a proof that nothing was tried for', { timeout: 120_000 }, async () => {
    const { exit, said } = await json(['recovery', 'prove', 'shop']);
    expect(exit).toBe(1);
    expect(said.results[0].proof).toMatchObject({ verdict: 'UNKNOWN', isOutside: false });
    const user = said.results[0].proof.credentials[0];
    expect([user.name, user.verdict]).toEqual(['the user that Holdfast runs as', 'UNKNOWN']);
  });

  it('turns red when a byte of the newest point is not what it was', {
    timeout: 300_000,
  }, async () => {
    await operator.down('SIGINT');
    cpSync(vault, spared, { recursive: true });
    const { report } = await statusOf();
    const newest = report.vaults[0].points.at(-1).id;
    flipIn(newest);
    const { exit, said } = await json(['recovery', 'drill', 'shop']);
    expect(exit).toBe(1);
    expect(said.results[0].drill).toMatchObject({ verdict: 'failed', point: newest });
    const doctor = await json(['doctor', '--folder', join(folder, 'state', 'recovery', 'drills')]);
    expect(doctor.said.recovery[0].vaults[0].lastDrill.verdict).toBe('failed');
    for (const point of report.vaults[0].points.slice(0, -1)) {
      flipIn(point.id);
      await json(['recovery', 'drill', 'shop', '--point', point.id]);
    }
    const after = await holdfast(['recovery', 'status', 'shop']);
    expect(after.exit).toBe(1);
    expect(after.out).toContain('drill FAILED');
    expect(after.out).toContain('No recovery point has been proven by a drill.');
    const shown = await holdfast(['doctor', '--folder', join(folder, 'state', 'recovery')]);
    expect(shown.out.split('No recovery point has been proven by a drill.')).toHaveLength(2);
    const { said: trail } = await json(['trail', 'tail', '-n', '500']);
    const told = JSON.stringify(trail);
    for (const kind of ['recovery-point-taken', 'drill-passed', 'drill-failed']) {
      expect(told).toContain(`"${kind}"`);
    }
  });

  it('comes out REFUTED at a store that takes locks and deletes all the same', {
    timeout: 300_000,
  }, async () => {
    const directory = join(folder, 's3rver');
    const port = await freePort();
    const configureBuckets = [{ name: 'vault' }, { name: 'vault-probe' }];
    const place = { address: '127.0.0.1', port, silent: true, directory, configureBuckets };
    const store = new S3rver(place);
    await store.run();
    const far = join(folder, 'far.yaml');
    const keys = '{ accessKeyId: { env: S3_ID }, secretAccessKey: { env: S3_KEY } }';
    writeFileSync(
      far,
      readFileSync(config, 'utf8')
        .replace(`here: { kind: local, folder: ${vault} }`, () =>
          [
            `far: { kind: s3, endpoint: "http://127.0.0.1:${port}", region: us-east-1,`,
            'bucket: vault, probeBucket: vault-probe, pathStyle: true,',
            `writer: ${keys}, prober: ${keys} }`,
          ].join(' '),
        )
        .replace('vaults: [here]', 'vaults: [far]'),
    );
    const env = { HOLDFAST_CONFIG: far, S3_ID: 'S3RVER', S3_KEY: 'S3RVER' };
    try {
      const pair = JSON.stringify({ accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' });
      const sealing = ['credentials', 'add', 'bucket', '--from-env', 'PAIR'];
      expect((await holdfast(sealing, { ...env, PAIR: pair })).exit).toBe(0);
      const { exit, said } = await json(['recovery', 'prove', 'shop'], env);
      expect(exit).toBe(1);
      const { proof } = said.results[0];
      expect(proof).toMatchObject({ verdict: 'REFUTED', isOutside: false });
      expect(
        proof.credentials.map(({ name, verdict }: Record<string, string>) => [name, verdict]),
      ).toEqual([
        ['the writer of far', 'REFUTED'],
        ['credential bucket', 'REFUTED'],
        ['postgres of shop', 'NO KEY HERE'],
      ]);
      expect(JSON.stringify(said)).not.toContain('"S3RVER"');
      // The store would not keep the proof; the trail has it all the same.
      const { said: trail } = await json(['trail', 'tail', '-n', '20'], env);
      expect(JSON.stringify(trail)).toContain('"blast-radius-refuted"');
      // No point can be taken there: nothing stands locked.
      expect((await holdfast(['recovery', 'backup', 'shop'], env)).exit).toBe(1);
    } finally {
      await store.close();
    }
  });

  it('is in the report of the day as the trail has it', async () => {
    const day = (after: number): string =>
      new Date(Date.now() + after * 86_400_000).toISOString().slice(0, 10);
    const words = ['report', '--from', day(-1), '--to', day(1)];
    const { exit, said } = await json(words);
    expect([exit, said.trail.ok]).toEqual([0, true]);
    const [shop] = said.targets;
    expect(shop).toMatchObject({
      target: 'shop',
      promise: { rpoMs: 300_000, rtoMs: 900_000, changes: 0 },
      rto: { worstMs: expect.any(Number) },
    });
    // Each start of the gateway looked once at least; the one that was killed took its last hour along.
    expect(shop.rpo.source.entries).toBeGreaterThan(1);
    expect(shop.rpo.looks).toBeGreaterThan(1);
    expect(shop.drills.passed).toBeGreaterThan(0);
    expect(shop.drills.failed).toBeGreaterThan(0);
    expect(shop.drills.phases.restoreMs).toBeGreaterThan(0);
    expect(shop.points.taken).toBeGreaterThan(0);
    expect(said.incidents.kinds.map(({ kind }: { kind: string }) => kind)).toContain(
      'drill-failed',
    );
    const shown = await holdfast(words);
    // The first drill was typed before a gateway had said what is promised.
    expect(shown.out).toMatch(
      /○ shop was brought back in \d+ rehearsals, .*; of 1 the record does not say what was promised/,
    );
  });

  describe('of a new installation, the machine of the old one being gone', () => {
    const anew = join(folder, 'anew.yaml');
    const env = { HOLDFAST_CONFIG: anew };
    const status = async () => (await json(['recovery', 'status', 'shop'], env)).said.targets[0];
    const drill = async (point: string) =>
      (await json(['recovery', 'drill', 'shop', '--point', point], env)).said.results[0].drill;
    const tablesIn = ({ checks }: { checks: { name: string; end: string; said: string }[] }) =>
      checks.find(({ name }) => name === 'tables');
    let theirs = '';

    /** As whoever can write into the vault, and knows the public key that stands in every point. */
    async function witnessed(plain: string): Promise<void> {
      const there = new LocalVault({
        ...{ keptHead: null, name: 'here', folder: spared, user: null, dataFolders: [] },
      });
      try {
        const [, recipient = ''] =
          /public key: (age1\S+)/.exec(readFileSync(keyFile, 'utf8')) ?? [];
        const { systemIdentifier } = await ground.engine().facts();
        await there.put(
          `shop/${systemIdentifier}/witnesses/${theirs}.json.lz4.age`,
          packBytes(Buffer.from(plain), [recipient]).body,
          { retainUntil: new Date(Date.now() + 8 * 86_400_000) },
        );
      } finally {
        await there.close();
      }
    }

    it('says apart what lies there, and counts nothing of it', { timeout: 120_000 }, async () => {
      writeFileSync(
        anew,
        readFileSync(config, 'utf8')
          .replace('dataFolder: state', 'dataFolder: state-anew')
          .replace(vault, spared),
      );
      const report = await status();
      const [{ newestWalAt, others, points, troubles, window }] = report.vaults;
      expect(report).toMatchObject({ colour: 'red', proven: null, rpoMs: null });
      expect([newestWalAt, window]).toEqual([null, null]);
      expect(others).toMatchObject({ points: points.length, foreign: points.length });
      expect(points.length).toBeGreaterThan(1);
      expect(others.records).toBeGreaterThan(2);
      expect(others.newest).toBe(points.at(-1).id);
      expect(Date.parse(others.to)).toBeGreaterThanOrEqual(Date.parse(points.at(-1).endedAt));
      expect(troubles.join()).not.toContain('not of this Holdfast');
      theirs = others.newest;
      const shown = await holdfast(['recovery', 'status', 'shop'], env);
      expect(shown.out).toContain(`holdfast recovery drill shop --vault here --point ${theirs}`);
      const unnamed = await holdfast(['recovery', 'drill', 'shop'], env);
      expect(unnamed.exit).toBe(1);
      expect(unnamed.err).toContain(`--point ${theirs}`);
    });

    it('drills one that is named: it came back, and is proof of nothing', {
      timeout: 240_000,
    }, async () => {
      const result = await drill(theirs);
      expect(result).toMatchObject({ verdict: 'passed', seal: 'foreign', point: theirs });
      expect(tablesIn(result)?.said).toMatch(
        /\b900 rows, .* which another installation took, .* nobody here can vouch for it\.$/,
      );
      const report = await status();
      expect(report).toMatchObject({ colour: 'red', proven: null, outside: null });
      expect(report.facts).toMatchObject({ colour: 'red', provenAgeMinutes: 1_000_000_000 });
      expect(report.vaults[0].lastDrill).toBeNull();
      expect(report.vaults[0].points.at(-1)).toMatchObject({ seal: 'foreign', drill: 'passed' });
      const { said: trail } = await json(['trail', 'tail', '-n', '20'], env);
      expect(JSON.stringify(trail)).toContain('"drill-of-other"');
      expect(JSON.stringify(trail)).not.toContain('"drill-passed"');
      const shown = await holdfast(['recovery', 'status', 'shop'], env);
      expect(shown.out).toMatch(/of before .* came back .* by a drill {2}sealed with a key/);
    });

    it('does not pass by a witness that says something else, or does not read', {
      timeout: 240_000,
    }, async () => {
      const [point] = (await status()).vaults[0].points.slice(-1);
      await witnessed('nothing that reads');
      const spoilt = await drill(point.id);
      expect(spoilt.verdict).toBe('could-not-run');
      expect(tablesIn(spoilt)?.said).toContain('The witness of this point could not be read');
      const { systemIdentifier } = await ground.engine().facts();
      const [{ lsn }] = [spoilt.goal];
      const body = JSON.stringify({
        ...{ format: 'holdfast/witness/1', target: 'shop', database: 'postgres', systemIdentifier },
        ...{ takenAt: point.endedAt, timeline: 1, lsn, method: 'quiet', roles: [], extensions: [] },
        tables: [{ schema: 'public', name: 'bookings', rows: '901', hash: '7' }],
      });
      const mac = '0'.repeat(64);
      await witnessed(JSON.stringify({ format: 'holdfast/record/1', body, mac }));
      const other = await drill(point.id);
      expect(other.verdict).toBe('failed');
      expect(tablesIn(other)?.said).toContain('nobody here can vouch for it: "public"."bookings"');
    });

    it('has a window of its own once it took a point, and theirs beside it', {
      timeout: 240_000,
    }, async () => {
      const backup = await json(['recovery', 'backup', 'shop'], env);
      expect(backup.said.results[0].drill).toMatchObject({ verdict: 'passed' });
      expect(backup.said.results[0].drill.seal).toBeUndefined();
      const report = await status();
      const [{ others, troubles, window }] = report.vaults;
      const { id } = backup.said.results[0].point;
      expect(report.proven).toMatchObject({ point: id });
      const { endedAt } = backup.said.results[0].point;
      expect(Date.parse(window.from)).toBeLessThanOrEqual(Date.parse(endedAt));
      expect(Date.parse(window.from)).toBeGreaterThan(Date.parse(endedAt) - 60_000);
      expect(others.newest).toBe(theirs);
      expect(Date.parse(others.to)).toBeLessThanOrEqual(Date.parse(window.from));
      expect(troubles.join()).not.toContain('not ours');
      // Theirs comes back as before, whatever was streamed since.
      const [first] = report.vaults[0].points;
      expect(await drill(first.id)).toMatchObject({ verdict: 'passed', seal: 'foreign' });
      expect((await status()).proven).toMatchObject({ point: id });
    });
  });

  it('does not know a target that has none', async () => {
    const { err, exit } = await holdfast(['recovery', 'drill', 'shap']);
    expect(exit).toBe(2);
    expect(err).toContain('Did you mean shop?');
  });
});
