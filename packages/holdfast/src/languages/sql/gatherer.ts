/**
 * What the walk over one text collects: effects (each once), acts on the session, the first reason
 * not to be sure, and whether anything of it hangs on the value of a literal (then the finding holds
 * for this exact text only, never for its template).
 */
import type { CouldNotTell, Effect, EffectKind, ObjectRef, Reach } from '../../model/effect.ts';
import { SQL_TREE_DEPTH_MAX } from '../../model/limits.ts';
import { isOffLimits, isOwnName, leadsOffLimits, OFF_LIMITS } from './off-limits.ts';
import type { SessionAct, SqlReading } from './sql-reading.ts';
import type { TreeBody } from './tree.ts';

export interface EffectDetail {
  readonly additive?: boolean;
  readonly why?: string | null;
}

export class Gatherer {
  readonly #effects = new Map<string, Effect>();
  readonly #session: SessionAct[] = [];
  readonly #settings = new WeakMap<TreeBody, string>();
  #trouble: CouldNotTell | null = null;
  #depth = 0;
  /** Set by whoever looks at the value of a constant. */
  literalSensitive = false;

  get effects(): readonly Effect[] {
    return [...this.#effects.values()];
  }

  get effectCount(): number {
    return this.#effects.size;
  }

  get session(): readonly SessionAct[] {
    return this.#session;
  }

  get trouble(): CouldNotTell | null {
    return this.#trouble;
  }

  effect(
    kind: EffectKind,
    verb: string,
    object: ObjectRef | null,
    reach: Reach,
    detail: EffectDetail = {},
  ): void {
    this.add({
      kind,
      verb,
      object,
      reach,
      additive: detail.additive ?? false,
      why: detail.why ?? null,
    });
  }

  add(effect: Effect): void {
    if (isOffLimits(effect.object)) this.couldNotTell('off-limits', OFF_LIMITS);
    const key = JSON.stringify([
      effect.kind,
      effect.verb,
      effect.object,
      effect.reach,
      effect.additive,
      effect.why,
    ]);
    if (!this.#effects.has(key)) this.#effects.set(key, effect);
  }

  act(act: SessionAct): void {
    const isOurs =
      act.kind === 'set'
        ? leadsOffLimits(act.parameter, act.value)
        : act.name !== null && isOwnName(act.name);
    if (isOurs) {
      this.couldNotTell('off-limits', OFF_LIMITS);
    }
    this.#session.push(act);
  }

  /** What surrounds this call of set_config says which parameter it sets. */
  knowSetting(call: TreeBody, parameter: string): void {
    this.#settings.set(call, parameter);
  }

  knownSetting(call: TreeBody): string | null {
    return this.#settings.get(call) ?? null;
  }

  /** The first reason stands; the others would only repeat that nobody can be sure. */
  couldNotTell(code: CouldNotTell['code'], message: string): void {
    this.#trouble ??= { code, message, position: null };
  }

  /** One level deeper; false, and the text is given up, when it is nested too deeply. */
  enter(): boolean {
    if (this.#depth >= SQL_TREE_DEPTH_MAX) {
      this.couldNotTell(
        'too-complex',
        `Expected at most ${SQL_TREE_DEPTH_MAX} levels of nesting, found more.`,
      );
      return false;
    }
    this.#depth += 1;
    return true;
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** A gatherer for a part that is judged apart; it goes on counting the depth from here. */
  apart(): Gatherer {
    const part = new Gatherer();
    part.#depth = this.#depth;
    return part;
  }

  reading(statements: number): SqlReading {
    const rest = { effects: this.effects, session: this.#session, statements };
    return this.#trouble === null
      ? { kind: 'understood', ...rest }
      : { kind: 'could-not-tell', reason: this.#trouble, ...rest };
  }
}
