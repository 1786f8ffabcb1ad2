/**
 * What would die together: credentials, the target with its vaults, and the places they lie in. A line from
 * two of them to one place is one act that takes both. The same in sentences beneath.
 */
import type { ReactNode } from 'react';
import { cutText, oneLine } from '../../lib/visible.ts';
import { Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';
import type { Report } from './words.ts';

const WIDTH = 660;
const BOX = { width: 190, height: 34 };
const GAP = 16;
const COLUMNS = [0, 235, 470] as const;
const NODES_MAX = 12;
const CHARS_MAX = 25;
const FACTS = ['host', 'device', 'volume', 'account', 'project', 'endpoint'] as const;

interface Place {
  readonly key: string;
  readonly words: string;
  /** Names of what lies in it; the target is `null`. */
  readonly holds: readonly (string | null)[];
}

/** A device is one only on its host. */
export function placesIn({ vaults, whereabouts }: Report): readonly Place[] {
  const places = new Map<string, { words: string; holds: (string | null)[] }>();
  const all = [
    { name: null, where: whereabouts },
    ...vaults.map((vault) => ({ name: vault.name, where: vault.whereabouts })),
  ];
  for (const { name, where } of all) {
    for (const fact of FACTS) {
      const value = where[fact];
      if (value === null) continue;
      const key = `${fact} ${fact === 'device' ? `${where.host} ` : ''}${value}`;
      const place = places.get(key) ?? { words: `${fact} ${value}`, holds: [] };
      place.holds.push(name);
      places.set(key, place);
    }
  }
  return [...places].map(([key, place]) => ({ key, ...place }));
}

export function LossMap({ report }: { readonly report: Report }): ReactNode {
  const { target, vaults } = report;
  const places = placesIn(report);
  const shared = places.filter(({ holds }) => holds.includes(null) && holds.length > 1);
  const destroyers = vaults.flatMap(({ name, tried }) =>
    tried
      .filter(({ verdict }) => verdict === 'REFUTED')
      .map((one) => `${one.name} can destroy what lies in ${name}.`),
  );
  const isTried = vaults.length > 0 && vaults.every(({ proof }) => proof?.verdict === 'PROVEN');
  const sentences = [
    ...shared.map(
      ({ holds, words }) =>
        `Whoever takes the ${words} takes ${target} and ${holds.filter((one) => one !== null).join(', ')}.`,
    ),
    ...destroyers,
  ];
  return (
    <Panel title="What would die together">
      {sentences.length === 0 ? (
        <p>
          <span aria-hidden="true">{isTried ? '✓' : '●'} </span>
          {!isTried && 'Not every vault was tried by every credential. '}
          Nothing that is known: no place holds the target and a vault, and no credential was found
          that destroys what lies there. What is not known is not drawn.
        </p>
      ) : (
        <ul className="grid gap-1">
          {sentences.map((sentence) => (
            <li key={sentence}>
              <span aria-hidden="true" className="text-danger">
                ▲{' '}
              </span>
              <Text text={sentence} />
            </li>
          ))}
        </ul>
      )}
      <Drawing report={report} places={places} />
    </Panel>
  );
}

interface DrawingProps {
  readonly report: Report;
  readonly places: readonly Place[];
}

function Drawing({ places, report }: DrawingProps): ReactNode {
  const { target, vaults } = report;
  const hands = [...new Set(vaults.flatMap(({ tried }) => tried.map(({ name }) => name)))].slice(
    0,
    NODES_MAX,
  );
  const things: readonly (string | null)[] = [null, ...vaults.map(({ name }) => name)];
  const drawn = places.slice(0, NODES_MAX);
  const rows = Math.max(hands.length, things.length, drawn.length, 1);
  const height = 26 + rows * (BOX.height + GAP);
  const y = (row: number, of: number): number =>
    26 + ((rows - of) * (BOX.height + GAP)) / 2 + row * (BOX.height + GAP);
  const line = (from: readonly [number, number], to: readonly [number, number]): string => {
    const [x1, y1] = from;
    const [x2, y2] = to;
    return `M${x1} ${y1}C${x1 + 25} ${y1} ${x2 - 25} ${y2} ${x2} ${y2}`;
  };
  const middle = BOX.height / 2;
  return (
    <section
      aria-label="Map of what would die together"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
      className="overflow-x-auto rounded-lg bg-sunken p-2"
    >
      <svg
        role="img"
        aria-label={`${target}, ${vaults.length} vaults, ${hands.length} credentials that tried, ${drawn.length} places; the sentences above say what they share`}
        viewBox={`0 0 ${WIDTH} ${height}`}
        className="block w-full max-w-3xl min-w-[36rem]"
      >
        {['Credentials that tried', 'Target and vaults', 'Places they lie in'].map((head, at) => (
          <text key={head} x={(COLUMNS[at] ?? 0) + 2} y="12" className="fill-muted text-[12px]">
            {head}
          </text>
        ))}
        {vaults.flatMap(({ name, tried }, row) =>
          tried.flatMap((one) => {
            const from = hands.indexOf(one.name);
            if (from < 0 || one.verdict === 'NO KEY HERE') return [];
            const ends = [
              [COLUMNS[0] + BOX.width, y(from, hands.length) + middle],
              [COLUMNS[1], y(row + 1, things.length) + middle],
            ] as const;
            return [
              <path
                key={`${one.name} ${name}`}
                d={line(...ends)}
                fill="none"
                {...(LINES[one.verdict] ?? LINES['UNKNOWN'])}
              />,
            ];
          }),
        )}
        {drawn.flatMap((place, row) =>
          place.holds.map((name) => {
            const isShared = place.holds.includes(null) && place.holds.length > 1;
            const ends = [
              [COLUMNS[1] + BOX.width, y(things.indexOf(name), things.length) + middle],
              [COLUMNS[2], y(row, drawn.length) + middle],
            ] as const;
            return (
              <path
                key={`${place.key} ${name}`}
                d={line(...ends)}
                fill="none"
                {...(isShared ? LINES['REFUTED'] : { className: 'stroke-line-strong' })}
              />
            );
          }),
        )}
        {hands.map((name, row) => (
          <Box key={name} x={COLUMNS[0]} y={y(row, hands.length)} text={name} />
        ))}
        {things.map((name, row) => (
          <Box
            key={name ?? ''}
            x={COLUMNS[1]}
            y={y(row, things.length)}
            text={name === null ? target : `vault ${name}`}
            isStrong={name === null}
          />
        ))}
        {drawn.map((place, row) => (
          <Box
            key={place.key}
            x={COLUMNS[2]}
            y={y(row, drawn.length)}
            text={place.words}
            isShared={place.holds.includes(null) && place.holds.length > 1}
          />
        ))}
      </svg>
      <p className="px-1 text-[0.82rem] text-muted">
        A thick line: one act takes both. A dashed one: it tried and was refused. A dotted one: it
        could not be told. A credential without a line opens nothing there.
      </p>
    </section>
  );
}

const LINES: Readonly<
  Record<string, { className: string; strokeWidth?: number; strokeDasharray?: string }>
> = {
  REFUTED: { className: 'stroke-danger', strokeWidth: 3 },
  PROVEN: { className: 'stroke-ok', strokeWidth: 1.5, strokeDasharray: '7 4' },
  UNKNOWN: { className: 'stroke-warn', strokeWidth: 1.5, strokeDasharray: '2 4' },
};

interface BoxProps {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly isStrong?: boolean;
  readonly isShared?: boolean;
}

function Box({ isShared = false, isStrong = false, text, x, y }: BoxProps): ReactNode {
  const whole = oneLine(text);
  const shown = whole.length <= CHARS_MAX ? whole : `${cutText(whole, CHARS_MAX - 1)}…`;
  return (
    <g>
      <title>{whole}</title>
      <rect
        x={x + 1}
        y={y}
        width={BOX.width - 2}
        height={BOX.height}
        rx="7"
        strokeWidth={isShared || isStrong ? 2 : 1}
        className={`fill-surface ${isShared ? 'stroke-danger' : isStrong ? 'stroke-accent' : 'stroke-line-strong'}`}
      />
      <text x={x + 10} y={y + BOX.height / 2 + 4} className="fill-ink text-[12.5px]">
        {isShared ? `▲ ${shown}` : shown}
      </text>
    </g>
  );
}
