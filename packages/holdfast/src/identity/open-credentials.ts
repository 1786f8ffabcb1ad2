/**
 * Unsealed credentials, kept for a moment: each request of an agent needs one, and to ask the store for it
 * would cost more than all the rest of the request.
 *
 * One that was removed or replaced is known of in three ways, whichever is first: this process did it or
 * was told by a notice (`forget`), or the moment is over. What it will not do: keep that there is none, keep
 * what was read before it was told to forget, or go on with an old one while the store is away.
 */
import type { Clock } from '../model/clock.ts';
import { CREDENTIAL_OPEN_MS_MAX } from '../model/limits.ts';

export interface OpenCredentialsParts {
  readonly clock: Clock;
  /** Asks the store, and unseals. Rejects when there is none, or it cannot be opened. */
  readonly open: (name: string) => Promise<string>;
}

interface Opened {
  readonly secret: Promise<string>;
  readonly atMs: number;
}

export class OpenCredentials {
  readonly #parts: OpenCredentialsParts;
  readonly #opened = new Map<string, Opened>();

  constructor(parts: OpenCredentialsParts) {
    this.#parts = parts;
  }

  /** Rejects as `open` does. */
  secret(name: string): Promise<string> {
    const { clock, open } = this.#parts;
    const nowMs = clock.monotonicMs();
    const known = this.#opened.get(name);
    if (known !== undefined && nowMs - known.atMs < CREDENTIAL_OPEN_MS_MAX) return known.secret;
    const opened = { secret: open(name), atMs: nowMs };
    this.#opened.set(name, opened);
    opened.secret.catch(() => {
      if (this.#opened.get(name) === opened) this.#opened.delete(name);
    });
    return opened.secret;
  }

  /** Something changed in the store, or may have. */
  forget(): void {
    this.#opened.clear();
  }
}
