/** A copy is restored, in its turn, and stands ready; or it is said why not, and nothing is left of it. */
import { join, resolve } from 'node:path';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import type { Tell } from '../engines/engine.ts';
import { isoWindow } from '../recovery-point.ts';
import { troubleOf } from '../trouble.ts';
import { markOf } from './both-sides.ts';
import type { CopiesParts } from './copies-parts.ts';
import { type Copy, factsOf, nameOf } from './copy.ts';
import type { CopyRegistry } from './copy-registry.ts';
import { goalWords, progressOf, wishOf } from './copy-words.ts';
import { turn } from './in-turn.ts';

/** Never rejects but when the trail cannot be written. */
export async function bringBack(
  copy: Copy,
  copies: CopyRegistry,
  { clock, drilledAt: drillOf, folder, inTurn, note, restore }: CopiesParts,
): Promise<void> {
  const { asOf, id, into, stop, vault, wish } = copy;
  const target = nameOf(copy);
  try {
    const order = {
      wish: wishOf(wish),
      asOf: asOf === null ? null : new Date(asOf),
      folder: into === null ? join(folder, id) : resolve(into),
      isKept: into !== null,
    };
    const tell: Tell = (progress) => {
      if (copy.standing.state !== 'running') return;
      copy.standing = { state: 'running', progress: progressOf(progress) };
    };
    const restored = await turn(inTurn, stop.signal, () =>
      restore(target, vault, order, tell, stop.signal),
    );
    copy.restored = restored;
    stop.signal.throwIfAborted();
    copy.mark = await markOf(restored, copy.of.database);
    const { goal, isSealed, phases, point, rtoMs, view, window } = restored;
    const drilledAt = await drillOf(target, vault, point).catch(() => null);
    stop.signal.throwIfAborted();
    copy.usedMs = clock.monotonicMs();
    copy.standing = {
      state: 'ready',
      point: { id: point.id, endedAt: point.endedAt, drilledAt, isSealed },
      goal: goalWords(goal),
      window: isoWindow(window),
      ...{ rtoMs, phases, view, keptUntil: copies.keptUntil(), diff: null },
    };
    await note({
      kind: 'restore-came-back',
      facts: {
        ...factsOf(copy),
        point: point.id,
        isSealed,
        drilledAt,
        ...goalWords(goal),
        rtoMs,
      },
      message: `${target} came back beside itself from ${point.id} in ${Math.ceil(rtoMs / 1000)} s (${id}).`,
    });
  } catch (error) {
    // Whoever breaks it off says so.
    if (stop.signal.aborted) return;
    await copy.restored?.discard().catch(() => {});
    copies.over(copy, { state: 'failed', ...troubleOf(error) });
    await note({
      kind: 'restore-failed',
      facts: { ...factsOf(copy), ...failureFacts(error), wishKind: wish.kind },
      message: `${target} did not come back from ${vault}: ${messageOf(error)}`,
    });
  }
}

/** With a code it can be told whether the vault failed, or what was asked for is not there. */
function failureFacts(error: unknown): { readonly reason: string; readonly code: string | null } {
  const code = error instanceof HoldfastError ? error.code : null;
  return { reason: messageOf(error), code };
}
