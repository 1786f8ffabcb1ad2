import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { KeptHead } from './kept-head.ts';

const root = scratchFolder('kept-head');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const headAt = (number: number) => ({ number, hash: `hash of ${number}` });
const yes = async () => 'yes' as const;
const no = async () => 'no' as const;
const retired = async () => 'retired' as const;
const never = async () => {
  throw new Error('there was nothing to ask for');
};

describe('the head of a manifest that is kept elsewhere', () => {
  it('is asked for at the next look, and moves on while it holds', async () => {
    const path = join(root, 'folder', 'near.json');
    expect(await new KeptHead(path, '/v').troubleOf(headAt(1), never)).toBeNull();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const asked: number[] = [];
    const holds = async ({ number }: { readonly number: number }) => {
      asked.push(number);
      return 'yes' as const;
    };
    const kept = new KeptHead(path, '/v');
    expect(await kept.troubleOf(headAt(5), holds)).toBeNull();
    expect(await kept.troubleOf(headAt(9), holds)).toBeNull();
    expect(asked).toEqual([1, 5]);
    expect(await kept.troubleOf(headAt(11), retired)).toBeNull();
  });

  it('stays what it was once it no longer holds, until a person removes it', async () => {
    const path = join(root, 'cut.json');
    const kept = new KeptHead(path, '/v');
    await kept.troubleOf(headAt(7), never);
    const before = readFileSync(path, 'utf8');
    expect(await kept.troubleOf(headAt(3), no)).toContain('entry 7, which was seen before');
    expect(await kept.troubleOf(headAt(30), no)).toContain('cut off');
    expect(readFileSync(path, 'utf8')).toBe(before);
    rmSync(path);
    expect(await kept.troubleOf(headAt(30), never)).toBeNull();
  });

  it('says that it does not read, and is not written over then', async () => {
    const path = join(root, 'broken.json');
    const kept = new KeptHead(path, '/v');
    for (const text of ['', 'no JSON', '{"folder":"/v"}', '{"folder":"/v","head":{"number":-1}}']) {
      writeFileSync(path, text);
      expect(await kept.troubleOf(headAt(1), never)).toContain('does not read');
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  it('is told to whoever opens the vault, and is kept once that is open', () => {
    const path = join(root, 'opened.json');
    const kept = new KeptHead(path, '/v');
    expect(kept.seen()).toBeNull();
    kept.opened(headAt(1));
    expect(kept.seen()).toEqual({ head: headAt(1), keptAt: path });
    expect(new KeptHead(path, '/w').seen()).toBeNull();
    writeFileSync(path, 'no JSON');
    // Something was seen, and nobody can tell what: no new vault is made for that.
    expect(kept.seen()).toEqual({ head: null, keptAt: path });
    kept.opened(headAt(2));
    expect(readFileSync(path, 'utf8')).toBe('no JSON');
  });

  it('is not moved by a copy that is read only', async () => {
    const path = join(root, 'copy.json');
    await new KeptHead(path, '/v').troubleOf(headAt(7), never);
    expect(await new KeptHead(path, '/copy').troubleOf(headAt(5), never, true)).toBeNull();
    expect(new KeptHead(path, '/v').seen()?.head).toEqual(headAt(7));
    expect(await new KeptHead(path, '/v').troubleOf(headAt(5), no, true)).toContain('entry 7');
  });

  it('says nothing of a vault of the same name in another folder', async () => {
    const path = join(root, 'moved.json');
    await new KeptHead(path, '/v').troubleOf(headAt(7), never);
    expect(await new KeptHead(path, '/w').troubleOf(headAt(1), never)).toBeNull();
    expect(await new KeptHead(path, '/w').troubleOf(headAt(2), yes)).toBeNull();
  });
});
