import type { Command } from 'commander';
import type { CardFacts } from '../../approvals/card-facts.ts';
import { factWords, pastWords, similarWords } from '../../approvals/card-words.ts';
import type { PastActs, PastHold } from '../../approvals/history.ts';
import {
  type HoldCard,
  type HoldRecord,
  type HoldState,
  peopleMissing,
} from '../../approvals/hold.ts';
import type { PersonWord } from '../../approvals/hold-store.ts';
import { wordsOf } from '../../approvals/peoples-desk.ts';
import { graceMsOf } from '../../config/by-environment.ts';
import { RECENT_ACTS_MS } from '../../model/limits.ts';
import type { TakingBack } from '../../model/reversal.ts';
import type { Rooms } from '../../rooms.ts';
import type { Context, Run } from '../command.ts';
import { effectLines } from '../effect-words.ts';
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
import { levelWords, takingBackWords } from '../taking-back-words.ts';
import { withRooms } from '../with-rooms.ts';

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
      'if the hold still has the words, or the digest, that `holdfast holds show` printed. What goes for\n' +
      'good wants its name typed with --name.',
  );
  approve.action((id: string, options: WordOptions) =>
    run(approve, (context) =>
      decide(context, id, options, (rooms, word) => rooms.holds.approve(word)),
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
      decide(context, id, options, (rooms, word) =>
        rooms.holds.deny({ ...word, note: options.note }),
      ),
    ),
  );
}

async function listHolds(context: Context, all: boolean): Promise<Answer> {
  const holds = await withRooms(context, (rooms) => rooms.holds.list(all ? 'all' : 'open'));
  const now = context.clock.now();
  return {
    json: { holds },
    lines: (paint) => {
      if (holds.length === 0)
        return [all ? 'No hold was ever opened.' : 'Nothing waits for anybody.'];
      const rows = holds.map((hold) => [
        hold.id,
        hold.state,
        `${hold.signatures.length}/${hold.peopleNeeded}`,
        hold.card.agentName,
        `${hold.card.target} (${hold.card.environment})`,
        fromNow(hold.expiresAt, now),
        cut(oneLine(hold.card.statement), STATEMENT_CHARS_IN_LIST),
      ]);
      return table(
        ['hold', 'state', 'signed', 'agent', 'target', 'expires', 'statement'],
        rows,
        paint,
      );
    },
  };
}

/** What happened before. */
interface Past {
  readonly recent: PastActs;
  readonly similar: readonly PastHold[];
}

async function showHold(context: Context, id: string): Promise<Answer> {
  const shown = await withRooms(context, async (rooms) => {
    const hold = await rooms.holds.show(id);
    const { card } = hold;
    const [recent, similar] = await Promise.all([
      rooms.history.recentActsOf(card.agentId),
      rooms.history.similarHolds(card, id),
    ]);
    const past: Past = { recent, similar };
    return { hold, past, graceMs: graceMsOf(rooms.config)(card.environment) };
  });
  const { hold, past, graceMs } = shown;
  const now = context.clock.now();
  return { json: { hold, past }, lines: (paint) => cardLines(hold, past, now, graceMs, paint) };
}

/** Null: an older Holdfast opened it, or its target could not be asked. */
function factsOn(card: HoldCard & { readonly facts?: CardFacts | null }): CardFacts | null {
  return card.facts ?? null;
}

