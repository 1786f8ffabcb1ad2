import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { type Finished, type Typed, typed } from './typed-commands.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const folder = scratchFolder('typed');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bare = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  ...more,
});

function started({ words, env, folder: cwd }: Typed): Promise<Finished> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [MAIN, ...words], { env, cwd }, (_error, out, err) =>
      done({ exit: child.exitCode, out, err }),
    );
    child.stdin?.end();
  });
}

describe('a command that is typed', () => {
  it.for([
    { story: 'its version', words: ['--version'] },
    { story: 'its help', words: ['undo', '--help'] },
    { story: 'a word that is none', words: ['undoo'] },
    { story: 'an option that is none, as JSON', words: ['holds', '--nope', '--json'] },
    { story: 'a file that is not there', words: ['config', 'check'] },
    { story: 'the same as JSON', words: ['undo', 'list', '--json'] },
    { story: 'a command of two words', words: ['recovery', 'undelete'] },
    {
      story: 'a file that its environment names',
      words: ['config', 'check'],
      env: { HOLDFAST_CONFIG: 'elsewhere.yaml' },
    },
  ])('answers what a process of its own does: $story', async ({ words, env = {} }) => {
    const typedNow = { words, env: bare(env), folder };
    const expected = await started(typedNow);
    // By a process that was made for it, and by one that is kept.
    expect(await typed(typedNow)).toEqual(expected);
    expect(await typed(typedNow)).toEqual(expected);
  });

  it('knows nothing of the environment and the folder of the one before', async () => {
    const words = ['config', 'check'];
    const there = await typed({ words, env: bare({ HOLDFAST_CONFIG: 'there.yaml' }), folder });
    const here = await typed({ words, env: bare() });
    expect([there.err, here.err]).toEqual([
      expect.stringContaining('there.yaml'),
      expect.stringContaining('./holdfast.yaml'),
    ]);
  });

  it('answers each of several at once with its own words', async () => {
    const names = ['one', 'two', 'three'];
    const all = names.map((name) =>
      typed({ words: ['config', 'check'], env: bare({ HOLDFAST_CONFIG: `${name}.yaml` }) }),
    );
    for (const [index, { exit, err }] of (await Promise.all(all)).entries()) {
      expect({ exit, err }).toEqual({
        exit: 2,
        err: expect.stringContaining(`${names[index]}.yaml`),
      });
    }
  });
});
