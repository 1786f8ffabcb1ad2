/** Records as the API shows them: plain JSON, instants as ISO 8601. */
import type { z } from 'zod';
import type { CardFacts } from '../approvals/card-facts.ts';
import type { PastActs, PastHold } from '../approvals/history.ts';
import { type HoldRecord, peopleMissing } from '../approvals/hold.ts';
import { wordsOf } from '../approvals/peoples-desk.ts';
import type { Signature } from '../policy/judge.ts';
import type { Routes } from './contract/index.ts';

export type HoldLineView = z.input<Routes['holds.list']['answer']>['items'][number];
export type HoldView = z.input<Routes['holds.show']['answer']>;

export function holdLine(hold: HoldRecord): HoldLineView {
  const { card } = hold;
  return {
    id: hold.id,
    state: hold.state,
    agent: card.agentName,
    target: card.target,
    environment: card.environment,
    level: card.environmentLevel,
    statement: card.statement,
    reason: card.reason,
    rule: card.rule,
    peopleNeeded: hold.peopleNeeded,
    peopleMissing: peopleMissing(hold),
    signatures: signaturesView(hold.signatures),
    openedAt: hold.openedAt.toISOString(),
    expiresAt: hold.expiresAt.toISOString(),
  };
}

/** `people`: their names, by id. */
export function holdView(hold: HoldRecord, people: ReadonlyMap<string, string>): HoldView {
  const { card } = hold;
  return {
    ...holdLine(hold),
    digest: card.digest,
    effects: [...card.effects],
    effectsTotal: card.effectsTotal,
    couldNotTell: card.couldNotTell,
    resolvedBy: card.resolvedBy,
    agentId: card.agentId,
    tokenId: card.tokenId,
    sessionId: card.sessionId,
    source: card.source,
    client: card.client,
    takingBack: card.takingBack,
    policyVersion: card.policyVersion,
    digestWords: wordsOf(hold),
    typedName: card.typedName,
    rowsAtMost: card.rowsAtMost,
    approvalUntil: hold.approvalUntil?.toISOString() ?? null,
    task: card.task,
    owner: card.ownerId === null ? null : (people.get(card.ownerId) ?? 'somebody who was removed'),
    facts: card.facts === null ? null : factsView(card.facts),
    decidedAt: hold.decidedAt?.toISOString() ?? null,
    decidedBy: hold.decidedBy,
    note: hold.note,
  };
}

export type PastView = z.input<Routes['holds.past']['answer']>;

export function pastView(recent: PastActs, similar: readonly PastHold[]): PastView {
  return {
    recent: {
      acts: recent.acts.map((act) => ({ ...act, effects: [...act.effects] })),
      isCut: recent.isCut,
    },
    similar: similar.map(({ agentName, openedAt, people, ...hold }) => ({
      ...hold,
      agent: agentName,
      openedAt: openedAt.toISOString(),
      people: [...people],
    })),
  };
}

function factsView(facts: CardFacts): NonNullable<HoldView['facts']> {
  const { dependents, notTold, objects, recoveryLost, ...rest } = facts;
  return {
    ...rest,
    objects: [...objects],
    dependents: [...dependents],
    recoveryLost: [...recoveryLost],
    notTold: [...notTold],
  };
}

export function signaturesView(
  signatures: readonly (Signature & { readonly comment?: string })[],
): HoldView['signatures'] {
  return signatures.map(({ at, comment = '', method, personName }) => ({
    person: personName,
    method,
    comment,
    at: at.toISOString(),
  }));
}