/** What Holdfast found at the target when the hold opened. */
function foundLines(card: HoldCard): readonly (readonly [string, string])[] {
  const words = factWords(card, factsOn(card));
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

function cardLines(
  hold: HoldRecord,
  past: Past,
  now: Date,
  graceMs: number,
  paint: Paint,
): string[] {
  const { card } = hold;
  const signed = hold.signatures.map(signedLine);
  const name = card.typedName === null ? '' : ` --name '${oneLine(card.typedName)}'`;
  const missing = peopleMissing(hold);
  return [
    `${paint.bold(hold.id)}  ${stateWord(hold.state, paint)}`,
    '',
    paint.bold('What exactly would run'),
    ...indented(card.statement),
    '',
    ...facts(
      [
        [
          'on',
          `${card.target}, ${card.environment}, ${card.environmentLevel} (${card.resolvedBy})`,
        ],
        ['does', effectLines(card).join('\n')],
        ...(card.couldNotTell === null
          ? []
          : ([['could not tell', visible(card.couldNotTell)]] as const)),
        ...foundLines(card),
        ['held because', `${oneLine(card.reason)} (rule ${card.rule})`],
        ...takenBackLines(card.takingBack, graceMs),
        ...boundLines(hold),
        ['agent', `${card.agentName}, token ${card.tokenId}`],
        ['from', `${card.source}; calls itself "${oneLine(card.client)}"`],
        [`its last ${RECENT_ACTS_MS / 60_000} min`, pastWords(past.recent, now).join('\n')],
        ['like it', similarWords(past.similar).join('\n')],
        ['opened', when(hold.openedAt)],
        ['expires', `${when(hold.expiresAt)} (${fromNow(hold.expiresAt, now)})`],
        ['signed by', signed.join('\n') || 'nobody yet'],
        [
          'digest',
          `${digestShown(card)}  (first 16 of 64; it covers the exact bytes and the target)`,
        ],
        ['words', `${wordsOf(hold)}  (of all that you sign; compare them)`],
        ...(hold.state === 'void' ? ([['changed', oneLine(hold.note ?? '')]] as const) : []),
        ...(hold.decidedBy === null
          ? []
          : ([
              ['denied by', `${hold.decidedBy}${hold.note ? `: ${oneLine(hold.note)}` : ''}`],
            ] as const)),
      ],
      paint,
    ),
    ...(hold.state === 'waiting'
      ? [
          '',
          `${missing} more signature(s) needed:`,
          `  holdfast holds approve ${hold.id} --as NAME --digest ${digestShown(card)}${name} --code 123456`,
          `  holdfast holds deny ${hold.id} --as NAME --code 123456 --note 'why'`,
        ]
      : []),
  ];
}

/** What else a word for it is a word for. */
function boundLines({ approvalUntil, card }: HoldRecord): (readonly [string, string])[] {
  const { policyVersion, rowsAtMost, typedName } = card;
  return [
    ...(policyVersion === null ? [] : ([['policy', policyVersion]] as const)),
    ...(rowsAtMost === null ? [] : ([['rows', `at most ${rowsAtMost} when it runs`]] as const)),
    ...(typedName === null
      ? []
      : ([['to type', `${oneLine(typedName)}  (it goes for good; approve with --name)`]] as const)),
    ...(approvalUntil === null ? [] : ([['usable until', when(approvalUntil)]] as const)),
  ];
}

function signedLine({ at, comment, method, personName }: HoldRecord['signatures'][number]): string {
  const said = comment === '' ? '' : `: ${oneLine(comment)}`;
  return `${personName} at ${when(at)} (${method})${said}`;
}

async function decide(
  context: Context,
  holdId: string,
  options: WordOptions,
  work: (rooms: Rooms, word: PersonWord) => Promise<HoldRecord>,
): Promise<Answer> {
  const word = await wordOf(context, holdId, options);
  const hold = await withRooms(context, (rooms) => work(rooms, word));
  const missing = peopleMissing(hold);
  const news: Readonly<Record<HoldState, string>> = {
    waiting: `Signed. ${missing} more signature(s) needed.`,
    signed: `Approved. The agent may send exactly the same bytes once, until ${when(hold.expiresAt)}.`,
    denied: 'Denied. These bytes are refused on this target from now on.',
    consumed: 'It was approved and used already.',
    expired: 'It has run out.',
    void: 'It counts no more: what people were asked about has changed.',
  };
  return { json: { hold }, lines: (paint) => [`${paint.bold(hold.id)}  ${news[hold.state]}`] };
}

function stateWord(state: HoldState, paint: Paint): string {
  if (state === 'waiting') return paint.yellow('waits for people');
  if (state === 'signed') return paint.green('approved, not used yet');
  return state === 'denied' ? paint.red('denied') : paint.dim(state);
}
