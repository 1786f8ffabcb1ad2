import type { Command } from 'commander';
import type { HoldState } from '../../approvals/hold.ts';
import { HOLD_LIST_MAX } from '../../model/limits.ts';
import type { TakingBack } from '../../model/reversal.ts';
import { type AnswerOf, type ApiClient, allOf } from '../api/api-client.ts';
import { holdJson } from '../card-json.ts';
import type { Context, Run } from '../command.ts';
import { effectLines } from '../effect-words.ts';
import { addListAndShow } from '../kept-commands.ts';
import { digestShown, type Word, type WordOptions, withWord, wordOf } from '../person-word.ts';
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
import { levelWords, takingBackWords } from '../taking-back-words.ts';
import { graceMsAt, withApi } from '../with-api.ts';

type Hold = AnswerOf<'holds.show'>;

const STATEMENT_CHARS_IN_LIST = 48;

export function addHolds(program: Command, run: Run): void {
  const holds = program.command('holds').description('What agents want to do and people decide');

  addListAndShow(holds, run, {
    one: 'hold',
    list: 'What is open; newest first',
    all: 'also what was decided, used or ran out',
    show: 'One hold: what exactly would run, where, and why it is held',
    onList: listHolds,
    onShow: showHold,
  });

  const approve = withWord(
    holds
      .command('approve')
      .description('Approve: these exact bytes may pass once, on this target')
      .argument('<hold>', 'its id (hold_…)'),
  ).addHelpText(
    'after',
    '\nThe code is the approval: there is no question to answer with yes. With --digest you sign only\n' +
      'if the hold still has the digest that `holdfast holds show` printed.',
  );
  approve.action((id: string, options: WordOptions) =>
    run(approve, (context) =>
      decide(context, options, (api, word) =>
        api.call('holds.approve', { params: { id }, body: word }),
      ),
    ),
  );

  const deny = withWord(
    holds
      .command('deny')
      .description('Deny: these exact bytes are refused on this target from now on')
      .argument('<hold>', 'its id (hold_…)')
      .option('--note <text>', 'what the agent is told', ''),
  );
  deny.action((id: string, options: WordOptions & { readonly note: string }) =>
    run(deny, (context) =>
      decide(context, options, (api, word) =>
        api.call('holds.deny', { params: { id }, body: { ...word, note: options.note } }),
      ),
    ),
  );
}

async function listHolds(context: Context, all: boolean): Promise<Answer> {
  const state = all ? 'all' : 'open';
  if (context.json) {
    const holds = await withApi(context, (api) =>
      allOf((page) => api.call('holds.cards', { query: { ...page, state } }), HOLD_LIST_MAX),
    );
    return { json: { holds: holds.map(holdJson) }, lines: () => [] };
  }
  const holds = await withApi(context, (api) =>
    allOf((page) => api.call('holds.list', { query: { ...page, state } }), HOLD_LIST_MAX),
  );
  const now = context.clock.now();
  return {
    json: null,
    lines: (paint) => {
      if (holds.length === 0)
        return [all ? 'No hold was ever opened.' : 'Nothing waits for anybody.'];
      const rows = holds.map((hold) => [
        oneLine(hold.id),
        hold.state,
        `${hold.signatures.length}/${hold.peopleNeeded}`,
        oneLine(hold.agent),
        oneLine(`${hold.target} (${hold.environment})`),
        fromNow(new Date(hold.expiresAt), now),
        cut(oneLine(hold.statement), STATEMENT_CHARS_IN_LIST),
      ]);
      return table(
        ['hold', 'state', 'signed', 'agent', 'target', 'expires', 'statement'],
        rows,
        paint,
      );
    },
  };
}

async function showHold(context: Context, id: string): Promise<Answer> {
  const { hold, graceMs } = await withApi(context, async (api) => {
    const found = await api.call('holds.show', { params: { id } });
    return { hold: found, graceMs: await graceMsAt(api, found.environment) };
  });
  const now = context.clock.now();
  return {
    json: { hold: holdJson(hold) },
    lines: (paint) => cardLines(hold, now, graceMs, paint),
  };
}

