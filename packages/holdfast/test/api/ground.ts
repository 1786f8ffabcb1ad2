/** What there is to list: holds, deferrals and entries of the trail, as agents and people leave them. */
import type { HoldCard } from '../../src/approvals/hold.ts';
import { newId } from '../../src/model/ids.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { decisionOf, intentOf, TARGET } from '../../src/testing/trail-fixtures.ts';
import type { ApiWorld } from './support.ts';

export function cardFor(at: number, changes: Partial<HoldCard> = {}): HoldCard {
  return {
    digest: at.toString(16).padStart(64, '0'),
    statement: `DELETE FROM bookings -- ${at}`,
    effects: [],
    effectsTotal: 0,
    couldNotTell: null,
    target: 'main-db',
    environment: 'production',
    environmentLevel: 'guarded',
    resolvedBy: 'declared in holdfast.yaml',
    rule: 'guarded.destroy',
    reason: 'It names no rows.',
    agentId: 'agent_a',
    agentName: 'cursor',
    tokenId: 'token_a',
    sessionId: 'session_a',
    source: '127.0.0.1:1',
    client: 'psql',
    takingBack: null,
    policyVersion: null,
    effectsHash: null,
    facts: null,
    rowsAtMost: null,
    typedName: null,
    ownerId: null,
    task: null,
    ...changes,
  };
}

/** One a second, so that there is an order. Their ids, oldest first. */
export async function openHolds(
  { clock, rooms }: ApiWorld,
  count: number,
  changes: (at: number) => Partial<HoldCard> = () => ({}),
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let at = 0; at < count; at += 1) {
    clock.pass(1_000);
    const now = clock.now();
    const { hold } = await rooms.holdStore.findOrOpen(
      {
        id: newId('hold', clock),
        card: cardFor(at + now.getTime(), changes(at)),
        peopleNeeded: 1,
        openedAt: now,
        expiresAt: new Date(now.getTime() + 3_600_000),
        approvalUntil: null,
      },
      now,
    );
    ids.push(hold.id);
  }
  return ids;
}

export interface Said {
  readonly text: string;
  readonly agent?: string;
  readonly target?: string;
  readonly verdict?: Verdict;
  readonly holdId?: string;
}

/** Decisions with their outcomes, written into the trail. */
export async function decide({ rooms }: ApiWorld, ...said: readonly Said[]): Promise<void> {
  const trail = await rooms.trail();
  for (const { agent, holdId = null, target, text, verdict } of said) {
    const intent = intentOf(text);
    const ref = await trail.decide(
      decisionOf(text, {
        holdId,
        intent: { ...intent, actor: { ...intent.actor, name: agent ?? intent.actor.name } },
        target: { ...TARGET, name: target ?? TARGET.name },
        ...(verdict === undefined ? {} : { verdict }),
      }),
    );
    trail.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
  }
  await trail.flush();
}
