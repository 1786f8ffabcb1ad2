import type { Command } from 'commander';
import type { DeferralState } from '../../approvals/deferral.ts';
import { HOLD_LIST_MAX } from '../../model/limits.ts';
import { type AnswerOf, allOf } from '../api/api-client.ts';
import { deferralJson } from '../card-json.ts';
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
import { withApi } from '../with-api.ts';
import { proposedAnswer } from './proposals.ts';

type Deferral = AnswerOf<'deferrals.show'>;

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
  const state = all ? 'all' : 'open';
  if (context.json) {
    const deferrals = await withApi(context, (api) =>
      allOf((page) => api.call('deferrals.cards', { query: { ...page, state } }), HOLD_LIST_MAX),
    );
    return { json: { deferrals: deferrals.map(deferralJson) }, lines: () => [] };
  }
  const deferrals = await withApi(context, (api) =>
    allOf((page) => api.call('deferrals.list', { query: { ...page, state } }), HOLD_LIST_MAX),
  );
  const now = context.clock.now();
  return {
    json: null,
    lines: (paint) => {
      if (deferrals.length === 0) return [all ? 'Nothing was ever deferred.' : 'Nothing waits.'];
      const rows = deferrals.map((deferral) => [
        oneLine(deferral.id),
        deferral.state,
        deferral.state === 'scheduled' ? fromNow(new Date(deferral.dueAt), now) : '',
        oneLine(deferral.agent),
        oneLine(`${deferral.target} (${deferral.environment})`),
        cut(oneLine(deferral.statement), STATEMENT_CHARS_IN_LIST),
      ]);
      return table(['deferral', 'state', 'runs', 'agent', 'target', 'statement'], rows, paint);
    },
  };
}

async function showDeferral(context: Context, id: string): Promise<Answer> {
  const deferral = await withApi(context, (api) => api.call('deferrals.show', { params: { id } }));
  const { text: statement, parameters } = deferral;
  return {
    json: { deferral: { ...deferralJson(deferral), statement, parameters } },
    lines: (paint) => cardLines(deferral, context.clock.now(), paint),
  };
}

function cardLines(deferral: Deferral, now: Date, paint: Paint): string[] {
  const { searchPath, signatures, state } = deferral;
  const id = oneLine(deferral.id);
  const dueAt = new Date(deferral.dueAt);
  const signed = signatures.map(({ person, at }) => `${oneLine(person)} at ${when(new Date(at))}`);
  return [
    `${paint.bold(id)}  ${stateWord(state, paint)}`,
    '',
    paint.bold('What exactly will run'),
    ...indented(deferral.statement),
    ...deferral.parameters.map((value, at) => `  $${at + 1} = ${oneLine(value ?? 'NULL')}`),
    '',
    ...facts(
      [
        [
          'on',
          oneLine(
            `${deferral.target}, ${deferral.environment}, ${deferral.level} (${deferral.resolvedBy})`,
          ),
        ],
        ['does', effectLines(deferral).join('\n')],
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
        ['agent', oneLine(`${deferral.agent}, token ${deferral.tokenId}`)],
        ['from', `${oneLine(deferral.source)}; calls itself "${oneLine(deferral.client)}"`],
        ['scheduled', when(new Date(deferral.scheduledAt))],
        ['approved by', signed.join('\n') || 'nobody had to'],
        ['digest', digestShown(deferral)],
        ...(deferral.decidedBy === null
          ? []
          : ([['cancelled by', oneLine(deferral.decidedBy)]] as const)),
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
  id: string,
  options: PersonOptions & { readonly note: string },
): Promise<Answer> {
  const code = await codeOf(context, options);
  const body = { person: options.as, code, note: options.note };
  const deferral = await withApi(context, async (api) => {
    await api.call('deferrals.cancel', { params: { id }, body });
    return await api.call('deferrals.show', { params: { id } });
  });
  return {
    json: { deferral: deferralJson(deferral) },
    lines: (paint) => [`${paint.bold(oneLine(deferral.id))}  Cancelled. It will not run.`],
  };
}

async function hastenDeferral(context: Context, id: string): Promise<Answer> {
  return proposedAnswer(
    await withApi(context, (api) => api.call('deferrals.hasten', { params: { id } })),
  );
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
