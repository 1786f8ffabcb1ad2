/** Copies that are removed: what goes, what stays, and what is no copy. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { formatMark, markOf } from '../../programs/process-mark.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { noteLeft } from './left-state.ts';
import { isSamePlace, removeCopy } from './remove-copy.ts';

const root = scratchFolder('remove-copy');
const clock = new ManualClock();
let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(root, 'case-')), 'copy');
  const data = join(folder, 'root', 'data');
  mkdirSync(join(data, 'base'), { recursive: true });
  writeFileSync(join(data, 'postgresql.auto.conf'), '# Restored by Holdfast from point_1\n');
  mkdirSync(join(data, 'global'));
  writeFileSync(join(data, 'global', 'pg_control'), 'shut down');
  writeFileSync(join(data, 'base', '1'), Buffer.alloc(1_000_000, 1));
  noteLeft(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a copy', () => {
  it('goes with its folder, and it is said how much that was; once', async () => {
    const { bytes, ...said } = await removeCopy(folder, clock);
    expect(said).toEqual({ wasThere: true, left: [] });
    expect(bytes).toBeGreaterThan(900_000);
    expect(existsSync(folder)).toBe(false);
    const known = await removeCopy(folder, clock, { mayBeMissing: true });
    expect(known).toEqual({ wasThere: false, bytes: 0, left: [] });
  });

  it.each<readonly [story: string, make: () => void]>([
    ['is not here', () => rmSync(folder, { recursive: true })],
    [
      'is an empty place',
      () => {
        rmSync(folder, { recursive: true });
        mkdirSync(folder);
      },
    ],
  ])(
    'whose folder %s may lie on another machine, and nothing is said to go',
    async (_story, make) => {
      make();
      let isSaid = false;
      const before = async (): Promise<void> => {
        isSaid = true;
      };
      await expect(removeCopy(folder, clock, { before })).rejects.toThrow('not on this machine');
      expect(isSaid).toBe(false);
    },
  );

  it('stays whole, and free, when it could not be written down that it goes', async () => {
    const before = async (): Promise<void> => {
      await expect(removeCopy(folder, clock)).rejects.toThrow('that nobody works in');
      throw new Error('the store is away');
    };
    await expect(removeCopy(folder, clock, { before })).rejects.toThrow('is away');
    expect(await removeCopy(folder, clock)).toMatchObject({ wasThere: true });
  });

  it('is the same by another spelling, and by a link on the way', () => {
    const link = join(folder, '..', 'way');
    symlinkSync(join(folder, '..'), link);
    expect(isSamePlace(join(link, 'copy'), `${folder}/`)).toBe(true);
    expect(isSamePlace(join(folder, '..', 'other'), folder)).toBe(false);
  });

  it('leaves what others put beside it, and what links in it lead to', async () => {
    const other = join(folder, '..', 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'kept'), 'x');
    symlinkSync(other, join(folder, 'root', 'data', 'pg_tblspc'));
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    expect(await removeCopy(folder, clock)).toMatchObject({ wasThere: true, left: ['notes.txt'] });
    expect(readdirSync(folder)).toEqual(['notes.txt']);
    expect(readdirSync(other)).toEqual(['kept']);
  });

  it('that was half removed is removed the next time, also beside a new one', async () => {
    renameSync(join(folder, 'root'), join(folder, 'root-forgotten'));
    const again = join(folder, 'root', 'data');
    mkdirSync(join(again, 'global'), { recursive: true });
    writeFileSync(join(again, 'global', 'pg_control'), 'shut down');
    writeFileSync(join(again, 'postgresql.auto.conf'), '# Restored by Holdfast from point_2\n');
    noteLeft(folder);
    const { bytes } = await removeCopy(folder, clock);
    expect(bytes).toBeGreaterThan(900_000);
    expect(existsSync(folder)).toBe(false);
    mkdirSync(join(folder, 'root-forgotten', 'data'), { recursive: true });
    expect(await removeCopy(folder, clock)).toMatchObject({ wasThere: true, left: [] });
    expect(existsSync(folder)).toBe(false);
  });

  it('is none where no restore of ours made it, and nothing goes', async () => {
    writeFileSync(join(folder, 'root', 'data', 'postgresql.auto.conf'), 'fsync = on\n');
    await expect(removeCopy(folder, clock)).rejects.toThrow('a copy that');
    expect(existsSync(join(folder, 'root', 'data', 'base', '1'))).toBe(true);
  });

  it.each<readonly [story: string, change: (data: string) => void]>([
    ['a server was started', (data) => writeFileSync(join(data, 'global', 'pg_control'), 'later')],
    [
      'settings were made',
      (data) => appendFileSync(join(data, 'postgresql.auto.conf'), 'archive_mode = on\n'),
    ],
    ['its state cannot be read', (data) => rmSync(join(data, 'global', 'pg_control'))],
    ['nobody wrote down how it was left', () => rmSync(join(folder, 'holdfast-left'))],
  ])('in which %s since stays, and it is said how a person removes it', async (_story, change) => {
    const data = join(folder, 'root', 'data');
    change(data);
    const word = `rm -r ${join(folder, 'root')} by hand`;
    await expect(removeCopy(folder, clock)).rejects.toMatchObject({
      hint: expect.stringContaining(word),
    });
    // Nor does it count again by what anybody does in it later.
    await expect(removeCopy(folder, clock)).rejects.toThrow('as Holdfast left it');
    expect(existsSync(join(data, 'base', '1'))).toBe(true);
    expect(existsSync(join(folder, 'holdfast-worker'))).toBe(false);
    rmSync(join(folder, 'root'), { recursive: true });
    expect(await removeCopy(folder, clock)).toMatchObject({ bytes: 0, left: [] });
    expect(existsSync(folder)).toBe(false);
  });

  /** Of a process that is gone, or that is not seen from here. */
  const PID = '999999999';
  const pidFile = (sockets: string, address: string): string =>
    [PID, 'data', '1', '5432', sockets, address, '', 'ready', ''].join('\n');
  const OURS = pidFile('/tmp/hf-drill-0123456789ab/s', '');
  const here = `${PID} 1 ${hostname()}\n`;

  it.each<readonly [story: string, pid: string, worker: string | null]>([
    ['that is not seen, in a container', pidFile('/var/run/postgresql', '*'), null],
    ['that is not seen, where a command of ours was killed', pidFile('/run', ''), here],
    [
      'on a network, where a command of ours was killed',
      pidFile('/tmp/hf-drill-0123456789ab/s', '*'),
      here,
    ],
    ['of ours on another machine', OURS, `${PID} 1 elsewhere\n`],
    ['of ours, with nobody known who started it', OURS, null],
    ['that had not written its socket yet', `${PID}\ndata\n1\n5432\n`, here],
  ])('in which a server may run %s stays', async (_story, pid, worker) => {
    const data = join(folder, 'root', 'data');
    writeFileSync(join(data, 'postmaster.pid'), pid);
    if (worker !== null) writeFileSync(join(folder, 'holdfast-worker'), worker);
    await expect(removeCopy(folder, clock)).rejects.toMatchObject({ code: 'HF_REBUILD_STATE' });
    expect(existsSync(join(data, 'base', '1'))).toBe(true);
  });

  it('that a killed command of ours was the last to start is removed', async () => {
    const data = join(folder, 'root', 'data');
    writeFileSync(join(data, 'global', 'pg_control'), 'in production');
    writeFileSync(join(data, 'postmaster.pid'), OURS);
    writeFileSync(join(folder, 'holdfast-worker'), here);
    expect(await removeCopy(folder, clock)).toMatchObject({ wasThere: true, left: [] });
  });

  it('stays while somebody works in it', async () => {
    const own = markOf(process.pid);
    const mark = own === null ? '' : formatMark(own).trim();
    writeFileSync(join(folder, 'holdfast-worker'), `${mark} ${hostname()}\n`);
    await expect(removeCopy(folder, clock)).rejects.toThrow('that nobody works in');
    expect(existsSync(join(folder, 'root', 'data', 'base', '1'))).toBe(true);
  });

  it('is not followed to where a link in its place leads', async () => {
    const link = join(folder, '..', 'link');
    symlinkSync(folder, link);
    await expect(removeCopy(link, clock)).rejects.toThrow('a link to somewhere else');
    expect(existsSync(join(folder, 'root', 'data', 'base', '1'))).toBe(true);
  });
});
