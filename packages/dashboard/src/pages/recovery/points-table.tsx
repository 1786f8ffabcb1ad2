/** Some points of a vault: when each was taken, how large it is, and how its last drill ended. */
import type { ReactNode } from 'react';
import { byteWords } from '../../lib/measures.ts';
import { Badge } from '../../ui/badge.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { DRILLED, type VaultReport } from './words.ts';

interface PointsTableProps {
  readonly caption: string;
  readonly points: VaultReport['points'];
  /** False: what came back in a drill is proof of nothing here, and is not said in green. */
  readonly isCounted: boolean;
}

export function PointsTable({ caption, isCounted, points }: PointsTableProps): ReactNode {
  return (
    <section
      aria-label={caption}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
      className="overflow-x-auto"
    >
      <table className="w-full min-w-[26rem] text-[0.9rem]">
        <caption className="sr-only">{caption}</caption>
        <thead className="text-left text-[0.82rem] text-muted">
          <tr>
            <th className="py-1 pr-3 font-medium">Point</th>
            <th className="py-1 pr-3 font-medium">Taken</th>
            <th className="py-1 pr-3 font-medium">Size</th>
            <th className="py-1 font-medium">{isCounted ? 'Last drill' : 'Last drill here'}</th>
          </tr>
        </thead>
        <tbody>
          {points.map(({ bytes, drill, endedAt, id }) => (
            <tr key={id} className="border-t border-line">
              <td className="py-1 pr-3">
                <Text text={id} className="font-mono text-[0.82rem]" />
              </td>
              <td className="py-1 pr-3">
                <Time at={endedAt} relative />
              </td>
              <td className="py-1 pr-3 whitespace-nowrap">{byteWords(bytes)}</td>
              <td className="py-1">
                {drill === null ? (
                  <Badge>not drilled</Badge>
                ) : (
                  <Badge tone={isCounted || drill !== 'passed' ? DRILLED[drill].tone : 'plain'}>
                    {DRILLED[drill].word}
                  </Badge>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
