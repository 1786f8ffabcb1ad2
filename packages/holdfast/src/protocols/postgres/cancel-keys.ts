/**
 * Our own cancel keys. The agent never learns the upstream key: with it, it could stop work of the
 * same role elsewhere. A key names one live session and nothing else.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../model/clock.ts';

export interface CancelKey {
  /** 1 .. 2^31-1, unique among live sessions. */
  readonly processId: number;
  /** Four random bytes, as protocol 3.0 has it. */
  readonly secret: Buffer;
}

export class CancelKeys<Session> {
  readonly #clock: Clock;
  readonly #live = new Map<number, { secret: Buffer; session: Session }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issue(session: Session): CancelKey {
    let processId = 0;
    while (processId === 0 || this.#live.has(processId)) {
      processId = this.#clock.random(4).readUInt32BE(0) >>> 1;
    }
    const secret = this.#clock.random(4);
    this.#live.set(processId, { secret, session });
    return { processId, secret };
  }

  find(processId: number, secret: Uint8Array): Session | null {
    const found = this.#live.get(processId);
    if (found === undefined || found.secret.length !== secret.length) return null;
    return timingSafeEqual(found.secret, secret) ? found.session : null;
  }

  release(processId: number): void {
    this.#live.delete(processId);
  }
}
