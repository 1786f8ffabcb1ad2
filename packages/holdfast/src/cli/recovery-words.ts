/** What `holdfast recovery` and `doctor` say of a target: reports, drills, proofs and progress, for people. */

import type { Progress } from '../recovery/engines/engine.ts';
import { countedOf, notCounted } from '../recovery/point-seal.ts';
import { secondsLeft } from '../recovery/progress.ts';
import type { TargetReport, VaultReport } from '../recovery/target-report.ts';
import type { ProofWords, WorkResult } from '../recovery/work.ts';
import { spanWords } from '../trail/report/words.ts';
import { fromNow, oneLine, type Paint, spanOf, when } from './print.ts';
import { bytesWords } from './vault-words.ts';

type Drill = NonNullable<VaultReport['lastDrill']>;

const POINTS_SHOWN = 5;

export function reportLines(report: TargetReport, now: Date, paint: Paint): string[] {
  const { because, colour, isRunning, promise, rpoMs, rtoMs, target, vaults } = report;
  const { outside, proven } = report;
  // It was looked at before now, whatever the clocks say.
  const ago = fromNow(new Date(Math.min(Date.parse(report.at), now.getTime())), now);
  return [
    `${coloured(colour, paint)} ${paint.bold(target)}: ${colour}`,
    ...because.map((sentence) => `  ${paint.yellow('○')} ${oneLine(sentence)}`),
    `  newest proven  ${proven === null ? 'none' : `${proven.point} in ${proven.vault}, ${fromNow(new Date(proven.at), now)}`}`,
    `  of it outside  ${outside === null ? 'none' : `${outside.point} in ${outside.vault}`}`,
    `  would lose     ${rpoMs === null ? 'not known' : spanWords(rpoMs)} (promised: ${spanOf(promise.rpoMs)})`,
    `  would take     ${rtoMs === null ? 'not known' : spanWords(rtoMs)} (promised: ${spanOf(promise.rtoMs)})`,
    `  looked at      ${isRunning ? `by the gateway, ${ago}` : `${ago}; no gateway streams WAL`}`,
    ...vaults.flatMap((vault) => vaultLines(target, vault, because, now, paint)),
  ];
}

/** What is said above already is not said once more. */
function vaultLines(
  target: string,
  vault: VaultReport,
  because: readonly string[],
  now: Date,
  paint: Paint,
): string[] {
  const { colour, gapDrill, kind, lastDrill, name, newestWalAt, proof, window } = vault;
  const points = countedOf(vault.points);
  const earlier = points.length - POINTS_SHOWN;
  return [
    '',
    `  ${coloured(colour, paint)} vault ${paint.bold(name)} (${kind}): ${colour}`,
    ...vault.protectsFrom.map((words) => `    protects from ${oneLine(words)}`),
    ...vault.doesNotProtectFrom.map(
      (words) => `    ${paint.yellow('does not protect from')} ${oneLine(words)}`,
    ),
    ...vault.troubles
      .filter((words) => !because.includes(`${name}: ${words}`))
      .map((words) => `    ${paint.red('!')} ${oneLine(words)}`),
    ...vault.hints.map((words) => `    ${paint.bold('→')} ${oneLine(words)}`),
    `    newest WAL  ${newestWalAt === null ? 'none' : fromNow(new Date(newestWalAt), now)}`,
    ...(window === null ? [] : [`    window      ${windowWords(window)}`]),
    ...vault.gaps
      .slice(-GAPS_SHOWN)
      .map((gap) => `    but not     ${windowWords(gap)}: what was streamed then is missing`),
    ...(points.length === 0 ? ['    points      none'] : []),
    ...(earlier > 0 ? [`    points      ${earlier} earlier ones`] : []),
    ...points.slice(-POINTS_SHOWN).flatMap((point) => {
      const { fullBecause, id, prior } = point;
      const on = prior ? [`                on ${oneLine(prior)}`] : [];
      const isNewest = id === points.at(-1)?.id;
      const why = isNewest && fullBecause ? [`                whole: ${oneLine(fullBecause)}`] : [];
      return [`    point       ${pointWords(point, now)}`, ...on, ...why];
    }),
    ...(gapDrill ? [gapDrillLine(gapDrill, now)] : []),
    ...(lastDrill === null ? [] : drillLines(lastDrill, paint).map((line) => `    ${line}`)),
    proof === null
      ? '    proof       none was made'
      : `    proof       ${proof.verdict} ${fromNow(new Date(proof.at), now)}: ${oneLine(proof.why)}`,
    ...(proof?.control
      ? [`    lock        ${proof.control.verdict}: ${oneLine(proof.control.why)}`]
      : []),
    ...otherLines(target, vault, now, paint),
  ];
}

