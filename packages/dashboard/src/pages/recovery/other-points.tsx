/**
 * What lay in a vault before the first point of this installation, apart from what counts: how much it is, how far
 * it reaches, and how one of it is tried or brought back. It is said by its own words, and never in green.
 */
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { plural } from '../../lib/measures.ts';
import { utcTime } from '../../lib/times.ts';
import { useMay } from '../../shell/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';
import { PointsTable } from './points-table.tsx';
import { isCounted, type VaultReport } from './words.ts';

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
      <PointsTable
        caption={`Newest points in ${name} that are not counted`}
        points={rows}
        isCounted={false}
      />
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
