/**
 * Points, drills and proofs of each vault over time, drawn; the same as a table beneath, for whoever reads
 * rather than looks. Shapes differ with what they mean, and not only their colours.
 */
import type { ReactNode } from 'react';
import type { Answer } from '../../api/client.ts';
import { plural } from '../../lib/measures.ts';
import { utcTime } from '../../lib/times.ts';
import { Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { OtherPoints } from './other-points.tsx';
import { PointsTable } from './points-table.tsx';
import { DRILLED, isCounted, type Report, shortSpan, type VaultReport } from './words.ts';

const WIDTH = 640;
const ROW = 26;
const LEFT = 74;
const RIGHT = 14;
const ROWS_SHOWN = 10;

export function Timeline({
  report,
  shown,
}: {
  readonly report: Report;
  readonly shown: Answer<'recovery.show'>;
}): ReactNode {
  return (
    <Panel title="Points and drills over time">
      {report.vaults.map((vault) => (
        <div key={vault.name} className="grid grid-cols-[minmax(0,1fr)] gap-3">
          <VaultTimeline vault={ownOf(vault)} until={report.at} promise={report.promise} />
          <OtherPoints shown={shown} vault={vault} />
        </div>
      ))}
    </Panel>
  );
}

/** Without what does not count: that is shown apart. */
function ownOf(vault: VaultReport): VaultReport {
  return { ...vault, points: vault.points.filter(({ seal }) => isCounted(seal)) };
}

interface VaultTimelineProps {
  readonly vault: VaultReport;
  readonly until: string;
  readonly promise: Report['promise'];
}

function VaultTimeline({ promise, until, vault }: VaultTimelineProps): ReactNode {
  const { history, name, points, window } = vault;
  const newest = points.slice(-ROWS_SHOWN).reverse();
  return (
    <section aria-label={`vault ${name}`} className="grid gap-2">
      <h3 className="flex flex-wrap items-baseline gap-2">
        <Text text={name} className="font-mono" />
        <span className="text-[0.87rem] font-normal text-muted">
          {vault.kind}, {plural(points.length, 'point')}
        </span>
      </h3>
      <p className="text-[0.9rem]">
        {window === null ? (
          'Nothing that counts can be brought back from it.'
        ) : (
          <>
            Any moment from {utcTime(window.from)} to {utcTime(window.to)}
            {vault.gaps.length > 0 && `, but for ${gapWords(vault.gaps)}`}.
          </>
        )}{' '}
        {vault.newestWalAt === null ? (
          'No WAL lies there.'
        ) : (
          <>
            Newest WAL: <Time at={vault.newestWalAt} relative />.
          </>
        )}
      </p>
      {points.length > 0 && <Drawing vault={vault} until={until} />}
      {history.drills.length > 1 && <Measured vault={vault} promise={promise} />}
      {newest.length > 0 && (
        <PointsTable caption={`Newest points in ${name}`} points={newest} isCounted />
      )}
    </section>
  );
}

const FILL = { passed: 'fill-ok', failed: 'fill-danger', 'could-not-run': 'fill-warn' } as const;
const PROOF_FILL = { PROVEN: 'fill-ok', REFUTED: 'fill-danger', UNKNOWN: 'fill-warn' } as const;

function Drawing({
  until,
  vault,
}: {
  readonly until: string;
  readonly vault: VaultReport;
}): ReactNode {
  const { gaps, history, points, window } = vault;
  const times = [
    ...points.map(({ endedAt }) => endedAt),
    ...history.drills.map(({ at }) => at),
    ...history.proofs.map(({ at }) => at),
  ].map((at) => Date.parse(at));
  const toMs = Math.max(Date.parse(until), ...times);
  const fromMs = Math.min(...times, toMs - 60_000);
  const x = (iso: string): number =>
    LEFT + ((Date.parse(iso) - fromMs) / (toMs - fromMs)) * (WIDTH - LEFT - RIGHT);
  const rows = ['points', 'drills', 'proofs'] as const;
  const y = (row: (typeof rows)[number]): number => 20 + rows.indexOf(row) * ROW;
  const bad = history.drills.filter(({ verdict }) => verdict !== 'passed').length;
  const words =
    `${plural(points.length, 'point')}, ${plural(history.drills.length, 'drill')} of which ` +
    `${bad} did not pass, ${plural(history.proofs.length, 'proof')}, ` +
    `from ${utcTime(new Date(fromMs).toISOString())} to ${utcTime(new Date(toMs).toISOString())}`;
  return (
    <section
      aria-label={`Timeline of ${vault.name}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
      className="overflow-x-auto rounded-lg bg-sunken p-2"
    >
      <svg
        role="img"
        aria-label={words}
        viewBox={`0 0 ${WIDTH} 116`}
        className="block w-full max-w-3xl min-w-[30rem]"
      >
        {window !== null && (
          <rect
            x={x(window.from)}
            y={y('points') - 9}
            width={Math.max(2, Math.min(x(window.to), WIDTH - RIGHT) - x(window.from))}
            height="18"
            rx="3"
            className="fill-accent-soft"
          />
        )}
        {gaps.map((gap) => (
          <rect
            key={gap.from}
            x={x(gap.from)}
            y={y('points') - 9}
            width={Math.max(3, x(gap.to) - x(gap.from))}
            height="18"
            className="fill-sunken stroke-danger"
          >
            <title>{`no moment from ${utcTime(gap.from)} to ${utcTime(gap.to)}: what was streamed then is missing`}</title>
          </rect>
        ))}
        {rows.map((row) => (
          <g key={row}>
            <text x="4" y={y(row) + 4} className="fill-muted text-[12px]">
              {row}
            </text>
            <line x1={LEFT} x2={WIDTH - RIGHT} y1={y(row)} y2={y(row)} className="stroke-line" />
          </g>
        ))}
        {points.map(({ drill, endedAt, id }) => (
          <circle
            key={id}
            cx={x(endedAt)}
            cy={y('points')}
            r="5.5"
            strokeWidth="2"
            className={`stroke-accent ${drill === null ? 'fill-surface' : FILL[drill]}`}
          >
            <title>{`point, ${utcTime(endedAt)}, ${drill === null ? 'not drilled' : DRILLED[drill].word}`}</title>
          </circle>
        ))}
        {history.drills.map(({ at, id, verdict }) => (
          <path key={id} d={SHAPES[verdict](x(at), y('drills'))} className={FILL[verdict]}>
            <title>{`drill, ${utcTime(at)}: ${DRILLED[verdict].word}`}</title>
          </path>
        ))}
        {history.proofs.map(({ at, id, verdict }) => (
          <path
            key={id}
            d={SHAPES[AS_DRILL[verdict]](x(at), y('proofs'))}
            className={PROOF_FILL[verdict]}
          >
            <title>{`proof, ${utcTime(at)}: ${verdict}`}</title>
          </path>
        ))}
        <text x={LEFT} y="108" className="fill-muted text-[11px]">
          {utcTime(new Date(fromMs).toISOString()).slice(0, 16)}
        </text>
        <text x={WIDTH - RIGHT} y="108" textAnchor="end" className="fill-muted text-[11px]">
          {utcTime(new Date(toMs).toISOString()).slice(0, 16)} UTC
        </text>
      </svg>
      <p className="px-1 text-[0.82rem] text-muted">
        ◆ went well, ▲ did not, ■ could not be tried; a hollow circle is a point that no drill
        tried.
      </p>
    </section>
  );
}

const AS_DRILL = { PROVEN: 'passed', REFUTED: 'failed', UNKNOWN: 'could-not-run' } as const;
const SHAPES = {
  passed: (x: number, y: number) => `M${x} ${y - 6}l6 6l-6 6l-6 -6z`,
  failed: (x: number, y: number) => `M${x} ${y - 7}l7 12h-14z`,
  'could-not-run': (x: number, y: number) => `M${x - 5} ${y - 5}h10v10h-10z`,
} as const;

const GAPS_SHOWN = 2;

function gapWords(gaps: VaultReport['gaps']): string {
  const shown = gaps
    .slice(-GAPS_SHOWN)
    .map(({ from, to }) => `${utcTime(from)} to ${utcTime(to)}`)
    .join(' and ');
  const earlier = gaps.length - GAPS_SHOWN;
  return `${earlier > 0 ? `${plural(earlier, 'earlier stretch')}, ` : ''}${shown}, of which what was streamed is missing`;
}

/** What drills measured, as a sentence: the slowest and the newest, against the promise. */
function Measured({ promise, vault }: Omit<VaultTimelineProps, 'until'>): ReactNode {
  const { drills } = vault.history;
  const passed = drills.filter(({ verdict }) => verdict === 'passed');
  const rto = passed.flatMap(({ rtoMs }) => (rtoMs === null ? [] : [rtoMs]));
  const rpo = passed.flatMap(({ rpoMs }) => (rpoMs === null ? [] : [rpoMs]));
  const late = rto.filter((ms) => ms > promise.rtoMs).length;
  if (rto.length === 0) return null;
  return (
    <p className="text-[0.9rem] text-muted">
      {passed.length === drills.length
        ? `Over the last ${plural(drills.length, 'drill')}: back in `
        : `Of the last ${plural(drills.length, 'drill')} ${passed.length} passed: back in `}
      {shortSpan(Math.min(...rto))} to {shortSpan(Math.max(...rto))}
      {late === 0 ? ', as promised' : `, ${late} of them later than promised`}
      {rpo.length > 0 && `; at most ${shortSpan(Math.max(...rpo))} were lost`}.
    </p>
  );
}
