/** A copy is compared with its live target, in its turn; what differs stays with the copy. */
import { troubleOf } from '../trouble.ts';
import { onBothSides } from './both-sides.ts';
import type { CopiesParts } from './copies-parts.ts';
import { type Copy, factsOf, nameOf, setDiff } from './copy.ts';
import { diffWords } from './copy-words.ts';
import { diffTargets } from './diff.ts';
import { turn } from './in-turn.ts';

const KEYS_SHOWN_MAX = 20;

/** Never rejects: a failure is what stays with the copy then. */
export async function compareCopy(
  copy: Copy,
  by: string,
  { clock, inTurn, note }: Pick<CopiesParts, 'clock' | 'inTurn' | 'note'>,
): Promise<void> {
  const { signal } = copy.stop;
  try {
    const diff = await turn(inTurn, signal, () =>
      onBothSides(copy, (restored, live) =>
        diffTargets({
          ...{ restored, live, keysMax: KEYS_SHOWN_MAX, signal },
          onProgress: (progress) => setDiff(copy, { state: 'running', progress }),
        }),
      ),
    );
    const result = diffWords(diff);
    setDiff(copy, { state: 'done', at: clock.now().toISOString(), result });
    const rows = (of: 'missing' | 'changed' | 'extra'): number =>
      diff.tables.reduce((sum, { keys }) => sum + Number(keys?.[of] ?? 0n), 0);
    await note({
      kind: 'restore-diffed',
      facts: {
        ...{ ...factsOf(copy), by, tables: diff.tables.length, structure: diff.structure.length },
        ...{ missing: rows('missing'), changed: rows('changed'), extra: rows('extra') },
      },
      message: `${copy.id} of ${nameOf(copy)} was compared: ${rows('missing')} rows are missing, ${rows('changed')} changed, ${rows('extra')} came since.`,
    });
  } catch (error) {
    setDiff(copy, { state: 'failed', ...troubleOf(error) });
  }
}
