/** Around the grid: how many are decided, what comes next, and what of money was taken otherwise. */
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { countWords, plural } from '../../lib/measures.ts';
import { useMay } from '../../shell/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/code.tsx';
import { Panel } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';

type Rebuild = Answer<'rebuilds.show'>;
type Batch = Rebuild['batches'][number];

export function Progress({ rebuild }: { readonly rebuild: Rebuild }): ReactNode {
  const { conflicts, countsNow, incomplete } = rebuild;
  return (
    <Panel
      title="How far it is"
      aside={<Badge tone="ok">{countWords(countsNow.READY)} ready</Badge>}
    >
      <Bar words="conflicts" {...conflicts} />
      <Bar words="incomplete rows" {...incomplete} />
      <p className="text-[0.87rem] text-muted">
        {plural(rebuild.choices, 'choice')} so far. {countWords(countsNow.EXISTS)} were there
        already; {countWords(countsNow.LEFT_OUT)} are left out.
      </p>
    </Panel>
  );
}

function Bar({
  words,
  decided,
  total,
}: {
  readonly words: string;
  readonly decided: number;
  readonly total: number;
}): ReactNode {
  return (
    <div className="grid gap-1">
      <p className="text-[0.93rem]" role="status">
        <span className="font-medium tabular-nums">
          {countWords(decided)} of {countWords(total)}
        </span>{' '}
        {words} decided
      </p>
      <div aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-sunken">
        <div
          className="h-full rounded-full bg-accent"
          style={{ width: `${total === 0 ? 100 : (100 * decided) / total}%` }}
        />
      </div>
    </div>
  );
}

/** In the order of the work: decide, put into the copy, promote, take back. */
export function NextStep({ rebuild }: { readonly rebuild: Rebuild }): ReactNode {
  const standing = (place: Batch['place']): Batch | undefined =>
    rebuild.batches.find((one) => one.place === place && one.takenBackAt === null);
  const live = standing('live');
  const copy = standing('copy');
  if (live !== undefined) return <InLive rebuild={rebuild} batch={live} />;
  return (
    <Panel title="What comes next">
      {copy === undefined ? (
        <>
          <p className="text-[0.93rem] text-muted">
            When you have decided, the rows that are ready go into the restored copy, in one
            transaction with all checks. That is done where the copy lies:
          </p>
          <Code
            text={`holdfast recovery rebuild apply ${rebuild.id} --preview`}
            label="The command that tries it"
          />
        </>
      ) : (
        <>
          <p className="text-[0.93rem]">
            {plural(copy.inserted, 'row')} are in the restored copy, and passed all checks there{' '}
            <Time at={copy.at} relative />.
          </p>
          <Promote rebuild={rebuild} />
        </>
      )}
      {rebuild.cutOff.length > 0 && (
        <p className="text-[0.87rem] text-warn">
          <span aria-hidden="true">● </span>Putting rows in was begun, and nobody saw its end. They
          are in whole, or not at all: the next try finds out, and so does taking them back. Until
          then nothing is chosen.
        </p>
      )}
    </Panel>
  );
}

function InLive({
  rebuild,
  batch,
}: {
  readonly rebuild: Rebuild;
  readonly batch: Batch;
}): ReactNode {
  return (
    <Panel title="In the live database" aside={<Badge tone="ok">promoted</Badge>}>
      <p className="text-[0.93rem]">
        {plural(batch.inserted, 'row')} were put in <Time at={batch.at} relative />, signed by{' '}
        <Text text={batch.by} className="font-medium" />
        {batch.skipped > 0 && `; ${plural(batch.skipped, 'row')} had come meanwhile`}. It can be
        undone, or taken back as a batch:
      </p>
      <Code
        text={`holdfast recovery rebuild rollback ${rebuild.id} --from live`}
        label="The command that takes it back"
      />
      <p className="text-[0.87rem] text-muted">The copy is not needed any more:</p>
      <Code
        text={`holdfast recovery rebuild forget ${rebuild.id}`}
        label="The command that removes the copy"
      />
    </Panel>
  );
}

function Promote({ rebuild }: { readonly rebuild: Rebuild }): ReactNode {
  const queries = useQueryClient();
  const may = useMay('proposals.open');
  const [isBusy, setIsBusy] = useState(false);
  const [isProposed, setIsProposed] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const propose = async (): Promise<void> => {
    setIsBusy(true);
    setError(null);
    try {
      const { peopleNeeded } = await ask('rebuilds.promote', { params: { id: rebuild.id } });
      setIsProposed(true);
      say(`Proposed. ${peopleNeeded} people have to sign it.`);
      void queries.invalidateQueries({ queryKey: ['proposals'] });
    } catch (caught) {
      setError(caught);
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <>
      {error !== null && <ProblemNote error={error} />}
      {isProposed ? (
        <p className="text-[0.93rem]">
          It waits for signatures under{' '}
          <Link to="/holds" search={{ show: 'proposals' }} className="link">
            Holds, Proposals
          </Link>
          .
        </p>
      ) : (
        <>
          <p className="text-[0.87rem] text-muted">
            Nothing goes into the live database before several people have signed exactly this, with
            every choice. It is one transaction that can be undone.
          </p>
          {may ? (
            <Button tone="primary" className="w-fit" isBusy={isBusy} onClick={() => void propose()}>
              Propose the promotion
            </Button>
          ) : (
            <p className="text-[0.87rem] text-muted">
              An owner, an approver or an operator may propose it.
            </p>
          )}
        </>
      )}
    </>
  );
}

export function Overrides({ rebuild }: { readonly rebuild: Rebuild }): ReactNode {
  const { overrides } = rebuild;
  if (overrides.length === 0) return null;
  return (
    <Panel
      title="Money otherwise than a payment says"
      aside={<Badge tone="warn">{plural(overrides.length, 'row')}</Badge>}
    >
      <p className="text-[0.87rem] text-muted">Everybody who signs sees this on the card.</p>
      <ul className="grid max-h-72 gap-2 overflow-auto">
        {overrides.map(({ against, name, row, took, why }) => (
          <li key={`${row} ${took}`} className="text-[0.93rem]">
            <Text text={row} className="font-mono" />: <Text text={took} className="font-medium" />,
            although <Text text={against} />. <Text text={name} />: “<Text text={why} />”
          </li>
        ))}
      </ul>
    </Panel>
  );
}
