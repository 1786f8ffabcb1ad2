/**
 * When and from where each token was last used, without a write per request: a session holds a mark and
 * sets it with each unit; what was marked is gathered and written at most every TOKEN_USE_FLUSH_MS, and
 * when Holdfast stops. So the time is late by no more than that, and a crash loses no more than that.
 *
 * A store that is away is tried again with the next turn; nothing waits for it.
 */
import type { Clock } from '../model/clock.ts';
import { TOKEN_USE_FLUSH_MS } from '../model/limits.ts';
import type { ProtocolName } from '../model/target.ts';
import type { AgentStore, TokenUse } from './agent-store.ts';

/** Set by whoever works with the token; a plain store, so that it costs a unit nothing. */
export interface UseMark {
  isUsed: boolean;
}

interface Mark extends UseMark {
  readonly tokenId: string;
  readonly source: string;
  readonly protocol: ProtocolName;
}

export interface TokenUsesParts {
  readonly store: Pick<AgentStore, 'recordUses'>;
  readonly clock: Clock;
  readonly trouble: (error: unknown) => void;
}

export class TokenUses {
  readonly #parts: TokenUsesParts;
  readonly #marks = new Map<UseMark, Mark>();
  #unwritten = new Map<string, TokenUse>();
  #flushing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: TokenUsesParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.flush(), TOKEN_USE_FLUSH_MS).unref();
  }

  /** What is known is written, when the store can be reached. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#flushing;
    await this.flush();
  }

  /** `source` as `127.0.0.1:50123`. To begin is a use. */
  begin(tokenId: string, source: string, protocol: ProtocolName): UseMark {
    const address = source.replace(/:\d+$/, '');
    const mark: Mark = { isUsed: true, tokenId, source: address, protocol };
    this.#marks.set(mark, mark);
    return mark;
  }

  end(mark: UseMark): void {
    const own = this.#marks.get(mark);
    if (own === undefined) return;
    this.#gather(own);
    this.#marks.delete(mark);
  }

  /** Never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    for (const mark of this.#marks.values()) this.#gather(mark);
    if (this.#unwritten.size === 0) return;
    const uses = this.#unwritten;
    this.#unwritten = new Map();
    try {
      await this.#parts.store.recordUses(uses);
    } catch (error) {
      // What was seen meanwhile is later, and stands.
      this.#unwritten = new Map([...uses, ...this.#unwritten]);
      this.#parts.trouble(error);
    }
  }

  #gather(mark: Mark): void {
    if (!mark.isUsed) return;
    mark.isUsed = false;
    const { protocol, source, tokenId } = mark;
    this.#unwritten.set(tokenId, { at: this.#parts.clock.now(), source, protocol });
  }
}
