/**
 * The report as one file of HTML: no script, nothing from elsewhere (its own policy forbids both), made to be
 * read, printed and kept. Everything that was read goes through `html`, which makes it text.
 *
 * First whether the record holds, then the report in a few sentences, then each target, people and agents,
 * incidents, and how to check all of it.
 */
import { INCIDENT_WORDS } from '../incident-words.ts';
import type { DrillLine, ReliabilityReport, Source, TargetFigures } from '../report-shape.ts';
import { type Sentence, summaryOf } from '../summary.ts';
import {
  bytesWords,
  countWords,
  momentWords,
  plural,
  promiseWords,
  sourceWords,
  spanWords,
  timeWords,
} from '../words.ts';
import { lineChart, lossChart } from './charts.ts';
import { html, type Markup, raw } from './markup.ts';
import { STYLE } from './style.ts';

/** Lines of a table on paper; all of them are in the JSON. */
const DRILLS_SHOWN_MAX = 31;
const INCIDENTS_SHOWN_MAX = 200;
const DAYS_SHOWN_MAX = 62;
const RULES_SHOWN_MAX = 15;
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** The same for every report: what is sent while the trail is read. */
export function pageHead(): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<title>Reliability report</title>
<style>${raw(STYLE)}</style>
</head>
`.text;
}

export function pageBody(report: ReliabilityReport): string {
  return html`<body>