function gapDrillLine({ from, point }: NonNullable<VaultReport['gapDrill']>, now: Date): string {
  const at = new Date(from);
  return `    drill due   of ${oneLine(point)}, because of a gap${at <= now ? '' : `, from ${when(at)} on`}`;
}

const GAPS_SHOWN = 3;
const OTHERS_SHOWN = 3;

/** Apart from what counts, and never mixed with it. */
function otherLines(
  target: string,
  { name, others, points }: VaultReport,
  now: Date,
  paint: Paint,
): string[] {
  const shown = points
    .filter(({ seal }) => notCounted(seal) !== null)
    .slice(-OTHERS_SHOWN)
    .map((point) => `    of before   ${pointWords(point, now)}`);
  if (others === null) return shown;
  const { foreign, newest, points: count, records } = others;
  const asked = `${target} --vault ${name} --point ${oneLine(newest)}`;
  const from = paint.bold(`${pointsWords(count)} from before the first of this installation`);
  return [
    `    not counted ${from}`,
    ...(foreign === 0 ? [] : [`                ${pointsWords(foreign)} of another installation, or of somebody who says so: the key is not here`]),
    ...(foreign === count ? [] : [`                ${pointsWords(count - foreign)} of this installation, taken into another vault`]),
    ...(records === 0 ? [] : [`                beside ${records} drills and proofs that nobody here can tell, either`]),
    `    they reach  ${windowWords(others)}, by their own words and as far as a listing tells`,
    ...shown,
    `    to try one  holdfast recovery drill ${asked}`,
    `    bring back  holdfast restore ${asked} --diff`,
  ]; // biome-ignore format: one line as it is printed
}

function pointsWords(count: number): string {
  return count === 1 ? '1 point' : `${count} points`;
}

