/**
 * What scripts get of a hold, a proposal and a deferral: one shape since the first version, with what is
 * signed under `card`. What the API learns to tell of a card is in it without a change here.
 */
import type { AnswerOf } from './api/api-client.ts';

type Hold = AnswerOf<'holds.show'>;
type Signed = Hold['signatures'];

export function holdJson(hold: Hold) {
  const { agent, level, ...all } = hold;
  const { decidedAt, decidedBy, expiresAt, id, note, openedAt, ...others } = all;
  const { peopleNeeded, signatures, state, ...card } = others;
  return {
    id,
    card: { ...card, environmentLevel: level, agentName: agent },
    peopleNeeded,
    openedAt,
    expiresAt,
    state,
    signatures: signedJson(signatures),
    decidedAt,
    decidedBy,
    note,
  };
}

export function proposalJson(proposal: AnswerOf<'proposals.show'>) {
  const { act, exactly, level, words, ...all } = proposal;
  const { decidedAt, decidedBy, expiresAt, id, note, openedAt, ...others } = all;
  const { outcome, peopleNeeded, signatures, state, ...card } = others;
  return {
    id,
    card: { ...card, statement: words, act: exactly, actKind: act, environmentLevel: level },
    peopleNeeded,
    openedAt,
    expiresAt,
    state,
    signatures: signedJson(signatures),
    decidedAt,
    decidedBy,
    note,
    outcome,
  };
}

/** `text` and `parameters` are what `show` tells beside it. */
export function deferralJson(deferral: AnswerOf<'deferrals.show'>) {
  const { agent, hold, level, parameters: _, text: __, ...all } = deferral;
  const { decidedAt, decidedBy, dueAt, id, note, scheduledAt, ...others } = all;
  const { searchPath, signatures, state, ...card } = others;
  return {
    id,
    card: { ...card, environmentLevel: level, agentName: agent },
    holdId: hold,
    searchPath,
    scheduledAt,
    dueAt,
    state,
    signatures: signedJson(signatures),
    decidedAt,
    decidedBy,
    note,
  };
}

function signedJson(signatures: Signed) {
  return signatures.map(({ person, ...how }) => ({ personName: person, ...how }));
}
