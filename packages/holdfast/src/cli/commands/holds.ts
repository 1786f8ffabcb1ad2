import type { Command } from 'commander';
import { factWords, pastWords, similarWords } from '../../approvals/card-words.ts';
import type { HoldState } from '../../approvals/hold.ts';
import { HOLD_LIST_MAX, RECENT_ACTS_MS } from '../../model/limits.ts';
import type { TakingBack } from '../../model/reversal.ts';
import { type AnswerOf, type ApiClient, allOf } from '../api/api-client.ts';
import { holdJson } from '../card-json.ts';
import type { Context, Run } from '../command.ts';
import { effectLines } from '../effect-words.ts';
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
import { levelWords, takingBackWords } from '../taking-back-words.ts';
import { graceMsAt, withApi } from '../with-api.ts';

type Hold = AnswerOf<'holds.show'>;
type Past = AnswerOf<'holds.past'>;

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

  const approve = withYes(
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
        api.call('holds.deny', { params: { id }, body: { ...word, comment: options.note } }),
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
  const { graceMs, hold, past } = await withApi(context, async (api) => {
    const params = { id };
    const found = await api.call('holds.show', { params });
    return {
      hold: found,
      past: await api.call('holds.past', { params }),
      graceMs: await graceMsAt(api, found.environment),
    };
  });
  const now = context.clock.now();
  return {
    json: { hold: holdJson(hold), past },
    lines: (paint) => cardLines(hold, past, now, graceMs, paint),
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

/** What Holdfast found at the target when the hold opened. */
function foundLines(hold: Hold): readonly (readonly [string, string])[] {
  const words = factWords(hold, hold.facts);
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ['in short', words.sum],
    ['touches', words.touches],
    ['hangs on it', words.dependents],
    ['recovery', words.recoveryLost],
    ['not known', words.notTold],
  ];
  return lines
    .filter(([, each]) => each.length > 0)
    .map(([name, each]) => [name, each.join('\n')] as const);
}

/** What more the signature hangs on, and what is asked of whoever signs. */
function boundLines(hold: Hold): readonly (readonly [string, string])[] {
  return [
    ...(hold.rowsAtMost === null
      ? []
      : ([['void above', `${hold.rowsAtMost} rows, counted again when it runs`]] as const)),
    ['words', `${oneLine(hold.digestWords)}  (of all that you sign; compare them)`],
    ...(hold.typedName === null ? [] : ([['to type', oneLine(hold.typedName)]] as const)),
  ];
}

function pastLines({ recent, similar }: Past, now: Date): readonly (readonly [string, string])[] {
  const like = similar.map(({ agent, openedAt, ...hold }) => ({
    ...hold,
    agentName: agent,
    openedAt: new Date(openedAt),
  }));
  return [
    [`its last ${RECENT_ACTS_MS / 60_000} min`, pastWords(recent, now).join('\n')],
    ['like it', similarWords(like).join('\n')],
  ];
}

function cardLines(hold: Hold, past: Past, now: Date, graceMs: number, paint: Paint): string[] {
  const signed = hold.signatures.map(signedLine);
  const missing = hold.peopleMissing;
  const name = hold.typedName === null ? '' : ` --name '${oneLine(hold.typedName)}'`;
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
        ...foundLines(hold),
        ['held because', `${oneLine(hold.reason)} (rule ${oneLine(hold.rule)})`],
        ...takenBackLines(hold.takingBack, graceMs),
        ...boundLines(hold),
        ['agent', oneLine(`${hold.agent}, token ${hold.tokenId}`)],
        ['answers for it', hold.owner === null ? 'nobody' : oneLine(hold.owner)],
        ['from', `${oneLine(hold.source)}; calls itself "${oneLine(hold.client)}"`],
        ...pastLines(past, now),
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
          `  holdfast holds approve ${id} --as NAME --digest ${digestShown(hold)}${name} --code 123456`,
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
  const missing = hold.peopleMissing;
  const until = when(new Date(hold.expiresAt));
  const news: Readonly<Record<HoldState, string>> = {
    waiting: `Signed. ${missing} more signature(s) needed.`,
    signed: `Approved. The agent may send exactly the same bytes once, until ${until}.`,
    denied: 'Denied. These bytes are refused on this target from now on.',
    consumed: 'It was approved and used already.',
    expired: 'It has run out.',
    void: 'It is void: something had changed. A new hold opens when the agent tries again.',
  };
  return {
    json: { hold: holdJson(hold) },
    lines: (paint) => [`${paint.bold(oneLine(hold.id))}  ${news[hold.state]}`],
  };
}

function signedLine({ at, comment, method, person }: Hold['signatures'][number]): string {
  const said = comment === '' ? '' : `: “${oneLine(comment)}”`;
  return `${oneLine(person)} by ${method} at ${when(new Date(at))}${said}`;
}

function stateWord(state: HoldState, paint: Paint): string {
  if (state === 'waiting') return paint.yellow('waits for people');
  if (state === 'signed') return paint.green('approved, not used yet');
  return state === 'denied' ? paint.red('denied') : paint.dim(state);
}
