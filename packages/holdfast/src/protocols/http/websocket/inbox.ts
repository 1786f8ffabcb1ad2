/**
 * What one side sends, in the order it came: one message at a time, so many in a second, and nothing more
 * is read from the wire while some wait. What waits is then no more than the last read from the wire held.
 */
export interface Source {
  pause(): void;
  resume(): void;
}

const SECOND_MS = 1_000;

export class Inbox<Message> {
  readonly #source: Source;
  readonly #perSecondMax: number;
  readonly #handle: (message: Message) => Promise<void> | undefined;
  readonly #waiting: Message[] = [];
  #isBusy = false;
  #isOver = false;
  #taken = 0;
  /** Runs while a second does in which something was taken. */
  #second: NodeJS.Timeout | null = null;
  #nextSecond: (() => void) | null = null;

  /** `handle` never rejects. */
  constructor(
    source: Source,
    perSecondMax: number,
    handle: (message: Message) => Promise<void> | undefined,
  ) {
    this.#source = source;
    this.#perSecondMax = perSecondMax;
    this.#handle = handle;
  }

  add(message: Message): void {
    if (this.#isOver) return;
    this.#waiting.push(message);
    if (!this.#isBusy) void this.#drain();
  }

  /** What waits is forgotten. */
  end(): void {
    this.#isOver = true;
    this.#waiting.length = 0;
    if (this.#second !== null) clearTimeout(this.#second);
    this.#nextSecond?.();
  }

  async #drain(): Promise<void> {
    this.#isBusy = true;
    let isPaused = false;
    for (;;) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      const ready = this.#take();
      if (ready !== undefined) {
        this.#source.pause();
        isPaused = true;
        await ready;
        if (this.#isOver) break;
      }
      const handled = this.#handle(message);
      if (handled === undefined) continue;
      if (!isPaused) this.#source.pause();
      isPaused = true;
      await handled;
    }
    this.#isBusy = false;
    if (isPaused && !this.#isOver) this.#source.resume();
  }

  /** Undefined: its turn is now. */
  #take(): Promise<void> | undefined {
    this.#second ??= setTimeout(() => this.#newSecond(), SECOND_MS).unref();
    this.#taken += 1;
    if (this.#taken <= this.#perSecondMax) return undefined;
    return new Promise((done) => {
      this.#nextSecond = () => {
        this.#nextSecond = null;
        this.#taken += 1;
        done();
      };
    });
  }

  #newSecond(): void {
    this.#second = null;
    this.#taken = 0;
    if (this.#nextSecond === null) return;
    this.#second = setTimeout(() => this.#newSecond(), SECOND_MS).unref();
    this.#nextSecond();
  }
}
