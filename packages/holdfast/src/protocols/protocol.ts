import type { EndCode } from '../identity/agent-directory.ts';

/**
 * The contract of a protocol: something that listens, understands one wire, and brings each
 * forwardable unit to the pipeline as an `Exchange`. Adding one is a folder and a line in `index.ts`.
 *
 * - `listen` resolves when connections are accepted, rejects when the control cannot enforce (P8).
 * - `close` stops accepting, ends sessions, and resolves when the last is gone. Idempotent.
 * - `endSessions` ends live sessions that match, within 100 ms, in-flight work included.
 * - `lookAgain` ends what may not go on: its token is over, or how its target is protected has changed.
 */
export interface Protocol {
  readonly name: string;
  listen(): Promise<ListenAddress>;
  endSessions(match: SessionMatch): number;
  lookAgain(): void;
  close(): Promise<void>;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Which sessions, and the words they are told. */
export interface SessionMatch {
  readonly tokenId?: string;
  readonly agentId?: string;
  readonly reason: EndCode;
}
