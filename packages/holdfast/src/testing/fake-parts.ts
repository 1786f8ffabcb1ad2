/**
 * Stand-ins for what the pipeline is handed, for tests of protocols: they keep what they were told and
 * can be made to wait or fail. The rules they judge by are simple on purpose.
 */
import type { Desk, HoldTicket, Standing, Voided } from '../approvals/desk.ts';
import type { Asked } from '../approvals/release.ts';
import type { Allowances } from '../identity/agent-directory.ts';
import { ANYTHING } from '../model/allowance.ts';
import { isHarmless, type Reading } from '../model/effect.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent } from '../model/event.ts';
import type { Outcome } from '../model/outcome.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target, TargetFacts } from '../model/target.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Judge, Scope, Signature } from '../policy/judge.ts';
import type { JudgedPath } from '../protection/target-guard.ts';
import type { TargetResolver } from '../targets/resolver.ts';
import type { Decision, DecisionRef, Recorder } from '../trail/recorder.ts';

export class FakeRecorder implements Recorder {
  readonly decisions: { text: string; verdict: string }[] = [];
  readonly outcomes: { index: bigint | null; outcome: Outcome }[] = [];
  readonly events: HoldfastEvent[] = [];
  readonly reads: string[] = [];
  /** `decide` resolves only when this has. */
  untilDurable: Promise<void> = Promise.resolve();
  isLost = false;

  async decide({ intent, verdict }: Decision): Promise<DecisionRef> {
    if (this.isLost) throw trailLost();
    const index = BigInt(
      this.decisions.push({ text: intent.text().toString(), verdict: verdict.kind }) - 1,
    );
    await this.untilDurable;
    return { index };
  }
  jot(): DecisionRef | null {
    return null;
  }
  durable(): Promise<void> | null {
    return null;
  }
  hasten(): void {}
  outcome({ index }: DecisionRef, outcome: Outcome): void {
    this.outcomes.push({ index, outcome });
  }
  read(intent: { text(): Buffer }): boolean {
    this.reads.push(intent.text().toString());
    return !this.isLost;
  }
  note(event: HoldfastEvent): void {
    this.events.push(event);
  }
}

/** One hold for everything; `standing` is what the next submit finds. */
export class FakeDesk implements Desk {
  standing: 'waiting' | 'signed' | 'denied' = 'waiting';
  consumed = 0;
  readonly annulled: string[] = [];
  /** The hold before the one that waits. */
  voided: Voided | null = null;
  /** As they were shown; what the first submit said, until it is used up. */
  shown: TakingBack | null = null;

  /** What happens while it waits; null: it does not wait. */
  meanwhile: (() => void) | null = null;
  /** What would run after each wait. */
  readonly after: Asked[] = [];

  async submit(...[, , , , takingBack, again]: Parameters<Desk['submit']>): Promise<Standing> {
    this.shown ??= takingBack;
    let why: string | null = null;
    if (this.meanwhile !== null) {
      this.meanwhile();
      const after = (await again?.()) ?? null;
      if (after?.kind === 'asked') this.after.push(after.asked);
      why = after?.kind === 'lost' ? after.why : null;
    }
    const ticket: HoldTicket = {
      id: 'hold_0000000000000000',
      digest: '0'.repeat(64),
      expiresAt: new Date('2030-01-01T00:00:00Z'),
      peopleNeeded: 1,
      peopleSigned: this.standing === 'signed' ? 1 : 0,
      approval:
        this.standing === 'signed' ? { challenge: '0'.repeat(64), personIds: ['person_1'] } : null,
    };
    if (this.standing === 'denied') return { kind: 'denied', ticket, by: 'ada', note: 'no' };
    if (why !== null) return { kind: 'lost', ticket, why };
    if (this.standing === 'waiting') return { kind: 'waiting', ticket, voided: this.voided };
    const at = new Date('2026-01-01T00:00:00Z');
    const signature: Signature = { personId: 'person_1', personName: 'ada', method: 'totp', at };
    return { kind: 'signed', ticket, signatures: [signature], shown: this.shown };
  }
  async annul(_ticket: HoldTicket, changes: readonly string[]): Promise<void> {
    this.annulled.push(changes.join('; '));
    this.shown = null;
    this.standing = 'waiting';
  }
  async consume(): Promise<boolean> {
    this.consumed++;
    this.shown = null;
    this.standing = 'waiting';
    return true;
  }
}

/** Reads and writes pass, everything else is held; what could not be told is refused. */
export const simpleJudge: Judge = {
  version: 'test',
  judge(_scope: Scope, reading: Reading, signatures: readonly Signature[]): Verdict {
    if (reading.kind === 'could-not-tell') {
      const reason = reading.reason.message;
      return {
        kind: 'refuse',
        rule: 'test.unknown',
        reason,
        hint: 'Write it so that it can be read.',
      };
    }
    if (
      isHarmless(reading) ||
      reading.effects.every(({ kind }) => kind === 'read' || kind === 'write')
    ) {
      return { kind: 'forward', rule: 'test.forward', reason: 'ordinary work' };
    }
    if (signatures.length > 0) return { kind: 'forward', rule: 'test.signed', reason: 'signed' };
    return { kind: 'hold', rule: 'test.hold', reason: 'it destroys', people: 1 };
  },
  beneath: () => null,
};

export const guardedTarget: Target = {
  name: 'main-db',
  environment: { name: 'production', level: 'guarded' },
  protocol: 'postgres',
  resolvedBy: 'declared in a test',
};

export const oneTarget: TargetResolver = { resolve: (_facts: TargetFacts) => guardedTarget };

function trailLost(): HoldfastError {
  return new HoldfastError('HF_TRAIL_UNAVAILABLE', {
    expected: 'a trail that takes entries',
    found: 'a store that is gone',
    hint: 'Start the store.',
  });
}

/** Agents that may anything. */
export const anybody: Allowances = { allowanceOf: () => ANYTHING };

/** As of a session whose search path nobody can tell. */
export const ANY_PATH: JudgedPath = { schemas: [], said: null };
