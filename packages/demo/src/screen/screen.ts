/**
 * What the person sees. Lines are only ever added; on a terminal that is tall enough a panel with the
 * rows of every table stays below them and changes while the agent works. Without a terminal the same
 * lines come plain, and the table once at the end. It decides nothing and counts nothing.
 */

import type { Act } from '../agent/acts.ts';
import type { Answer, TimedAnswer } from '../agent/hands.ts';
import type { RailwayAnswer } from '../agent/published-request.ts';
import type {
  ActReport,
  BothRows,
  DemoReport,
  OrdinaryReport,
  RailwayReport,
  RecoveryReport,
  UndoReport,
} from '../report.ts';
import { shortfalls } from '../report.ts';
import type { VolumeLook } from '../world/railway.ts';
import { cut, type Paint, paintFor, thousands, wantsColours, wrap } from './paint.ts';
import { panelLines } from './panel.ts';

/** The panel needs its own lines and a few for what happens above it. */
const TERMINAL_ROWS_FOR_PANEL = 32;
const WIDTH_MAX = 100;

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): boolean;
}

export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

export class Screen {
  readonly #out: Output;
  readonly #paint: Paint;
  readonly #width: number;
  readonly #live: boolean;
  #panel: readonly string[] = [];
  #shown = 0;
  #refusalShown = false;
  #silent = false;

  constructor(out: Output) {
    this.#out = out;
    this.#paint = paintFor(wantsColours(out));
    this.#width = Math.min(out.columns ?? 80, WIDTH_MAX);
    this.#live = out.isTTY === true && (out.rows ?? 0) >= TERMINAL_ROWS_FOR_PANEL;
  }

