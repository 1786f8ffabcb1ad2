/**
 * Proofs of the blast radius as this installation found them, beside what the vault keeps of them: one that holds
 * nothing may not take the record of that, or lose it again. The newest of this process is remembered; that a
 * vault was REFUTED is remembered over restarts, in a file of ours, until it is PROVEN.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode, messageOf } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { CONTROL_SHAPE, TRIED_SHAPE } from './proof-shape.ts';
import type { KeptProof } from './vault-records.ts';

const SHAPE = z.strictObject({
  id: z.string(),
  vault: z.string(),
  at: z.iso.datetime(),
  verdict: z.literal('REFUTED'),
  why: z.string(),
  sameAs: z.array(z.string()),
  tried: z.array(TRIED_SHAPE),
  control: CONTROL_SHAPE.nullable().default(null),
});

export class OwnProofs {
  readonly #folder: string;
  readonly #target: string;
  readonly #newest = new Map<string, KeptProof>();
  /** Why what was found is remembered by this process only. */
  readonly #unwritten = new Map<string, string>();

  /** Made when something is kept. */
  constructor(folder: string, target: string) {
    this.#folder = folder;
    this.#target = target;
  }

  /** Oldest first: what was refuted and not made good, and the newest of this process. */
  of(vault: string): readonly KeptProof[] {
    const newest = this.#newest.get(vault);
    const refuted = this.#refuted(vault);
    return [
      ...(refuted === null || refuted.id === newest?.id ? [] : [refuted]),
      ...(newest === undefined ? [] : [newest]),
    ];
  }

  /** A sentence when what was found would be forgotten at a restart; null: it would not. */
  trouble(vault: string): string | null {
    const why = this.#unwritten.get(vault);
    return why === undefined ? null : `What was found of it is not kept on this machine: ${why}`;
  }

  /** Where the file cannot be written, that is told by `trouble`: whoever found it goes on, and says it. */
  learn(proof: KeptProof): void {
    this.#newest.set(proof.vault, proof);
    this.#unwritten.delete(proof.vault);
    try {
      this.#write(proof);
    } catch (error) {
      this.#unwritten.set(proof.vault, messageOf(error));
    }
  }

  #write(proof: KeptProof): void {
    const path = this.#path(proof.vault);
    // What no answer came to makes nothing good.
    if (proof.verdict === 'PROVEN') rmSync(path, { force: true });
    if (proof.verdict !== 'REFUTED') return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.half`, JSON.stringify(proof), { mode: 0o600 });
    renameSync(`${path}.half`, path);
  }

  /** What is there and does not read stands for the worst that it may have been. */
  #refuted(vault: string): KeptProof | null {
    const path = this.#path(vault);
    let text: string;
    let changedAt: Date;
    try {
      text = readFileSync(path, 'utf8');
      changedAt = statSync(path).mtime;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      return { ...UNREAD, vault, why: `${UNREAD.why} (${path})` };
    }
    const read = SHAPE.safeParse(jsonOf(text));
    if (read.success) return { ...read.data, at: new Date(read.data.at) };
    return { ...UNREAD, vault, at: changedAt, why: `${UNREAD.why} (${path})` };
  }

  #path(vault: string): string {
    return join(this.#folder, `${this.#target}.${vault}.json`);
  }
}

const UNREAD = {
  id: 'unread',
  at: new Date(0),
  verdict: 'REFUTED',
  why: 'What was found out about it before does not read',
  sameAs: [],
  tried: [],
  control: null,
} as const;