/** As it was when the hold opened. What became weaker since does not pass on these signatures. */
function takenBackLines(
  takingBack: TakingBack | null,
  graceMs: number,
): readonly (readonly [string, string])[] {
  if (takingBack === null) return [['undo', 'not known: an older Holdfast opened this']];
  return [
    ['protection', levelWords(takingBack)],
    ['undo', takingBackWords(takingBack, graceMs)],
  ];
}

function cardLines(hold: Hold, now: Date, graceMs: number, paint: Paint): string[] {
  const signed = hold.signatures.map(
    ({ person, at }) => `${oneLine(person)} at ${when(new Date(at))}`,
  );
  const missing = hold.peopleNeeded - hold.signatures.length;
  const id = oneLine(hold.id);
  const expiresAt = new Date(hold.expiresAt);
  return [
    `${paint.bold(id)}  ${stateWord(hold.state, paint)}`,
    '',
    paint.bold('What exactly would run'),
    ...indented(hold.statement),
    '',
    ...facts(
      [
        ['on', oneLine(`${hold.target}, ${hold.environment}, ${hold.level} (${hold.resolvedBy})`)],
        ['does', effectLines(hold).join('\n')],
        ...(hold.couldNotTell === null
          ? []
          : ([['could not tell', visible(hold.couldNotTell)]] as const)),
        ['held because', `${oneLine(hold.reason)} (rule ${oneLine(hold.rule)})`],
        ...takenBackLines(hold.takingBack, graceMs),
        ['agent', oneLine(`${hold.agent}, token ${hold.tokenId}`)],
        ['from', `${oneLine(hold.source)}; calls itself "${oneLine(hold.client)}"`],
        ['opened', when(new Date(hold.openedAt))],
        ['expires', `${when(expiresAt)} (${fromNow(expiresAt, now)})`],
        ['signed by', signed.join('\n') || 'nobody yet'],
        [
          'digest',
          `${digestShown(hold)}  (first 16 of 64; it covers the exact bytes and the target)`,
        ],
        ...(hold.decidedBy === null
          ? []
          : ([
              [
                'denied by',
                `${oneLine(hold.decidedBy)}${hold.note ? `: ${oneLine(hold.note)}` : ''}`,
              ],
            ] as const)),
      ],
      paint,
    ),
    ...(hold.state === 'waiting'
      ? [
          '',
          `${missing} more signature(s) needed:`,
          `  holdfast holds approve ${id} --as NAME --digest ${digestShown(hold)} --code 123456`,
          `  holdfast holds deny ${id} --as NAME --code 123456 --note 'why'`,
        ]
      : []),
  ];
}

async function decide(
  context: Context,
  options: WordOptions,
  work: (api: ApiClient, word: Word) => Promise<Hold>,
): Promise<Answer> {
  const word = await wordOf(context, options);
  const hold = await withApi(context, (api) => work(api, word));
  const missing = hold.peopleNeeded - hold.signatures.length;
  const until = when(new Date(hold.expiresAt));
  const news: Readonly<Record<HoldState, string>> = {
    waiting: `Signed. ${missing} more signature(s) needed.`,
    signed: `Approved. The agent may send exactly the same bytes once, until ${until}.`,
    denied: 'Denied. These bytes are refused on this target from now on.',
    consumed: 'It was approved and used already.',
    expired: 'It has run out.',
  };
  return {
    json: { hold: holdJson(hold) },
    lines: (paint) => [`${paint.bold(oneLine(hold.id))}  ${news[hold.state]}`],
  };
}

function stateWord(state: HoldState, paint: Paint): string {
  if (state === 'waiting') return paint.yellow('waits for people');
  if (state === 'signed') return paint.green('approved, not used yet');
  return state === 'denied' ? paint.red('denied') : paint.dim(state);
}
