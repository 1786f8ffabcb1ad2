/**
 * Ctrl-C. The first asks the command to end in good order (stop servers, write the last entries); the
 * second ends the process at once.
 */
export class Interrupt {
  readonly happened: Promise<void>;
  #tell: () => void = () => {};
  #times = 0;

  constructor() {
    this.happened = new Promise((done) => {
      this.#tell = done;
    });
  }

  get hasHappened(): boolean {
    return this.#times > 0;
  }

  /** True when it was the second time: end at once. */
  press(): boolean {
    this.#times += 1;
    this.#tell();
    return this.#times > 1;
  }

  /** The work's result, or `Interrupted` as soon as somebody presses Ctrl-C. */
  race<T>(work: Promise<T>): Promise<T> {
    const stopped = this.happened.then((): never => {
      // Nobody waits for the answer any more, and a late failure is not news.
      work.catch(() => {});
      throw new Interrupted();
    });
    return Promise.race([work, stopped]);
  }
}

export class Interrupted extends Error {
  constructor() {
    super('stopped by Ctrl-C');
    this.name = 'Interrupted';
  }
}
