/** The copy that a rebuild worked in, removed on the machine where it lies. */
import { z } from 'zod';
import { OPEN_HOLD_STATES } from '../approvals/hold.ts';
import { jsonOf } from '../model/json.ts';
import { HOLD_LIST_MAX } from '../model/limits.ts';
import { forgetCopy } from '../recovery/rebuild/forget.ts';
import type { Rooms } from '../rooms.ts';
import type { Context } from './command.ts';
import { type Answer, oneLine } from './print.ts';
import { bytesWords } from './vault-words.ts';
import { withRooms } from './with-rooms.ts';

const PROMOTION = z.object({
  kind: z.literal('promote-rebuild'),
  facts: z.object({ rebuild: z.string() }),
});
const MACHINE = 'the command line';

export async function forgetRebuild(context: Context, id: string): Promise<Answer> {
  const { clock } = context;
  const forgotten = await withRooms(context, (rooms) =>
    forgetCopy(
      {
        rebuilds: rooms.rebuilds,
        promotionsOf: (rebuild, target) => openPromotions(rooms, rebuild, target),
        clock,
      },
      id,
      MACHINE,
    ),
  );
  const { bytes, folder, left, sharedWith, wasThere } = forgotten;
  return {
    json: { rebuild: id, ...forgotten },
    lines: (paint) => {
      if (sharedWith.length > 0) {
        return [
          `${paint.green('✓')} ${oneLine(id)} needs its copy no more. It stays: ${oneLine(sharedWith.join(', '))} has the same one.`,
        ];
      }
      return [
        wasThere
          ? `${paint.green('✓')} The copy is gone: ${bytesWords(bytes)} are free.`
          : `There is no copy any more in ${oneLine(folder)}.`,
        ...(left.length === 0
          ? []
          : [`Left, since no restore made it: ${oneLine(left.join(', ')).slice(0, 500)}`]),
        'The rebuild itself is kept, with its sources and every choice.',
      ];
    },
  };
}

/** Those that people can still sign, or that are signed and wait to be carried out. */
async function openPromotions(
  { proposals }: Rooms,
  id: string,
  target: string,
): Promise<readonly string[]> {
  const open = await proposals.page({
    states: OPEN_HOLD_STATES,
    agent: null,
    target,
    after: null,
    limit: HOLD_LIST_MAX,
  });
  return open
    .filter(({ card, state }) => {
      const act = PROMOTION.safeParse(jsonOf(card.act));
      return act.success && act.data.facts.rebuild === id && OPEN_HOLD_STATES.includes(state);
    })
    .map((one) => one.id);
}
