/**
 * Acts that want several people: proposed by one, signed by enough, then carried out once.
 *
 * The order: enough people must exist -> open, or find the one that stands -> signatures -> each proof
 * is verified anew for the act that is to be carried out -> use it up (of many processes one does) -> `proposal-started` durable in the trail -> the act ->
 * its end in the store and in the trail. What was used up and has no end was cut off, or nobody could say what
 * came of it (the trail says that it is unknown): nobody says it happened, and nobody does it again; people
 * propose anew.
 *
 * What it will not do: count whoever proposes as a signer, let one person stand for two, carry out
 * anything but the very text that was signed, or take the word of an agent for anything.
 */
import { z } from 'zod';
import { HoldfastError, isOutcomeUnknown, messageOf } from '../model/errors.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { PROPOSAL_LIFE_MS, PROPOSAL_PEOPLE_MIN } from '../model/limits.ts';
import { APPROVAL_DOMAIN, approvalHash, bindingOf } from './binding.ts';
import type { HoldRecord } from './hold.ts';
import type { HoldStore, PersonWord } from './hold-store.ts';
import {
  type DeskWords,
  expiredEvent,
  PeoplesDesk,
  type PeoplesDeskParts,
} from './peoples-desk.ts';
import {
  type ActKind,
  cardOfAct,
  digestOfAct,
  type ProposalCard,
  type ProposedAct,
} from './proposed-act.ts';

export type ProposalRecord = HoldRecord<ProposalCard>;

/** How an act ended. */
export interface ActEnd {
  readonly kind: 'done' | 'failed';
  /** One sentence: what was done, or why not. */
  readonly note: string;
}

export interface ProposalStore extends HoldStore<ProposalCard> {
  /** Once per proposal that was used up. */
  end(id: string, end: ActEnd): Promise<void>;
}

/** What is handed to whoever carries an act out. */
export interface ApprovedAct {
  readonly proposalId: string;
  readonly target: string;
  readonly environment: string;
  /** The facts that were signed, to be parsed by their own schema. */
  readonly facts: unknown;
  /** Names of who signed. */
  readonly people: readonly string[];
}

/**
 * Carries one kind of act out. Called at most once per proposal. Checks for itself that the act is
 * still possible (weeks may lie between); resolves to one sentence of what was done; rejects when
 * nothing was, or says in the error what was; with what `isOutcomeUnknown` when nobody knows.
 */
export type ActRunner = (act: ApprovedAct) => Promise<string>;
export type ActRunners = Readonly<Partial<Record<ActKind, ActRunner>>>;

export interface ProposalParts extends PeoplesDeskParts<ProposalCard> {
  readonly store: ProposalStore;
  /** Names of people who have confirmed and may sign. */
  readonly signers: () => Promise<readonly string[]>;
  /** The least number of people that signs anything in an environment (holdfast.yaml). */
  readonly peopleOf: (environment: string) => number;
  /** As `note`, and durable when it resolves; rejects with HF_TRAIL_UNAVAILABLE. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
  readonly runners: ActRunners;
}

/** What commands that need a quorum ask for. */
export interface ProposalDesk {
  /**
   * Opens a proposal, or finds the open one for the same act. HF_QUORUM when not enough people
   * could ever sign it; HF_PROPOSAL_STATE when it was denied.
   */
  open(act: ProposedAct): Promise<ProposalRecord>;
}

const WORDS: DeskWords<ProposalCard> = {
  noun: 'proposal',
  unknown: 'HF_PROPOSAL_UNKNOWN',
  notOpen: 'HF_PROPOSAL_STATE',
  signed: 'proposal-signed',
  denied: 'proposal-denied',
  expired: 'proposal-expired',
  factsOf: ({ actKind, target }) => ({ act: actKind, target }),
  afterDenial: 'A denial stands for ever: this very act is not proposed again.',
  afterEnd: 'Propose it again with the command that proposed it.',
};

const ACT = z.object({ facts: z.record(z.string(), z.unknown()) });

export class Proposals extends PeoplesDesk<ProposalCard> implements ProposalDesk {
  readonly #parts: ProposalParts;

  constructor(parts: ProposalParts) {
    super({ ...parts, holdLifeMsOf: () => PROPOSAL_LIFE_MS }, WORDS);
    this.#parts = parts;
  }

  async open(act: ProposedAct): Promise<ProposalRecord> {
    const { clock, note, peopleOf, store } = this.#parts;
    const card = cardOfAct(act);
    const peopleNeeded = Math.max(PROPOSAL_PEOPLE_MIN, peopleOf(card.environment));
    await this.#checkQuorum(peopleNeeded);
    const now = clock.now();
    const { hold, isNew, expired } = await store.findOrOpen(
      {
        id: newId('proposal', clock),
        card,
        peopleNeeded,
        openedAt: now,
        expiresAt: new Date(now.getTime() + PROPOSAL_LIFE_MS),
        approvalUntil: new Date(now.getTime() + 2 * PROPOSAL_LIFE_MS),
      },
      now,
    );
    for (const old of expired) await note(expiredEvent(old, WORDS));
    if (isNew) await note(openedEvent(hold));
    if (hold.state === 'denied') throw denied(hold);
    return hold;
  }

