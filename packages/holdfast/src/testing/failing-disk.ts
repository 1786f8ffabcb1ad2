/** A disk that ends at a chosen act: the process dies there for good, or that one act finds no room. */
import type { FileHandle } from 'node:fs/promises';
import { type Disk, type Refusal, realDisk } from '../recovery/vaults/local/disk.ts';

export type Failing = 'dies' | 'is full';

export class FailingDisk implements Disk {
  readonly #at: number;
  readonly #failing: Failing;
  #acts = 0;
  #isDead = false;

  /** Fails at act number `at`, the first being 0. */
  constructor(at: number, failing: Failing) {
    this.#at = at;
    this.#failing = failing;
  }

  /** Whether it came so far. */
  get hasFailed(): boolean {
    return this.#acts > this.#at;
  }

  create(path: string): Promise<FileHandle> {
    return this.#act(() => realDisk.create(path));
  }
  write(file: FileHandle, bytes: Uint8Array): Promise<void> {
    const half = () => realDisk.write(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
    return this.#act(() => realDisk.write(file, bytes), half);
  }
  /** All of it may be there when it fails, or nothing: it is left as it is. */
  sync(file: FileHandle): Promise<void> {
    return this.#act(() => realDisk.sync(file));
  }
  rename(from: string, to: string): Promise<void> {
    return this.#act(() => realDisk.rename(from, to));
  }
  makeFolder(path: string): Promise<void> {
    return this.#act(() => realDisk.makeFolder(path));
  }
  syncFolder(path: string): Promise<void> {
    return this.#act(() => realDisk.syncFolder(path));
  }
  remove(path: string): Promise<void> {
    return this.#act(() => realDisk.remove(path));
  }
  /** It changes nothing, so that it is no act. */
  refusal(path: string): Promise<Refusal | null> {
    return realDisk.refusal(path);
  }

  async #act<T>(act: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    const isThis = this.#acts === this.#at;
    if (!this.#isDead) this.#acts += 1;
    if (this.#isDead || isThis) {
      if (!this.#isDead) await half?.();
      if (this.#failing === 'dies') this.#isDead = true;
      const code = this.#failing === 'dies' ? 'EIO' : 'ENOSPC';
      throw Object.assign(new Error(`${code}: of the test`), { code });
    }
    return act();
  }
}
