/**
 * The head of a local vault's manifest, kept where the vault's own user cannot write: so that an end of the
 * manifest that was cut off, or written anew, shows, and so that a disk that is not mounted is not taken for
 * a new vault. What does not fit is said at each look, nothing is stored meanwhile, and the head of before
 * stays until a person removes the file: nothing here forgets by itself.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../../../model/errors.ts';
import { jsonOf } from '../../../model/json.ts';
import type { Head, Seen } from './manifest.ts';

const SHAPE = z.strictObject({
  /** Of the vault: one of the same name elsewhere has a chain of its own. */
  folder: z.string(),
  head: z.strictObject({ number: z.int().nonnegative(), hash: z.string() }),
});

export class KeptHead {
  readonly #path: string;
  readonly #folder: string;

  constructor(path: string, folder: string) {
    this.#path = path;
    this.#folder = folder;
  }

  /** For whoever opens the vault; null: nothing was seen in this folder. */
  seen(): Seen | null {
    const before = this.#read();
    if (before === 'unreadable') return { head: null, keptAt: this.#path };
    if (before === null || before.folder !== this.#folder) return null;
    return { head: before.head, keptAt: this.#path };
  }

  /** Of a vault that was opened for writing: it goes on from what was seen before, or is the first. */
  opened(head: Head): void {
    if (this.#read() !== 'unreadable') this.#write(head);
  }

  /**
   * The sentence to show; null: `now` goes on from what was seen before, and is kept. Of a vault that nothing
   * can be written to nothing new is kept: a copy that is looked at must not make us forget the vault itself.
   */
  async troubleOf(
    now: Head,
    holds: (head: Head) => Promise<'yes' | 'no' | 'retired'>,
    isReadOnly = false,
  ): Promise<string | null> {
    const before = this.#read();
    if (before === 'unreadable') {
      return `What was seen of the manifest before does not read (${this.#path}): nobody can tell whether its end was cut.`;
    }
    const isOther = before === null || before.folder !== this.#folder;
    if (!isOther && (await holds(before.head)) === 'no') {
      return `The manifest no longer holds its entry ${before.head.number}, which was seen before: its end was cut off or written anew, or this is another disk. Nothing is stored there meanwhile. If that was you, remove ${this.#path}.`;
    }
    if (!isReadOnly) this.#write(now);
    return null;
  }

  #read(): z.output<typeof SHAPE> | 'unreadable' | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      const isNone = hasCode(error, 'ENOENT');
      return isNone ? null : 'unreadable';
    }
    const read = SHAPE.safeParse(jsonOf(text));
    return read.success ? read.data : 'unreadable';
  }

  #write(head: Head): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const text = JSON.stringify({ folder: this.#folder, head });
    writeFileSync(`${this.#path}.half`, text, { mode: 0o600, flush: true });
    renameSync(`${this.#path}.half`, this.#path);
  }
}
