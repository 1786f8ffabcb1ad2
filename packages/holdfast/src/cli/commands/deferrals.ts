import type { Command } from 'commander';
import type { DeferralLine, DeferralRecord, DeferralState } from '../../approvals/deferral.ts';
import { hastenAct } from '../../approvals/hasten.ts';
import type { Countdown } from '../../approvals/kept-deferrals.ts';
import type { Context, Run } from '../command.ts';
import { effectLines } from '../effect-words.ts';
import { addListAndShow } from '../kept-commands.ts';
import { codeOf, digestShown, type PersonOptions, withPerson } from '../person-word.ts';
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
import { proposedAnswer } from './proposals.ts';

const STATEMENT_CHARS_IN_LIST = 48;

export function addDeferrals(program: Command, run: Run): void {
  const deferrals = program
    .command('deferrals')
    .description('What was approved, has no undo, and waits out its grace');

  addListAndShow(deferrals, run, {
    one: 'deferral',
    list: 'What waits or runs; newest first',
    all: 'also what ran, was cancelled or became void',
    show: 'One deferral: what exactly will run, where, and when',
    onList: listDeferrals,
    onShow: showDeferral,
  });

  const cancel = withPerson(
    deferrals
      .command('cancel')
      .description('Call it off: one person is enough, and it is final')
      .argument('<deferral>', 'its id (deferral_…)')
      .option('--note <text>', 'why', ''),
  );
  cancel.action((id: string, options: PersonOptions & { readonly note: string }) =>
    run(cancel, (context) => cancelDeferral(context, id, options)),
  );

  const hasten = deferrals
    .command('hasten')
    .description('Propose to run it before its time; several people have to sign')
    .argument('<deferral>', 'its id (deferral_…)')
    .action((id: string) => run(hasten, (context) => hastenDeferral(context, id)));
}

async function listDeferrals(context: Context, all: boolean): Promise<Answer> {
  const which = all ? 'all' : 'open';
  const deferrals = await withRooms(context, (rooms) => rooms.deferrals.list(which));
  const now = context.clock.now();
  return {
    json: { deferrals: deferrals.map(plain) },
    lines: (paint) => {
      if (deferrals.length === 0) return [all ? 'Nothing was ever deferred.' : 'Nothing waits.'];
      const rows = deferrals.map((deferral) => [
        deferral.id,
        deferral.state,
        deferral.state === 'scheduled' ? fromNow(deferral.dueAt, now) : '',
        deferral.card.agentName,
        `${deferral.card.target} (${deferral.card.environment})`,
        cut(oneLine(deferral.card.statement), STATEMENT_CHARS_IN_LIST),
      ]);
      return table(['deferral', 'state', 'runs', 'agent', 'target', 'statement'], rows, paint);
    },
  };
}

async function showDeferral(context: Context, id: string): Promise<Answer> {
  const deferral = await withRooms(context, (rooms) => rooms.deferrals.show(id));
  const { acts: _, parameters, statement, ...rest } = deferral;
  const json = {
    ...plain(rest),
    statement: statement.toString('utf8'),
    parameters: parameters.map(parameterText),
  };
  return {
    json: { deferral: json },
    lines: (paint) => cardLines(deferral, context.clock.now(), paint),
  };
}

/** As it was bound; what came in binary is shown as bytes. */
function parameterText({ isBinary, value }: DeferralRecord['parameters'][number]): string | null {
  if (value === null) return null;
  return isBinary ? `\\x${value.toString('hex')}` : value.toString('utf8');
}

function cardLines(deferral: Countdown<DeferralRecord>, now: Date, paint: Paint): string[] {
  const { card, dueAt, id, searchPath, signatures, state } = deferral;
  const signed = signatures.map(({ personName, at }) => `${personName} at ${when(at)}`);
  return [
    `${paint.bold(id)}  ${stateWord(state, paint)}`,
    '',
    paint.bold('What exactly will run'),
    ...indented(card.statement),
    ...deferral.parameters.map(
      (parameter, at) => `  $${at + 1} = ${oneLine(parameterText(parameter) ?? 'NULL')}`,
    ),
    '',
    ...facts(
      [
        [
          'on',
          `${card.target}, ${card.environment}, ${card.environmentLevel} (${card.resolvedBy})`,
        ],
        ['does', effectLines(card).join('\n')],
        ...(searchPath.length === 0
          ? []
          : ([['names in', searchPath.map(oneLine).join(', ')]] as const)),
        [
          'runs',
          state === 'scheduled'
            ? `${when(dueAt)} (${fromNow(dueAt, now)}), if Holdfast watches until then without a break`
            : 'not any more',
        ],
        ['undo', 'none; that is why it waits'],
        ['agent', `${card.agentName}, token ${card.tokenId}`],
        ['from', `${card.source}; calls itself "${oneLine(card.client)}"`],
        ['scheduled', when(deferral.scheduledAt)],
        ['approved by', signed.join('\n') || 'nobody had to'],
        ['digest', digestShown(card)],
        ...(deferral.decidedBy === null ? [] : ([['cancelled by', deferral.decidedBy]] as const)),
        ...(deferral.note ? ([['note', visible(deferral.note)]] as const) : []),
      ],
      paint,
    ),
    ...(state === 'scheduled'
      ? [
          '',
          'To call it off:',
          `  holdfast deferrals cancel ${id} --as NAME --code 123456 --note 'why'`,
        ]
      : []),
  ];
}

async function cancelDeferral(
  context: Context,
  deferralId: string,
  options: PersonOptions & { readonly note: string },
): Promise<Answer> {
  const code = await codeOf(context, options);
  const word = { deferralId, person: options.as, code, note: options.note };
  const deferral = await withRooms(context, (rooms) => rooms.deferrals.cancel(word));
  return {
    json: { deferral: plain(deferral) },
    lines: (paint) => [`${paint.bold(deferral.id)}  Cancelled. It will not run.`],
  };
}

async function hastenDeferral(context: Context, id: string): Promise<Answer> {
  const proposal = await withRooms(context, async (rooms) =>
    rooms.proposals.open(hastenAct(await rooms.deferrals.show(id))),
  );
  return proposedAnswer(proposal);
}

/** JSON has no bigint; a tick is far below 2^53 ms. */
function plain<D extends Countdown<DeferralLine>>({ dueTickMs, ...rest }: D) {
  return { ...rest, dueTickMs: Number(dueTickMs) };
}

function stateWord(state: DeferralState, paint: Paint): string {
  switch (state) {
    case 'scheduled':
      return paint.yellow('waits out its grace');
    case 'running':
      return paint.yellow('runs now');
    case 'failed':
    case 'unknown':
      return paint.red(state);
    case 'done':
      return paint.green('done');
    case 'cancelled':
    case 'void':
      return paint.dim(state);
    default:
      return state satisfies never;
  }
}