<header>
<h1>Reliability report</h1>
<p class="sub">${periodWords(report)}</p>
<p class="sub">${report.target === null ? 'All targets' : `For the target ${report.target}`}, made ${timeWords(report.madeAt)} UTC. Times are UTC. Every figure is counted from the record that Holdfast keeps, and says from which entries.</p>
</header>
<main>
${recordBox(report)}
<section><h2>In short</h2><ul class="short">${summaryOf(report).slice(1).map(sentence)}</ul></section>
${report.targets.map((one) => targetSection(one, report))}
${peopleSection(report)}
${incidentSection(report)}
${checkSection(report)}
</main>
</body>
</html>
`.text;
}

export function pageOf(report: ReliabilityReport): string {
  return pageHead() + pageBody(report);
}

export function periodWords({ period, trail }: ReliabilityReport): string {
  const words = `From ${momentWords(period.from)} until before ${momentWords(period.to)} (UTC)`;
  const begins = trail.beginsAt === null ? '' : ` The record begins ${timeWords(trail.beginsAt)}.`;
  return `${words}.${begins}${trail.isOver ? '' : ' The period was not over.'}`;
}

function recordBox({ trail }: ReliabilityReport): Markup {
  const read = `${plural(trail.to - trail.from, 'entry', 'entries')} were read`;
  if (trail.ok) {
    return html`<div class="box good"><strong>✓ The record holds.</strong><p>${read} and held against ${plural(trail.checkpoints, 'signed checkpoint')}; all of them are as they were signed.${leftWords(trail)}</p></div>`;
  }
  const found = trail.findings
    .slice(0, 10)
    .map(({ index, message }) => html`<li>${index === null ? '' : `at ${index}: `}${message}</li>`);
  return html`<div class="box bad" role="alert"><strong>▲ The record does not hold. Do not rely on any figure below.</strong><p>${read}, and they do not fit what was signed (${plural(trail.findingCount, 'finding')}):</p><ul>${found}</ul><p>Export what is there (holdfast trail export), keep it, and find out who wrote to the database.${leftWords(trail)}</p></div>`;
}

function leftWords({ timeStepsBack, unreadable, unsigned }: ReliabilityReport['trail']): string {
  const words = [
    unsigned === 0
      ? ''
      : ` ${plural(unsigned, 'newer entry is', 'newer entries are')} not signed yet and counted nowhere.`,
    unreadable === 0
      ? ''
      : ` ${plural(unreadable, 'entry', 'entries')} could not be read and are counted nowhere.`,
    timeStepsBack === 0
      ? ''
      : ` ${plural(timeStepsBack, 'time')} the clock of an entry was behind the one before: entries near the ends may be in another period.`,
  ];
  return words.join('');
}

const MARKS = { good: '✓', bad: '▲', plain: '○' } as const;

function sentence({ is, text }: Sentence): Markup {
  return html`<li class="${is}"><span class="mark">${MARKS[is]}</span>${text}</li>`;
}

/** What it is, how it is, from which entries. */
type Row = readonly [what: string, value: string, source: Source | null];

function figureTable(rows: readonly Row[]): Markup {
  const lines = rows.map(
    ([what, value, source]) =>
      html`<tr><th scope="row">${what}</th><td>${value}</td><td class="from">${source === null ? '' : sourceWords(source)}</td></tr>`,
  );
  return html`<table><thead><tr><th scope="col">what</th><th scope="col">figure</th><th scope="col">counted from</th></tr></thead><tbody>${lines}</tbody></table>`;
}

function targetSection(figures: TargetFigures, { period }: ReliabilityReport): Markup {
  const { drills, points, promise, proofs, rpo, rto, target } = figures;
  const span = (ms: number | null): string => (ms === null ? 'not in the record' : spanWords(ms));
  const promised = (of: 'rpoMs' | 'rtoMs'): string =>
    promise === null
      ? 'what was promised is not in the record'
      : `promised: ${promiseWords(promise, of)}`;
  const phases = drills.phases;
  const rows: Row[] = [
    ['Could have been lost, at worst', `${span(rpo.worstMs)}, ${promised('rpoMs')}`, rpo.source],
    [
      'Looks over the promise of their time',
      `${countWords(rpo.late)} of ${countWords(rpo.looks)}; at ${countWords(rpo.without)} nothing reached a vault`,
      rpo.source,
    ],
    [
      'How it stood, by looks',
      `${countWords(rpo.colours.green)} green, ${countWords(rpo.colours.amber)} amber, ${countWords(rpo.colours.red)} red`,
      rpo.source,
    ],
    ['Time that nobody measured', spanWords(rpo.unmeasuredMs), rpo.source],
    ['Time to come back, at worst', `${span(rto.worstMs)}, ${promised('rtoMs')}`, rto.source],
    [
      'Rehearsals slower than was promised at their time',
      `${countWords(rto.late)}${rto.unjudged === 0 ? '' : `; of ${countWords(rto.unjudged)} the record does not say what was promised`}`,
      rto.source,
    ],
    [
      'Time to come back, half of them within',
      `${span(rto.medianMs)}; the newest ${span(rto.newestMs)}`,
      rto.source,
    ],
    [
      'Rehearsed restores',
      `${countWords(drills.passed)} passed, ${countWords(drills.failed)} failed, ${countWords(drills.notRun)} not carried through`,
      drills.source,
    ],
    [
      'Their parts, half of them within',
      phases === null
        ? 'not in the record'
        : `fetch ${spanWords(phases.fetchMs)}, restore ${spanWords(phases.restoreMs)}, replay ${spanWords(phases.replayMs)}, first query ${spanWords(phases.firstQueryMs)}, checks ${spanWords(phases.checkMs)}`,
      drills.source,
    ],
    [
      'Attempts to destroy what is kept',
      `${countWords(proofs.proven)} proven (none could), ${countWords(proofs.refuted)} refuted (one could), ${countWords(proofs.unknown)} could not be told`,
      proofs.source,
    ],
    [
      'Recovery points',
      `${countWords(points.taken)} taken (${bytesWords(points.bytes)}), ${countWords(points.failed)} could not be`,
      points.source,
    ],
  ];
  return html`<section><h2>Target ${target}</h2>${lossChart(figures, period)}${lineChart(figures, period)}${figureTable(rows)}${drillTable(drills)}${proofTable(proofs)}</section>`;
}

const DRILL_WORDS = {
  passed: ['✓ passed', 'good'],
  failed: ['▲ failed', 'bad'],
  'could-not-run': ['○ not carried through', ''],
} as const;

/** What did not pass first goes onto paper, and the newest of the rest. */
function drillTable({ list, unlisted }: TargetFigures['drills']): Markup | null {
  if (list.length === 0) return null;
  const bad = list.filter(({ verdict }) => verdict !== 'passed').slice(0, DRILLS_SHOWN_MAX);
  const room = DRILLS_SHOWN_MAX - bad.length;
  const good = room === 0 ? [] : list.filter(({ verdict }) => verdict === 'passed').slice(-room);
  const shown = [...bad, ...good].toSorted((a, b) => a.entry - b.entry);
  const lines = shown.map((drill: DrillLine) => {
    const [words, is] = DRILL_WORDS[drill.verdict];
    const time = drill.rtoMs === null ? '' : spanWords(drill.rtoMs);
    return html`<tr><td class="time">${timeWords(drill.at)}</td><td class="is ${is}">${words}</td><td>${drill.vault}</td><td class="num">${time}</td><td>${drill.reason ?? ''}</td><td class="num">${drill.entry}</td></tr>`;
  });
  const left = list.length - shown.length + unlisted;
  return html`<h3>Rehearsed restores</h3><table><thead><tr><th scope="col">when</th><th scope="col">how it ended</th><th scope="col">vault</th><th scope="col" class="num">took</th><th scope="col">why</th><th scope="col" class="num">entry</th></tr></thead><tbody>${lines}</tbody></table>${leftNote(left)}`;
}

function proofTable({ days, unlisted }: TargetFigures['proofs']): Markup | null {
  if (days.length === 0) return null;
  const shown = days.slice(-DAYS_SHOWN_MAX);
  const lines = shown.map(
    ({ day, first, last, proven, refuted, unknown, vault }) =>
      html`<tr><td class="time">${day}</td><td>${vault}</td><td class="num">${proven}</td><td class="num">${refuted}</td><td class="num">${unknown}</td><td class="num">${first === last ? String(first) : `${first} to ${last}`}</td></tr>`,
  );
  return html`<h3>Attempts to destroy what is kept, by day</h3><table><thead><tr><th scope="col">day</th><th scope="col">vault</th><th scope="col" class="num">proven</th><th scope="col" class="num">refuted</th><th scope="col" class="num">unknown</th><th scope="col" class="num">entry</th></tr></thead><tbody>${lines}</tbody></table>${leftNote(days.length - shown.length + unlisted)}`;
}

function leftNote(left: number): Markup | null {
  if (left === 0) return null;
  return html`<p class="sub">${countWords(left)} more are counted above and not shown here: holdfast report --json, holdfast trail.</p>`;
}

function peopleSection(report: ReliabilityReport): Markup {
  const { decisions, holds, refusals, restores, tokens, undo } = report;
  const { longestMs, medianMs, p90Ms, untimed } = holds.waiting;
  const { oldest } = tokens;
  const waited =
    medianMs === null || p90Ms === null || longestMs === null
      ? 'nobody waited'
      : `half within ${spanWords(medianMs)}, nine of ten within ${spanWords(p90Ms)}, the longest ${spanWords(longestMs)}`;
  const age =
    oldest === null
      ? 'none was alive'
      : `${spanWords(oldest.ageMs)}: ${oldest.token} of ${oldest.agent}, issued by entry ${oldest.issuedEntry}${oldest.revokedEntry === null ? '' : `, revoked by entry ${oldest.revokedEntry}`}${oldest.isAlive ? ', alive at the end' : ''}`;
  const rows: Row[] = [
    [
      'Acts of agents decided',
      `${countWords(decisions.forward)} passed, ${countWords(decisions.protect)} passed and can be taken back, ${countWords(decisions.hold)} waited for people, ${countWords(decisions.refuse)} refused`,
      decisions.source,
    ],
    [
      'Acts that waited for people',
      `${countWords(holds.opened)} asked; ${countWords(holds.approved)} approved, ${countWords(holds.denied)} denied, ${countWords(holds.expired)} ran out, ${countWords(holds.voided)} void because something changed`,
      holds.source,
    ],
    [
      'How long an answer took',
      `${waited}${untimed === 0 ? '' : `; ${countWords(untimed)} were asked before the record that was read`}`,
      holds.source,
    ],
    [
      'Taken back',
      `${plural(undo.applied, 'time')}: ${plural(undo.items, 'item')}, ${plural(undo.rows, 'row')}, ${undo.conflicts === null ? 'conflicts not in the record' : plural(undo.conflicts, 'conflict')}; ${countWords(undo.partly)} in part`,
      undo.source,
    ],
    [
      'Restores beside a target',
      `${countWords(restores.came)} to look at, ${countWords(restores.writtenBack)} written back, ${countWords(restores.promoted)} promoted: ${restores.rows === null ? 'rows not in the record' : plural(restores.rows, 'row')}; ${countWords(restores.failed)} did not come back, ${countWords(restores.outOfReach)} asked for what is not there or into a folder that was not empty`,
      restores.source,
    ],
    [
      'Tokens of agents',
      `${countWords(tokens.issued)} issued, ${countWords(tokens.revoked)} revoked`,
      tokens.source,
    ],
    ['The oldest token', age, tokens.source],
  ];
  const shown = refusals.rules.slice(0, RULES_SHOWN_MAX);
  const rules = shown.map(
    ({ entries, first, last, rule }) =>
      html`<tr><td><code>${rule}</code></td><td class="num">${countWords(entries)}</td><td class="from">${first === last ? `entry ${first}` : `${first} to ${last}`}</td></tr>`,
  );
  const refused =
    refusals.total === 0
      ? null
      : html`<h3>Refused, by rule</h3><table><thead><tr><th scope="col">rule</th><th scope="col" class="num">times</th><th scope="col">entries</th></tr></thead><tbody>${rules}</tbody></table>${leftNote(refusals.total - shown.reduce((sum, { entries }) => sum + entries, 0))}`;
  return html`<section><h2>Agents and people</h2>${figureTable(rows)}${refused}</section>`;
}

function incidentSection({ incidents }: ReliabilityReport): Markup {
  if (incidents.total === 0) {
    return html`<section><h2>Incidents</h2><p>None of the kinds that count as one is in the record.</p></section>`;
  }
  const kinds = incidents.kinds.map(
    ({ kind, source }): Row => [INCIDENT_WORDS[kind], countWords(source.entries), source],
  );
  const shown = incidents.list.slice(0, INCIDENTS_SHOWN_MAX);
  const lines = shown.map(
    ({ at, entry, kind, target, words }) =>
      html`<tr><td class="time">${timeWords(at)}</td><td>${INCIDENT_WORDS[kind]}${target === null ? '' : `: ${target}`}</td><td>${words}</td><td class="num">${entry}</td></tr>`,
  );
  return html`<section><h2>Incidents</h2>${figureTable(kinds)}<table><thead><tr><th scope="col">when</th><th scope="col">what</th><th scope="col">as the record says it</th><th scope="col" class="num">entry</th></tr></thead><tbody>${lines}</tbody></table>${leftNote(incidents.total - shown.length)}</section>`;
}

function checkSection({ digest, notInTrail, trail }: ReliabilityReport): Markup {
  const { period } = trail;
  const missing = notInTrail.map((words) => html`<li>${words}</li>`);
  const note =
    trail.checkpoint === null
      ? html`<p>Nothing is signed.</p>`
      : html`<p>The signed checkpoint at the end of what was read:</p><pre>${trail.checkpoint}</pre>`;
  const of =
    period.first === null
      ? 'none'
      : `${countWords(period.entries)}, ${period.first} to ${period.last}`;
  return html`<section><h2>The record, and how to check this</h2>
<p>Read and held against the checkpoints: entries ${trail.from} to ${Math.max(trail.from, trail.to - 1)} of ${trail.origin}, with ${plural(trail.decisions, 'decision')}, ${plural(trail.outcomes, 'outcome')}, ${countWords(trail.open)} still open. Entries of the period: ${of}. Older ones were read for what was open when it began.</p>
<table class="keep"><tbody><tr><th scope="row">root</th><td><code>${trail.root}</code></td></tr><tr><th scope="row">key</th><td><code>${trail.key}</code></td></tr><tr><th scope="row">digest of this report</th><td><code>${digest}</code></td></tr></tbody></table>
${note}
<p>On a machine that you trust, with the key as you have it from elsewhere:</p>
<pre>holdfast trail export --from ${trail.from} --out trail.jsonl
holdfast-verify trail.jsonl --key '${trail.key}'</pre>
<p>The figures with the kinds of entries that each is counted from are in holdfast report --json; the digest is the SHA-256 of its canonical JSON without the digest itself.</p>
<h3>Not in the record</h3><ul>${missing}</ul></section>`;
}
