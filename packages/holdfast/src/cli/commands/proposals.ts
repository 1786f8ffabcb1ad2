import type { Command } from 'commander';
import { ACT_KINDS } from '../../approvals/proposed-act.ts';
import { HOLD_LIST_MAX } from '../../model/limits.ts';
import { type AnswerOf, type ApiClient, allOf } from '../api/api-client.ts';
import { proposalJson } from '../card-json.ts';
import { type Context, NO, type Run } from '../command.ts';
import { addListAndShow } from '../kept-commands.ts';
import {
  digestShown,
  type Word,
  type WordOptions,
  withWord,
  withYes,
  wordOf,
} from '../person-word.ts';
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
import { withApi } from '../with-api.ts';

type Proposal = AnswerOf<'proposals.show'>;

const WORDS_CHARS_IN_LIST = 64;

export function addProposals(program: Command, run: Run): void {
  const proposals = program
    .command('proposals')
    .description(`What people propose and several must sign: ${ACT_KINDS.join(', ')}`);

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
      decide(context, options, (api, word) =>
        api.call('proposals.approve', { params: { id }, body: word }),
      ),
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
      decide(context, options, (api, word) =>
        api.call('proposals.deny', { params: { id }, body: { ...word, comment: options.note } }),
      ),
    ),
  );
}

/** What a command answers that needs a quorum: the proposal it opened, and how to sign it. */
export function proposedAnswer(proposal: Proposal): Answer {
  return {
    json: { proposal: proposalJson(proposal) },
    lines: (paint) => [
      `${paint.bold(oneLine(proposal.id))}  ${proposal.peopleNeeded} people have to sign before it is done.`,
      ...howToSign(proposal),
    ],
    exit: NO,
  };
}

async function listProposals(context: Context, all: boolean): Promise<Answer> {
  const state = all ? 'all' : 'open';
  const proposals = await withApi(context, (api) =>
    allOf((page) => api.call('proposals.list', { query: { ...page, state } }), HOLD_LIST_MAX),
  );
  const now = context.clock.now();
  return {
    json: { proposals: proposals.map(proposalJson) },
    lines: (paint) => {
      if (proposals.length === 0)
        return [all ? 'Nothing was ever proposed.' : 'Nothing waits for anybody.'];
      const rows = proposals.map((proposal) => [
        oneLine(proposal.id),
        stateOf(proposal),
        `${proposal.signatures.length}/${proposal.peopleNeeded}`,
        proposal.act,
        oneLine(`${proposal.target} (${proposal.environment})`),
        fromNow(new Date(proposal.expiresAt), now),
        cut(oneLine(proposal.words), WORDS_CHARS_IN_LIST),
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
  const proposal = await withApi(context, (api) => api.call('proposals.show', { params: { id } }));
  return {
    json: { proposal: proposalJson(proposal) },
    lines: (paint) => cardLines(proposal, context, paint),
  };
}

function cardLines(proposal: Proposal, context: Context, paint: Paint): string[] {
  const signed = proposal.signatures.map(
    ({ person, at }) => `${oneLine(person)} at ${when(new Date(at))}`,
  );
  const expiresAt = new Date(proposal.expiresAt);
  const note = proposal.note ? `: ${oneLine(proposal.note)}` : '';
  return [
    `${paint.bold(oneLine(proposal.id))}  ${stateOf(proposal)}`,
    '',
    paint.bold('What would happen'),
    ...indented(proposal.words),
    '',
    ...facts(
      [
        ['act', proposal.act],
        ['on', oneLine(`${proposal.target}, ${proposal.environment}, ${proposal.level}`)],
        ['exactly', visible(proposal.exactly)],
        ['by several', oneLine(proposal.reason)],
        ['opened', when(new Date(proposal.openedAt))],
        ['expires', `${when(expiresAt)} (${fromNow(expiresAt, context.clock.now())})`],
        ['signed by', signed.join('\n') || 'nobody yet'],
        ['digest', `${digestShown(proposal)}  (first 16 of 64; it covers exactly the above)`],
        ['words', `${oneLine(proposal.digestWords)}  (of all that you sign; compare them)`],
        ...(proposal.decidedBy === null
          ? []
          : ([['denied by', `${oneLine(proposal.decidedBy)}${note}`]] as const)),
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

function howToSign(proposal: Proposal): string[] {
  const id = oneLine(proposal.id);
  return [
    `  holdfast proposals approve ${id} --as NAME --digest ${digestShown(proposal)} --code 123456`,
    `  holdfast proposals deny ${id} --as NAME --code 123456 --note 'why'`,
  ];
}

async function decide(
  context: Context,
  options: WordOptions,
  work: (api: ApiClient, word: Word) => Promise<Proposal>,
): Promise<Answer> {
  const word = await wordOf(context, options);
  const proposal = await withApi(context, (api) => work(api, word));
  return {
    json: { proposal: proposalJson(proposal) },
    lines: (paint) => [`${paint.bold(oneLine(proposal.id))}  ${newsOf(proposal)}`],
    ...(proposal.outcome?.kind === 'failed' ? { exit: NO } : {}),
  };
}

function newsOf(proposal: Proposal): string {
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
function stateOf({ outcome, state }: Proposal): string {
  return state === 'consumed' ? (outcome?.kind ?? 'begun, end unknown') : state;
}
