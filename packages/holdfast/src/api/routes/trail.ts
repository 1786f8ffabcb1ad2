import type { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { verifyStore } from '../../trail/audit.ts';
import { showEntry } from '../../trail/browse.ts';
import { entryFields } from '../../trail/entry-facts.ts';
import { exportTrail } from '../../trail/export.ts';
import type { Signer } from '../../trail/signer.ts';
import type { TrailFollower, TrailIndex } from '../../trail/trail-finder.ts';
import type { TrailStore } from '../../trail/trail-store.ts';
import type { TRAIL_ROUTES } from '../contract/trail.ts';
import { indexIn, indexText } from '../cursor.ts';
import type { Handlers, StreamEvent } from '../handler.ts';
import { withProgress } from '../progress.ts';
import { trailLine } from '../trail-lines.ts';

export interface TrailRouteParts {
  readonly store: TrailStore;
  readonly index: TrailIndex;
  readonly follower: Pick<TrailFollower, 'freshen'>;
  readonly signer: Signer;
  readonly clock: Clock;
}

type Verification = z.input<(typeof TRAIL_ROUTES)['trail.verify']['answer']>;

export function trailRoutes(parts: TrailRouteParts): Handlers<typeof TRAIL_ROUTES> {
  const { follower, index, signer, store } = parts;
  return {
    'trail.list': async ({ query }) => {
      const { agent = null, cursor, hold = null, kind = null, limit, target = null } = query;
      const { since, text = null, until, verdict = null } = query;
      await follower.freshen();
      const [{ size }, taken] = [await store.head(), await index.size()];
      const page = await index.find({
        kind,
        agent,
        target,
        verdict,
        hold,
        text,
        since: since === undefined ? null : new Date(since),
        until: until === undefined ? null : new Date(until),
        before: indexIn(cursor),
        limit,
      });
      const { lookedTo } = page;
      return {
        items: page.entries.map(trailLine),
        next: lookedTo === null || lookedTo === 0n ? null : indexText(lookedTo),
        size: Number(size),
        lookedTo: lookedTo === null ? null : Number(lookedTo),
        behind: Number(size > taken ? size - taken : 0n),
      };
    },
    'trail.status': async () => {
      const { size } = await store.head();
      const [newest] = await store.newestCheckpoints(1);
      return {
        size: Number(size),
        origin: signer.origin,
        key: signer.verifierKey.text,
        checkpoint: newest === undefined ? null : { size: Number(newest.size), note: newest.note },
      };
    },
    'trail.show': async ({ params }) => {
      const entry = await showEntry(store, BigInt(params.index));
      const outcome = await index.outcomeOf(BigInt(entry.index));
      return {
        index: entry.index,
        entry: entryFields(entry.json),
        json: entry.json,
        outcome: outcome === null ? null : Number(outcome),
      };
    },
    'trail.verify': async ({ gone }) => verification(parts, gone),
    'trail.export': async ({ query }) => {
      const { origin, verifierKey } = signer;
      return exportTrail(store, { origin, key: verifierKey, from: BigInt(query.from), to: null });
    },
  };
}

async function* verification(
  { clock, signer, store }: TrailRouteParts,
  gone: AbortSignal,
): AsyncGenerator<StreamEvent<Verification>> {
  const verifying = withProgress(clock, gone, (tell) =>
    verifyStore(store, signer.verifierKey.text, tell),
  );
  for await (const said of verifying) {
    if (said.kind === 'progress') {
      yield { id: null, data: said };
      continue;
    }
    const report = { ...said.value, findings: [...said.value.findings] };
    yield { id: null, data: { kind: 'report', report } };
  }
}
