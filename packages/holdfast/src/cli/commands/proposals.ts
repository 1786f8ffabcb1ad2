import type { Command } from 'commander';
import type { PersonWord } from '../../approvals/hold-store.ts';
import { wordsOf } from '../../approvals/peoples-desk.ts';
import type { ProposalRecord } from '../../approvals/proposals.ts';
import type { Rooms } from '../../rooms.ts';
import { type Context, NO, type Run } from '../command.ts';
import { addListAndShow } from '../kept-commands.ts';
import { digestShown, type WordOptions, withWord, withYes, wordOf } from '../person-word.ts';
import {
  type Answer,
  cut,
  facts,
  fromNow,
  indented,
  oneLine,
  type Paint,
  table,
  visible,
  when,
} from '../print.ts';
import { withRooms } from '../with-rooms.ts';

const WORDS_CHARS_IN_LIST = 64;

export function addProposals(program: Command, run: Run): void {
  const proposals = program
    .command('proposals')
    .description('What people propose and several must sign: purge, unprotect, hasten');

  addListAndShow(proposals, run, {
    one: 'proposal',
    list: 'What is open; newest first',
    all: 'also what was denied, carried out or ran out',
    show: 'One proposal: what would happen, and who signed',
    onList: listProposals,
    onShow: showProposal,
  });

  const approve = withYes(
    proposals
      .command('approve')
      .description('Sign: with the last signature it is carried out at once')
      .argument('<proposal>', 'its id (proposal_…)'),
  );
  approve.action((id: string, options: WordOptions) =>
    run(approve, (context) =>
      decide(context, id, options, (rooms, word) => rooms.proposals.approve(word)),
    ),
  );

  const deny = withWord(
    proposals
      .command('deny')
      .description('Deny: this very act is not carried out, now or later')
      .argument('<proposal>', 'its id (proposal_…)')
      .option('--note <text>', 'why', ''),
  );
  deny.action((id: string, options: WordOptions & { readonly note: string }) =>
    run(deny, (context) =>
      decide(context, id, options, (rooms, word) =>
        rooms.proposals.deny({ ...word, note: options.note }),
      ),
    ),
  );
}

/** What a command answers that needs a quorum: the proposal it opened, and how to sign it. */
export function proposedAnswer(proposal: ProposalRecord): Answer {
  return {
    json: { proposal },
    lines: (paint) => [
      `${paint.bold(proposal.id)}  ${proposal.peopleNeeded} people have to sign before it is done.`,
      ...howToSign(proposal),
    ],
    exit: NO,
  };
}

async function listProposals(context: Context, all: boolean): Promise<Answer> {
  const which = all ? 'all' : 'open';
  const proposals = await withRooms(context, (rooms) => rooms.proposals.list(which));
  const now = context.clock.now();
  return {
    json: { proposals },
    lines: (paint) => {
      if (proposals.length === 0)
        return [all ? 'Nothing was ever proposed.' : 'Nothing waits for anybody.'];
      const rows = proposals.map((proposal) => [
        proposal.id,
        stateOf(proposal),
        `${proposal.signatures.length}/${proposal.peopleNeeded}`,
        proposal.card.actKind,
        `${proposal.card.target} (${proposal.card.environment})`,
        fromNow(proposal.expiresAt, now),
        cut(oneLine(proposal.card.statement), WORDS_CHARS_IN_LIST),
      ]);
      return table(
        ['proposal', 'state', 'signed', 'act', 'target', 'expires', 'what'],
        rows,
        paint,
      );
    },
  };
}

async function showProposal(context: Context, id: string): Promise<Answer> {
  const proposal = await withRooms(context, (rooms) => rooms.proposals.show(id));
  return { json: { proposal }, lines: (paint) => cardLines(proposal, context, paint) };
}

function cardLines(proposal: ProposalRecord, context: Context, paint: Paint): string[] {
  const { card } = proposal;
  const signed = proposal.signatures.map(({ personName, at }) => `${personName} at ${when(at)}`);
  const note = proposal.note ? `: ${oneLine(proposal.note)}` : '';
  return [
    `${paint.bold(proposal.id)}  ${stateOf(proposal)}`,
    '',
    paint.bold('What would happen'),
    ...indented(card.statement),
    '',
    ...facts(
      [
        ['act', card.actKind],
        ['on', `${card.target}, ${card.environment}, ${card.environmentLevel}`],
        ['exactly', visible(card.act)],
        ['by several', oneLine(card.reason)],
        ['opened', when(proposal.openedAt)],
        [
          'expires',
          `${when(proposal.expiresAt)} (${fromNow(proposal.expiresAt, context.clock.now())})`,
        ],
        ['signed by', signed.join('\n') || 'nobody yet'],
        ['digest', `${digestShown(card)}  (first 16 of 64; it covers exactly the above)`],
        ['words', `${wordsOf(proposal)}  (of all that you sign; compare them)`],
        ...(proposal.decidedBy === null
          ? []
          : ([['denied by', `${proposal.decidedBy}${note}`]] as const)),
        ...(proposal.outcome === null
          ? []
          : ([
              ['outcome', `${proposal.outcome.kind}: ${oneLine(proposal.outcome.note)}`],
            ] as const)),
      ],
      paint,
    ),
    ...(proposal.state === 'waiting' ? ['', ...howToSign(proposal)] : []),
  ];
}

function howToSign({ card, id }: ProposalRecord): string[] {
  return [
    `  holdfast proposals approve ${id} --as NAME --digest ${digestShown(card)} --code 123456`,
    `  holdfast proposals deny ${id} --as NAME --code 123456 --note 'why'`,
  ];
}

async function decide(
  context: Context,
  id: string,
  options: WordOptions,
  work: (rooms: Rooms, word: PersonWord) => Promise<ProposalRecord>,
): Promise<Answer> {
  const word = await wordOf(context, id, options);
  const proposal = await withRooms(context, (rooms) => work(rooms, word));
  return {
    json: { proposal },
    lines: (paint) => [`${paint.bold(proposal.id)}  ${newsOf(proposal)}`],
    ...(proposal.outcome?.kind === 'failed' ? { exit: NO } : {}),
  };
}

function newsOf(proposal: ProposalRecord): string {
  const { outcome, peopleNeeded, signatures, state } = proposal;
  switch (state) {
    case 'waiting':
      return `Signed. ${peopleNeeded - signatures.length} more signature(s) needed.`;
    case 'signed':
      return 'Signed by enough people; it is carried out at the next word of one of them.';
    case 'denied':
      return 'Denied. This very act is not carried out, now or later.';
    case 'expired':
      return 'It has run out.';
    case 'void':
      return 'It counts no more.';
    case 'consumed':
      return outcome === null
        ? 'Somebody else carries it out at this moment.'
        : `${outcome.kind === 'done' ? 'Done' : 'It failed'}: ${oneLine(outcome.note)}`;
    default:
      return state satisfies never;
  }
}

/** What was begun and has no end was cut off, or is at work in another process. */
function stateOf({ outcome, state }: ProposalRecord): string {
  return state === 'consumed' ? (outcome?.kind ?? 'begun, end unknown') : state;
}
