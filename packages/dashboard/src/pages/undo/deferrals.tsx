/** Approved, not to be taken back, and so not run yet: anyone who may approve can still call it off. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { deferralsQuery } from '../../api/queries.ts';
import { useMay } from '../../shell/session.ts';
import { EnvironmentBadge, StateBadge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/code.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Loading } from '../../ui/loading.tsx';
import { Panel } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Countdown, Time } from '../../ui/time.tsx';
import { say, sayProblem } from '../../ui/toast.tsx';
import { WordDialog } from '../../ui/word-dialog.tsx';

type Deferral = Answer<'deferrals.list'>['items'][number];

export function Deferrals(): ReactNode {
  const query = useInfiniteQuery(deferralsQuery('all'));
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="what waits" />;
  const items = query.data.pages.flatMap((page) => page.items);
  const waiting = items.filter(waits);
  const over = items.filter((deferral) => !waits(deferral));
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      {waiting.length === 0 && (
        <EmptyState title="Nothing waits">
          What nobody could take back does not run when it is approved: it waits out the grace here,
          at least 48 hours, and one person can call it off until then.
        </EmptyState>
      )}
      {waiting.map((deferral) => (
        <DeferralPanel key={deferral.id} deferral={deferral} />
      ))}
      {over.length > 0 && <h2 className="mt-3 text-base">Not waiting any more</h2>}
      {over.map((deferral) => (
        <DeferralPanel key={deferral.id} deferral={deferral} />
      ))}
      {query.hasNextPage && (
        <Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Show older ones
        </Button>
      )}
    </div>
  );
}

function waits({ state }: Deferral): boolean {
  return state === 'scheduled' || state === 'running';
}

function asSentence(reason: string): string {
  return `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;
}

function DeferralPanel({ deferral }: { readonly deferral: Deferral }): ReactNode {
  const queries = useQueryClient();
  const mayCancel = useMay('deferrals.cancel');
  const mayPropose = useMay('proposals.open');
  const [isCancelling, setIsCancelling] = useState(false);
  const isOpen = deferral.state === 'scheduled';
  const hasten = async (): Promise<void> => {
    try {
      const { peopleNeeded } = await ask('deferrals.hasten', { params: { id: deferral.id } });
      say(`Proposed. ${peopleNeeded} people have to sign it under Holds, Proposals.`);
    } catch (error) {
      sayProblem(error);
    }
  };
  return (
    <Panel
      title={
        <span className="flex flex-wrap items-center gap-2">
          <StateBadge state={deferral.state} />
          <EnvironmentBadge name={deferral.environment} level={deferral.level} />
          <Text text={deferral.target} className="font-mono" />
        </span>
      }
      aside={
        isOpen ? (
          <Countdown to={deferral.dueAt} label="runs in" />
        ) : (
          <Time at={deferral.scheduledAt} relative />
        )
      }
    >
      <Code
        text={deferral.statement}
        label={waits(deferral) ? 'What will run' : 'What was put off'}
      />
      <p className="text-[0.9rem] text-muted">
        Asked by <Text text={deferral.agent} />, put off <Time at={deferral.scheduledAt} relative />
        . <Text text={asSentence(deferral.reason)} />
      </p>
      {deferral.state === 'cancelled' && deferral.decidedBy !== null && (
        <p>
          Called off by <Text text={deferral.decidedBy} className="font-medium" />
          {deferral.decidedAt !== null && (
            <>
              {' '}
              <Time at={deferral.decidedAt} relative />
            </>
          )}
          . It did not run.
        </p>
      )}
      {deferral.note !== null && deferral.note !== '' && (
        <Text
          text={
            deferral.state === 'done'
              ? `It ran. The target answered: ${deferral.note}`
              : deferral.note
          }
        />
      )}
      {isOpen && (
        <div className="flex flex-wrap gap-2">
          {mayCancel && (
            <Button tone="danger" onClick={() => setIsCancelling(true)}>
              Call it off
            </Button>
          )}
          {mayPropose && (
            <Button tone="quiet" onClick={() => void hasten()}>
              Propose to run it now
            </Button>
          )}
        </div>
      )}
      {isCancelling && (
        <WordDialog
          title="Call it off"
          action="Call it off"
          tone="danger"
          noteLabel="Why"
          onClose={() => setIsCancelling(false)}
          onWord={async (note) => {
            await ask('deferrals.cancel', {
              params: { id: deferral.id },
              body: { note },
            });
            say('Called off. It will not run.');
            await queries.invalidateQueries({ queryKey: ['deferrals'] });
          }}
        >
          <p className="text-muted">
            One person is enough, and it is final: whoever wants it asks again.
          </p>
        </WordDialog>
      )}
    </Panel>
  );
}