function windowWords({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${when(new Date(from))} to ${when(new Date(to))}`;
}

function pointWords(point: VaultReport['points'][number], now: Date): string {
  const { bytes, endedAt, id, seal } = point;
  const age = fromNow(new Date(endedAt), now);
  const said = [drillWords(point, now), ...SEALS[seal]].join('  ');
  return `${oneLine(id)}  ${age}  ${bytesWords(bytes)}  ${said}`;
}

const DRILLED = { passed: 'passed', failed: 'FAILED', 'could-not-run': 'could not run' } as const;

/** Whose it is, where that is not plain. */
const SEALS = {
  ours: [],
  none: ['from before seals'],
  elsewhere: ['of another vault'],
  foreign: ['sealed with a key that is not here'],
  broken: ['not ours'],
} as const;

function drillWords(
  { drill, drilledAt, seal }: Pick<VaultReport['points'][number], 'drill' | 'drilledAt' | 'seal'>,
  now: Date,
): string {
  // What nobody here can vouch for came back, and is proof of nothing.
  const shown = notCounted(seal) === null ? 'proven' : 'came back';
  const proven =
    drilledAt === null ? null : `${shown} ${fromNow(new Date(drilledAt), now)} by a drill`;
  if (drill === 'passed' && proven !== null) return proven;
  if (drill === null) return 'no drill of this point has passed';
  return [`drill ${DRILLED[drill]}`, ...(proven === null ? [] : [proven])].join(', ');
}

const NOT_COMPARED = 'No witness lies beside it: nobody compared how many rows came back.';
const NOT_COUNTED_WORDS = {
  foreign:
    'The point is sealed with a key that is not here: of another installation, or of somebody who says so. Whatever came back, it counts for nothing here; look whether it is what you know.',
  elsewhere: 'The point was taken into another vault: its drill counts for nothing in this one.',
} as const;

export function drillLines(drill: Drill, paint: Paint): string[] {
  const { checks, goal, phases, point, rpoMs, rtoMs, verdict } = drill;
  const mark = verdict === 'passed' ? paint.green('✓') : paint.red('✗');
  const isCompared = checks.some(({ name }) => name === 'tables');
  const aim =
    goal.at !== null ? `at ${goal.at}` : goal.lsn !== null ? `at ${goal.lsn}` : 'to the newest WAL';
  const parts =
    phases === null
      ? []
      : [
          `  fetched ${spanWords(phases.fetchMs)}, restored ${spanWords(phases.restoreMs)}, replayed ${spanWords(phases.replayMs)}, first answer ${spanWords(phases.firstQueryMs)}, checked ${spanWords(phases.checkMs)}`,
          `  came back in ${rtoMs === null ? 'a time not known' : spanWords(rtoMs)}${rpoMs === null ? '' : `, newest commit ${spanWords(rpoMs)} before the goal`}`,
        ];
  return [
    `${mark} drill ${drill.id} of ${point}, ${aim}: ${DRILLED[verdict]}`,
    ...(drill.seal === undefined
      ? []
      : [NOT_COUNTED_WORDS[drill.seal], ...(isCompared ? [] : [NOT_COMPARED])].map(
          (words) => `  ${paint.yellow('○')} ${words}`,
        )),
    ...parts,
    ...checks.map(
      ({ end, name, said }) =>
        `  ${end === 'passed' ? paint.green('✓') : paint.red('✗')} ${name}: ${oneLine(said)}`,
    ),
  ];
}

export function proofLines(vault: string, proof: ProofWords, paint: Paint): string[] {
  const mark = proof.verdict === 'PROVEN' ? paint.green('✓') : paint.red('✗');
  return [
    `${mark} ${paint.bold(vault)}: ${proof.verdict}. ${oneLine(proof.why)}`,
    ...proof.credentials.flatMap(({ acts, kind, name, verdict, why }) => [
      `  ${oneLine(name)} (${oneLine(kind)}): ${verdict}. ${oneLine(why)}`,
      ...acts.map(
        ({ answer, outcome, words }) => `    ${outcome}: ${oneLine(words)} (${oneLine(answer)})`,
      ),
    ]),
    ...(proof.control === null
      ? []
      : [`  lock: ${proof.control.verdict}. ${oneLine(proof.control.why)}`]),
    ...proof.sameAs.map((words) => `  ${paint.yellow('○')} ${oneLine(words)}`),
    ...proof.sameBlastRadius.map((words) => `  ${paint.dim(oneLine(words))}`),
    `  ${proof.isOutside ? 'Outside the blast radius of the target.' : 'Not shown to be outside the blast radius of the target.'}`,
  ];
}

export function resultLines(result: WorkResult, paint: Paint): string[] {
  const { drill, notKept, point, proof, vault } = result;
  return [
    ...(point === null
      ? []
      : [
          `${paint.green('✓')} recovery point ${paint.bold(point.id)} in ${vault}, ${bytesWords(point.bytes)}`,
        ]),
    ...(drill === null ? [] : drillLines(drill, paint)),
    ...(proof === null ? [] : proofLines(vault, proof, paint)),
    ...(notKept === null
      ? []
      : [`${paint.yellow('○')} It is in the trail and not in ${vault}: ${oneLine(notKept)}`]),
  ];
}

/** `backup  40 %  310 MB of 780 MB  95 MB/s  5 s left`. */
export function progressWords(progress: Progress): string {
  const { bytesPerSecond, doneBytes, phase, totalBytes } = progress;
  const left = secondsLeft(progress);
  const share =
    totalBytes === null || totalBytes === 0
      ? null
      : `${Math.min(100, Math.floor((100 * doneBytes) / totalBytes))} %`;
  const parts = [
    phase,
    share,
    totalBytes === null
      ? bytesWords(doneBytes)
      : `${bytesWords(doneBytes)} of ${bytesWords(totalBytes)}`,
    bytesPerSecond > 0 ? `${bytesWords(Math.round(bytesPerSecond))}/s` : null,
    left === null ? null : `${Math.ceil(left)} s left`,
  ];
  return parts.filter((part) => part !== null).join('  ');
}

/** Of a target that has no `recovery`. */
export function withoutLine(name: string, paint: Paint): string {
  return `${paint.yellow('○')} ${oneLine(name)}: no recovery points (no \`recovery\` in holdfast.yaml)`;
}

export function coloured(colour: TargetReport['colour'], paint: Paint): string {
  return { green: paint.green('●'), amber: paint.yellow('●'), red: paint.red('●') }[colour];
}
