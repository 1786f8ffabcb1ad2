/**
 * What lay in a vault before the first point of this installation, apart from what counts: how much it is, how far
 * it reaches, and how one of it is tried or brought back. It is said by its own words, and never in green.
 */
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { byteWords, plural } from '../../lib/measures.ts';
import { utcTime } from '../../lib/times.ts';
import { useMay } from '../../shell/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';
import { DRILLED, isCounted, type VaultReport } from './words.ts';

type Shown = Answer<'recovery.show'>;
type Others = NonNullable<VaultReport['others']>;

const ROWS_SHOWN = 5;

export function OtherPoints({
  shown,
  vault,
}: {
  readonly shown: Shown;
  readonly vault: VaultReport;
}): ReactNode {
  const { name, others } = vault;
  if (others === null) return null;
  const rows = vault.points
    .filter(({ seal }) => !isCounted(seal))
    .slice(-ROWS_SHOWN)
    .reverse();
  return (
    <section
      aria-label={`Not counted in ${name}`}
      className="grid grid-cols-[minmax(0,1fr)] gap-2 rounded-lg border border-dashed border-line p-3"
    >
      <h4 className="flex flex-wrap items-baseline gap-2 font-medium">
        <Badge tone="warn">not counted</Badge>
        {plural(others.points, 'point')} from before the first of this installation
      </h4>
      <p className="text-[0.9rem]">{whoseWords(others)}</p>
      <p className="text-[0.9rem]">
        What lies there brings back from {utcTime(others.from)} to {utcTime(others.to)}, by its own
        words and as far as a listing tells. It can be drilled and restored, and changes nothing in
        how this target stands.
      </p>
      <section
        aria-label={`Newest points in ${name} that are not counted`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
        className="overflow-x-auto"
      >
        <table className="w-full min-w-[26rem] text-[0.9rem]">
          <caption className="sr-only">Newest points in {name} that are not counted</caption>
          <thead className="text-left text-[0.82rem] text-muted">
            <tr>
              <th className="py-1 pr-3 font-medium">Point</th>
              <th className="py-1 pr-3 font-medium">Taken</th>
              <th className="py-1 pr-3 font-medium">Size</th>
              <th className="py-1 font-medium">Last drill here</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ bytes, drill, endedAt, id }) => (
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
                    <Badge tone={drill === 'passed' ? 'plain' : DRILLED[drill].tone}>
                      {DRILLED[drill].word}
                    </Badge>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <HowToLook shown={shown} name={name} point={others.newest} />
    </section>
  );
}

function whoseWords({ foreign, points, records }: Others): string {
  const all = foreign === points ? '' : `${foreign} of them: `;
  const whose =
    `${all}Sealed with a key that is not here: of another installation, or of somebody who can write ` +
    'into the vault and says so.';
  const elsewhere = 'Taken by this installation into another vault.';
  const told = [
    ...(foreign === 0 ? [] : [whose]),
    ...(foreign === points ? [] : [foreign === 0 ? elsewhere : `The others: ${elsewhere}`]),
    ...(records === 0 ? [] : [`Beside them lie ${records} drills and proofs that nobody here can tell, either.`]),
  ]; // biome-ignore format: one sentence a line
  return told.join(' ');
}

interface LookProps {
  readonly shown: Shown;
  readonly name: string;
  readonly point: string;
}

function HowToLook({ name, point, shown }: LookProps): ReactNode {
  const { hasIdentity, isKeptHere, target } = shown;
  const may = useMay('targets.protect');
  const queries = useQueryClient();
  const attempt = useAttempt();
  const drill = (): void =>
    void attempt.run(async () => {
      const body = { kind: 'drill', vault: name, point } as const;
      await ask('recovery.order', { params: { target }, body });
      await queries.invalidateQueries({ queryKey: ['recovery', 'orders', target] });
    });
  return (
    <>
      <div className="flex flex-wrap items-center gap-3">
        {may && (
          <Button
            size="small"
            disabled={!isKeptHere || !hasIdentity}
            isBusy={attempt.busy}
            onClick={drill}
          >
            Drill the newest of them
          </Button>
        )}
        <span className="text-[0.87rem] text-muted">
          To bring one back: Restore …, with its point, or a moment of that time.
        </span>
      </div>
      {attempt.error !== null && <ProblemNote error={attempt.error} />}
    </>
  );
}
