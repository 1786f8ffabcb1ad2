/**
 * The two connections of a session. What goes upstream is gathered as one run of contiguous bytes, so
 * that all of one read leaves in one write; whoever fills a wire that is behind is not read from.
 *
 * A run is a view into a read buffer: it has to be flushed before the reading turn ends.
 */
import { RelayWire } from './relay-wire.ts';

type Socket = ConstructorParameters<typeof RelayWire>[0];

export interface WireEvents {
  /** `bytes[0, length)` is valid until this returns. */
  onClientBytes(bytes: Buffer, length: number): void;
  onServerBytes(bytes: Buffer, length: number): void;
  onClientGone(reason: string): void;
  onServerGone(reason: string): void;
}

export class Wires {
  readonly client: RelayWire;
  readonly server: RelayWire;
  readonly toClient = (bytes: Buffer, from: number, to: number): void =>
    this.client.write(bytes, from, to);
  #run: Buffer | null = null;
  #runFrom = 0;
  #runTo = 0;
  #undecided = false;
  #serverBehind = false;

  constructor(client: Socket, server: Socket, events: WireEvents) {
    this.client = new RelayWire(client, {
      onBytes: (bytes, length) => events.onClientBytes(bytes, length),
      onGone: (reason) => events.onClientGone(reason),
    });
    this.server = new RelayWire(server, {
      onBytes: (bytes, length) => events.onServerBytes(bytes, length),
      onGone: (reason) => events.onServerGone(reason),
    });
  }

  /** A unit waits to be decided: what is sent now is not the end of a read. */
  get isUndecided(): boolean {
    return this.#undecided;
  }

  /** What is ahead of the undecided unit goes. */
  holdBack(): void {
    this.flushRun();
    this.#undecided = true;
  }

  decided(): void {
    this.#undecided = false;
  }

  letClientRead(): void {
    if (!this.#undecided && !this.#serverBehind) this.client.resume();
  }

  addToRun(bytes: Buffer, from: number, to: number): void {
    if (this.#run === bytes && this.#runTo === from) {
      this.#runTo = to;
      return;
    }
    this.flushRun();
    this.#run = bytes;
    this.#runFrom = from;
    this.#runTo = to;
  }

  flushRun(): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    this.server.write(run, this.#runFrom, this.#runTo);
    if (!this.server.isBehind || this.#serverBehind) return;
    this.#serverBehind = true;
    this.client.pause();
    this.server.whenFlushed(() => {
      this.#serverBehind = false;
      this.letClientRead();
    });
  }

  /** Ahead of it goes what was gathered. */
  sendUpstream(message: Buffer): void {
    this.flushRun();
    this.server.write(message);
  }

  /** To be called when what the server sent was handed on. */
  awaitClient(): void {
    if (!this.client.isBehind) return;
    this.server.pause();
    this.client.whenFlushed(() => this.server.resume());
  }
}