  /**
   * Signs, and carries the act out when that makes enough. One who signs again when it is complete
   * and was not carried out (this process could not, or was ended before) starts it.
   */
  override async approve(word: PersonWord): Promise<ProposalRecord> {
    const proposal = await super.approve(word);
    return proposal.state === 'signed' ? this.#carryOut(proposal) : proposal;
  }

  /** Who could sign changes; asked when it is opened, and signatures are counted when it runs. */
  async #checkQuorum(peopleNeeded: number): Promise<void> {
    const signers = await this.#parts.signers();
    if (signers.length >= peopleNeeded) return;
    throw new HoldfastError('HF_QUORUM', {
      expected: `${peopleNeeded} people who have confirmed their codes`,
      found: signers.length === 0 ? 'nobody' : `${signers.length}: ${signers.join(', ')}`,
      hint: 'Add people with `holdfast people add`, each with a phone of their own; then try again.',
    });
  }

  async #carryOut(proposal: ProposalRecord): Promise<ProposalRecord> {
    const { clock, note, record, store } = this.#parts;
    const { card, id } = proposal;
    const runner = this.#runnerOf(card);
    const facts = factsOf(proposal);
    const challenge = approvalHash(proposal);
    const signatures = await store.proven(id, challenge);
    if (signatures.length < proposal.peopleNeeded) throw notProven(proposal, signatures.length);
    const personIds = signatures.map(({ personId }) => personId);
    const act: ApprovedAct = {
      proposalId: id,
      target: card.target,
      environment: card.environment,
      facts,
      people: signatures.map(({ personName }) => personName),
    };
    const approval = { challenge, personIds };
    if (!(await store.consume(id, approval, clock.now()))) return this.show(id);
    const entry = { proposal: id, digest: card.digest, act: card.actKind, target: card.target };
    let end: ActEnd | { readonly kind: 'unknown'; readonly note: string };
    try {
      await record({
        kind: 'proposal-started',
        facts: { ...entry, people: act.people.join(', ') },
        message: `${id} is carried out: ${card.actKind} on ${card.target}.`,
      });
      end = { kind: 'done', note: await runner(act) };
    } catch (error) {
      end = { kind: isOutcomeUnknown(error) ? 'unknown' : 'failed', note: messageOf(error) };
    }
    await note({
      kind: 'proposal-executed',
      facts: { ...entry, outcome: end.kind, note: end.note },
      message: `${id} ${ENDED[end.kind]}: ${end.note}`,
    });
    if (end.kind !== 'unknown') await store.end(id, { ...end, kind: end.kind });
    return this.show(id);
  }

  #runnerOf(card: ProposalCard): ActRunner {
    const runner = this.#parts.runners[card.actKind];
    if (runner !== undefined) return runner;
    throw new HoldfastError('HF_UNSUPPORTED', {
      expected: `a Holdfast that can carry out "${card.actKind}"`,
      found: 'that this one cannot; the signature counts all the same',
      hint: 'Approve it again where the target is configured.',
    });
  }
}

const ENDED = {
  done: 'was carried out',
  failed: 'failed',
  unknown: 'was begun, and nobody knows what came of it',
} as const;

/** From the text whose digest was signed: a row that was changed since is not carried out. */
function factsOf({ card, id }: ProposalRecord): unknown {
  const found = digestOfAct(card.act);
  if (found === card.digest) return ACT.parse(JSON.parse(card.act)).facts;
  throw new HoldfastError('HF_PROPOSAL_STATE', {
    expected: `${id} to be the act that was signed (${card.digest.slice(0, 16)}…)`,
    found: `another one (${found.slice(0, 16)}…)`,
    hint: 'Somebody changed our database by hand. Find out who, then propose it again.',
  });
}

/** A signature in our tables that nobody gave for this act. */
function notProven({ id, peopleNeeded }: ProposalRecord, proven: number): HoldfastError {
  return new HoldfastError('HF_PROPOSAL_STATE', {
    expected: `${peopleNeeded} signatures of ${id} that are proven for this act`,
    found: String(proven),
    hint: 'See who signed with `holdfast proposals show`; let them sign again.',
  });
}

function denied({ id, decidedBy, note }: ProposalRecord): HoldfastError {
  return new HoldfastError('HF_PROPOSAL_STATE', {
    expected: 'an act that nobody denied',
    found: `${id}, denied by ${decidedBy ?? 'somebody'}${note ? `: ${note}` : ''}`,
    hint: WORDS.afterDenial,
  });
}

function openedEvent(proposal: ProposalRecord): HoldfastEvent {
  const { card, expiresAt, id, peopleNeeded } = proposal;
  return {
    kind: 'proposal-opened',
    facts: {
      proposal: id,
      digest: card.digest,
      act: card.actKind,
      target: card.target,
      environment: card.environment,
      people: peopleNeeded,
      expires: expiresAt.toISOString(),
      binding: bindingOf(proposal, APPROVAL_DOMAIN),
    },
    message: `${id} was opened: ${card.actKind} on ${card.target}. ${card.reason}`,
  };
}
