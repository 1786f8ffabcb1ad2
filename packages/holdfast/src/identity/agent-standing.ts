/**
 * What one agent may now, kept ready: most agents have neither hours nor an expiry, and for them it is
 * one object that never changes. For the others it is worked out once a minute, as hours begin and end on
 * whole minutes, and when the clock was set back.
 */
import type { Allowance } from '../model/allowance.ts';
import type { Clock } from '../model/clock.ts';
import { allowanceOf, type EffectiveScope, stopAt } from './agent-scope.ts';
import { workingHoursText } from './working-hours.ts';

const MINUTE_MS = 60_000;

export class AgentStanding {
  readonly scope: EffectiveScope;
  readonly #name: string;
  /** Of all that a standing hangs on. */
  readonly #key: string;
  readonly #isTimed: boolean;
  readonly #open: Allowance;
  #now: Allowance;
  #fromMs = 0;
  #untilMs = 0;

  constructor(name: string, scope: EffectiveScope) {
    this.scope = scope;
    this.#name = name;
    this.#key = keyOf(name, scope);
    this.#open = allowanceOf(scope, null);
    const { expiresAt, hours, pausedBy } = scope;
    this.#isTimed = pausedBy === null && (expiresAt !== null || hours.length > 0);
    // What is paused is so at any time.
    this.#now =
      pausedBy === null ? this.#open : allowanceOf(scope, stopAt(scope, name, new Date(0)));
  }

  isLike(other: AgentStanding): boolean {
    return this.#key === other.#key;
  }

  allowance(clock: Clock): Allowance {
    if (!this.#isTimed) return this.#now;
    const now = clock.now();
    const nowMs = now.getTime();
    if (nowMs >= this.#fromMs && nowMs < this.#untilMs) return this.#now;
    const stop = stopAt(this.scope, this.#name, now);
    if (stop === null) this.#now = this.#open;
    // The same stop keeps its object.
    else if (this.#now.stop?.code !== stop.code || this.#now.stop.reason !== stop.reason) {
      this.#now = allowanceOf(this.scope, stop);
    }
    this.#fromMs = nowMs;
    this.#untilMs = this.#nextChange(nowMs);
    return this.#now;
  }

  #nextChange(nowMs: number): number {
    const endMs = this.scope.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    const { hours } = this.scope;
    const nextMs =
      hours.length === 0
        ? Number.POSITIVE_INFINITY
        : (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS;
    return endMs > nowMs ? Math.min(nextMs, endMs) : nextMs;
  }
}

function keyOf(name: string, scope: EffectiveScope): string {
  const { effectKinds, environments, expiresAt, hours, pausedBy, targets } = scope;
  const words = (set: ReadonlySet<string> | null): readonly string[] | null =>
    set === null ? null : [...set].sort();
  return JSON.stringify([
    name,
    words(environments),
    words(targets),
    words(effectKinds),
    hours.map(workingHoursText),
    expiresAt?.getTime() ?? null,
    pausedBy === null ? null : [pausedBy.agent, pausedBy.pause],
  ]);
}