  title(): void {
    const { bold, dim } = this.#paint;
    this.#lines(
      '',
      ` ${bold('HOLDFAST')}  ${dim('an agent, a credential error, a real database')}`,
      '',
    );
  }

  note(text: string): void {
    const { yellow, dim } = this.#paint;
    const [first = '', ...rest] = wrap(text, this.#width - 3, '');
    this.#lines(` ${yellow('!')} ${dim(first)}`, ...rest.map((line) => `   ${dim(line)}`));
  }

  /** One part of the world stands. */
  ready(what: string, seconds: number): void {
    const { green, dim } = this.#paint;
    const time = `${seconds.toFixed(1)} s`;
    const text = cut(what, this.#width - 5 - time.length);
    const gap = ' '.repeat(Math.max(1, this.#width - 4 - text.length - time.length));
    this.#lines(` ${green('✓')} ${text}${gap}${dim(time)}`);
  }

  chapter(text: string): void {
    const rule = '─'.repeat(Math.max(2, this.#width - text.length - 6));
    this.#lines('', ` ${this.#paint.dim('──')} ${this.#paint.bold(text)} ${this.#paint.dim(rule)}`);
  }

  agentSays(text: string): void {
    const { cyan } = this.#paint;
    const [first = '', ...rest] = wrap(text, this.#width - 12, '');
    this.#lines(` ${cyan('agent ›')} ${first}`, ...rest.map((line) => `         ${line}`));
  }

  /** What the agent's tool printed. */
  toolSays(text: string): void {
    const lines = wrap(text, this.#width - 2, '         ');
    this.#lines(...lines.map((line) => this.#paint.dim(line)));
  }

  ordinary({ title, unguarded, guarded }: OrdinaryReport): void {
    const time = ({ answer, ms }: TimedAnswer): string =>
      answer.kind === 'done' ? `${ms.toFixed(1)} ms` : 'nothing left';
    const verdict = this.#ordinaryVerdict(guarded.answer);
    this.#lines(
      `   ${title.padEnd(26)} ${verdict}  ` +
        this.#paint.dim(`guarded ${time(guarded)}, unguarded ${time(unguarded)}`),
    );
  }

  act(act: ActReport, index: number): void {
    const { dim, bold } = this.#paint;
    this.#lines(
      ` ${dim(String(index + 1).padStart(6))}  ${bold(cut(act.sql, this.#width - 11))}`,
      this.#verdict('unguarded', lossWords(act), act.unguarded, this.#paint.red),
      this.#verdict('guarded', guardedWords(act), act.guarded, this.#guardedColour(act)),
    );
    if (!this.#refusalShown && act.guarded.answer.kind !== 'done') {
      this.#refusalShown = true;
      this.#refusal(act.guarded.answer);
    }
  }

  /** An act that went straight to the database. */
  around(act: Act, answer: Answer): void {
    const { dim, bold, green, yellow } = this.#paint;
    const words =
      answer.kind === 'done'
        ? yellow(`■ passed, ${thousands(answer.rows)} old rows kept for undo`)
        : green(cut(`■ refused by PostgreSQL: ${answer.message}`, this.#width - 9));
    this.#lines(` ${dim('direct')}  ${bold(cut(act.sql, this.#width - 11))}`, `         ${words}`);
  }

  /** The published request, as it goes out in both worlds. */
  request(host: string, body: string): void {
    const { bold, dim } = this.#paint;
    this.#lines(
      `         ${dim('POST')} ${bold(`https://${host}/graphql/v2`)}`,
      ...wrap(body, this.#width - 2, '         ').map((line) => bold(line)),
    );
  }

  volumeGone(answer: RailwayAnswer, before: VolumeLook, after: VolumeLook): void {
    const rows = before.rows - after.rows;
    const backups = before.backups - after.backups;
    const words =
      answer.kind === 'done'
        ? `✗ ${thousands(rows)} rows and ${backups} backups gone: ${answer.body}`
        : `failed: ${answer.message}`;
    this.#lines(this.#verdict('unguarded', words, answer, this.#paint.red));
  }

  railwayRefused(answer: RailwayAnswer): void {
    this.#railway(answer, "■ refused, not the agent's own; people were told");
  }

  railwayHeld(hold: string, answer: RailwayAnswer): void {
    this.#railway(answer, `■ held, ${hold}`);
  }

  #railway(answer: RailwayAnswer, words: string): void {
    const { green, red } = this.#paint;
    if (answer.kind === 'done')
      this.#lines(this.#verdict('guarded', `✗ ${answer.body}`, answer, red));
    else this.#lines(this.#verdict('guarded', words, answer, green));
  }

  /** What people see before they sign. */
  card({ hold, target, environment, foundBy, effects }: RailwayReport['card']): void {
    const { bold, cyan, dim } = this.#paint;
    this.#lines(` ${cyan('person ›')} holdfast holds show ${hold}`);
    this.#lines(`          ${bold(target)} (${environment})`);
    this.#lines(...wrap(foundBy, this.#width - 2, '          ').map((line) => dim(line)));
    for (const words of effects) this.#lines(...wrap(words, this.#width - 2, '          '));
  }

  railwayDeferred(deferral: string, hours: number): void {
    const { dim, yellow } = this.#paint;
    this.#lines(
      `         ${dim('guarded'.padEnd(10))} ${yellow(`■ deferred for ${hours.toFixed(0)} hours, ${deferral}`)}`,
    );
  }

  volumeKept({ cancelled, changes, guarded }: RailwayReport): void {
    const { green, red } = this.#paint;
    const { before, after } = guarded;
    const isKept = after.rows === before.rows && after.backups === before.backups;
    const good = cancelled && isKept && changes.length === 0;
    const what = changes.length === 0 ? 'Railway changed nothing' : `RAN: ${changes.join(', ')}`;
    this.#lines(
      `          ${good ? green('✓') : red('✗')} ${cancelled ? 'cancelled' : 'NOT CANCELLED'}; ${what}`,
      `            ${thousands(after.rows)} of ${thousands(before.rows)} rows and ` +
        `${after.backups} of ${before.backups} backups are there`,
    );
  }

  /** What passed since then, by who did it. */
  undoList(since: string, actors: UndoReport['actors']): void {
    const { cyan, dim } = this.#paint;
    this.#lines(` ${cyan('person ›')} holdfast undo list --since ${since}`);
    for (const { who, items, rows } of actors) {
      const what = `${items} transactions, ${thousands(rows)} old rows kept`;
      this.#lines(`          ${who.padEnd(16)} ${dim(what)}`);
    }
  }

  /** The code is asked for where nobody sees it. */
  personTypes(command: string): void {
    const { cyan, dim } = this.#paint;
    this.#lines(
      ` ${cyan('person ›')} ${command}`,
      `          ${dim('code from the phone: ······')}`,
    );
  }

  undone({ actors, items, rowsAfter, rowsLost, seconds, undone }: UndoReport): void {
    const { bold, green, red } = this.#paint;
    const who = actors.map((one) => `${one.items} by ${one.who}`).join(', ');
    this.#lines(
      `          ${undone ? green('✓') : red('✗')} ${bold(`${items} transactions undone`)} (${who})`,
      `            in one transaction, ${seconds.toFixed(1)} s: ${thousands(rowsLost)} rows were gone, ` +
        `${thousands(rowsAfter)} are there`,
      `            ${undone ? 'checksums over every value equal those of before' : red('CHECKSUMS DIFFER')}`,
    );
  }

  /** In Holdfast's own words, also where they are not flattering. */
  recovery({ because, colour, doesNotProtectFrom, drill, ...told }: RecoveryReport): void {
    const { bold, cyan, dim, green, red, yellow } = this.#paint;
    const paint = { green, amber: yellow }[colour] ?? red;
    const secondsOf = (ms: number | null): string =>
      ms === null ? 'not known' : `${(ms / 1000).toFixed(1)} s`;
    const points = told.points === 1 ? 'one point' : `${told.points} points`;
    this.#lines(
      ` ${cyan('person ›')} holdfast recovery status`,
      `          ${paint('●')} ${bold(`recovery of production: ${colour}`)}, ${points} outside the volume`,
    );
    const part = (mark: string, text: string): void => {
      const [first = '', ...rest] = wrap(text, this.#width - 14, '');
      this.#lines(`            ${mark} ${first}`, ...rest.map((line) => `              ${line}`));
    };
    const isWell = drill?.verdict === 'passed';
    for (const said of drill?.checks ?? ['No point was tried in a drill.']) {
      part(isWell ? green('✓') : red('✗'), said);
    }
    part(
      dim('·'),
      `would take ${secondsOf(told.wouldTakeMs)}, would lose the last ${secondsOf(told.wouldLoseMs)}`,
    );
    for (const said of because) part(yellow('○'), said);
    for (const said of doesNotProtectFrom) part(yellow('○'), `does not protect from ${said}`);
  }

  rows(rows: BothRows): void {
    if (!this.#live) return;
    this.#panel = ['', ...panelLines(rows, this.#paint, this.#width)];
    this.#redraw([]);
  }

  result(report: DemoReport, rows: BothRows): void {
    const { bold, green, red } = this.#paint;
    const { unguarded, guarded, trail } = report;
    this.#panel = [];
    this.chapter('What is left');
    this.#lines(...panelLines(rows, this.#paint, this.#width), '');
    const say = (good: boolean, what: string, words: string): void =>
      this.#lines(` ${good ? green('✓') : red('✗')} ${bold(what.padEnd(10))} ${words}`);
    const lost = unguarded.rowsBefore - unguarded.rowsAfter;
    say(
      lost === 0,
      'unguarded',
      `${thousands(lost)} of ${thousands(unguarded.rowsBefore)} rows gone`,
    );
    const kept = `${thousands(guarded.rowsAfter)} of ${thousands(guarded.rowsBefore)} rows kept, `;
    const content = guarded.contentUnchanged ? 'no value changed' : 'VALUES CHANGED';
    const fine = guarded.contentUnchanged && guarded.rowsAfter === guarded.rowsBefore;
    say(fine, 'guarded', `${kept}${content}`);
    const { around, railway, recovery, undo } = report;
    say(
      railway.changes.length === 0 && railway.cancelled,
      'volume',
      `${railway.guarded.after.backups} backups kept; held after ${report.secondsToHold.toFixed(2)} s ` +
        '(the incident took nine)',
    );
    say(guarded.held > 0, 'held', `${guarded.held} acts wait for a person`);
    say(
      around.refused.length > 0,
      'refused',
      `${around.refused.length} acts, by PostgreSQL itself`,
    );
    say(undo.undone, 'undone', `${undo.items} acts that passed, old rows kept and put back`);
    const isBack = recovery.drill?.verdict === 'passed';
    const came = isBack ? 'came back in a drill' : 'DID NOT COME BACK IN A DRILL';
    say(isBack, 'vault', `a recovery point ${came}; ${recovery.colour}, since it is on this host`);
    const verified = trail.verified ? 'verified' : 'DOES NOT VERIFY';
    say(trail.verified, 'trail', `${thousands(trail.entries)} entries, ${verified}`);
    for (const words of shortfalls(report)) say(false, 'not kept', words);
    this.#lines('', ` ${this.#paint.dim(`${report.seconds.toFixed(1)} s in all`)}`);
  }

  /** Text to copy stands whole on its own line, however long, so that it can be copied. */
  sections(chapter: string, sections: readonly Section[]): void {
    this.chapter(chapter);
    for (const { title, lines } of sections) {
      this.#lines('', ` ${this.#paint.bold(title)}`, ...lines.map((line) => `   ${line}`));
    }
  }

  /** Until then it stays up. */
  staysUp(): void {
    this.#lines(
      '',
      ` ${this.#paint.dim('Ctrl-C stops everything and leaves no process behind.')}`,
      '',
    );
  }

  /** The last words; what still comes from work that was cut short is not shown. */
  goodbye(): void {
    this.#panel = [];
    this.#lines('', ` ${this.#paint.dim('Stopping ...')}`);
    this.#silent = true;
  }

  #ordinaryVerdict(answer: Answer): string {
    const { green, red } = this.#paint;
    if (answer.kind === 'done') return green('passed');
    return red(`${answer.kind}: ${cut(answer.message, 40)}`);
  }

  #guardedColour({ guarded }: ActReport): (text: string) => string {
    return guarded.answer.kind === 'done' ? this.#paint.yellow : this.#paint.green;
  }

  #verdict(
    world: string,
    words: string,
    timed: { readonly ms: number },
    colour: (text: string) => string,
  ): string {
    const time = `${timed.ms.toFixed(0)} ms`;
    const text = cut(words, this.#width - 24 - time.length);
    const gap = ' '.repeat(Math.max(1, this.#width - 23 - text.length - time.length));
    const { dim } = this.#paint;
    return `         ${dim(world.padEnd(10))} ${colour(text)}${gap}${dim(time)}`;
  }

  #refusal(answer: Exclude<Answer, { kind: 'done' }>): void {
    const { dim } = this.#paint;
    this.#lines(`         ${dim('what the agent reads:')}`);
    const part = (label: string, text: string): void => {
      if (text === '') return;
      const [first = '', ...rest] = wrap(text, this.#width - 22, '');
      this.#lines(
        `           ${dim(`${label.padEnd(7)} ${first}`)}`,
        ...rest.map((line) => `                   ${dim(line)}`),
      );
    };
    part('ERROR', answer.message);
    part('DETAIL', answer.detail);
    part('HINT', answer.hint);
  }

  #lines(...lines: readonly string[]): void {
    this.#redraw(lines);
  }

  /** Takes the panel away, adds the lines, puts the panel back below them. */
  #redraw(lines: readonly string[]): void {
    if (this.#silent) return;
    const away = this.#shown > 0 ? `\x1b[${this.#shown}A\x1b[0J` : '';
    this.#shown = this.#panel.length;
    this.#out.write(`${away}${[...lines, ...this.#panel].map((line) => `${line}\n`).join('')}`);
  }
}

function lossWords({ unguarded }: ActReport): string {
  const { answer, rowsLost } = unguarded;
  if (answer.kind !== 'done') return `failed: ${answer.message}`;
  if (rowsLost > 0) return `✗ ${thousands(rowsLost)} rows gone`;
  if (answer.rows > 0) return `✗ ${thousands(answer.rows)} rows overwritten`;
  return 'done, nothing lost';
}

function guardedWords({ guarded: { answer, rowsLost } }: ActReport): string {
  if (answer.kind === 'held') return `■ held, ${answer.holdId}`;
  if (answer.kind === 'failed') return `■ refused, ${answer.message}`;
  return `■ passed, ${thousands(rowsLost > 0 ? rowsLost : answer.rows)} old rows kept for undo`;
}
