/** What people propose to each other, because no one of them may do it alone. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Answer } from '../api/client.ts';
import { proposalsQuery } from '../api/queries.ts';
import type { Decision } from '../decide.ts';
import { useMay } from '../shell/session.ts';
import { EnvironmentBadge, StateBadge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Code } from '../ui/code.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Loading } from '../ui/loading.tsx';
import { Panel } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { Text } from '../ui/text.tsx';
import { Countdown, Time } from '../ui/time.tsx';
import { say } from '../ui/toast.tsx';
import { SignDialog } from './proposals/sign-dialog.tsx';

type Proposal = Answer<'proposals.list'>['items'][number];

export function Proposals(): ReactNode {
  const query = useInfiniteQuery(proposalsQuery('all'));
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="proposals" />;
  const items = query.data.pages.flatMap((page) => page.items);
  if (items.length === 0) {
    return (
      <EmptyState title="Nobody proposed anything" command="holdfast undo purge --target main-db">
        Some acts no single person may do: undo data that goes early, protection that is taken down,
        a deferral that runs before its time. Whoever wants one proposes it, and others sign it
        here.
      </EmptyState>
    );
  }
  return (
    <div className="grid gap-3">
      {items.map((proposal) => (
        <ProposalPanel key={proposal.id} proposal={proposal} />
      ))}
      {query.hasNextPage && (
        <Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Show older ones
        </Button>
      )}
    </div>
  );
}

function ProposalPanel({ proposal }: { readonly proposal: Proposal }): ReactNode {
  const queries = useQueryClient();
  const mayDecide = useMay('proposals.decide');
  const mayBreakGlass = useMay('break-glass');
  const [asking, setAsking] = useState<Decision | null>(null);
  const isBreakGlass = proposal.act === 'break-glass';
  const isOpen = proposal.state === 'waiting' || proposal.state === 'signed';
  const maySign = isBreakGlass ? mayBreakGlass : mayDecide;
  const done = (decision: Decision): void => {
    say(decision === 'approve' ? 'Signed.' : 'Denied.');
    void queries.invalidateQueries({ queryKey: ['proposals'] });
    setAsking(null);
  };
  return (
    <Panel
      title={
        <span className="flex flex-wrap items-center gap-2">
          {ACT_WORDS[proposal.act] ?? proposal.act}
          <StateBadge state={proposal.state} />
          <EnvironmentBadge name={proposal.environment} level={proposal.level} />
        </span>
      }
      aside={
        isOpen ? <Countdown to={proposal.expiresAt} /> : <Time at={proposal.openedAt} relative />
      }
    >
      <Text text={proposal.words} />
      <p className="text-[0.9rem] text-muted">
        <Text text={proposal.reason} />
      </p>
      <p className="text-[0.93rem]">
        <span className="font-semibold">
          {proposal.signatures.length} of {proposal.peopleNeeded}
        </span>{' '}
        signed
        {proposal.signatures.length > 0 && (
          <>
            : <Text text={proposal.signatures.map((one) => one.person).join(', ')} />
          </>
        )}
      </p>
      {proposal.outcome !== null && (
        <p>
          <StateBadge state={proposal.outcome.kind} /> <Text text={proposal.outcome.note} />
        </p>
      )}
      <details>
        <summary className="text-[0.87rem] text-muted">What exactly is signed</summary>
        <Code
          text={proposal.exactly}
          language="json"
          label="The act, as it is signed"
          className="mt-2"
        />
      </details>
      <p className="text-[0.87rem]">
        <span className="text-muted">In words, to compare with who signs with you: </span>
        <span className="font-mono">{proposal.digestWords}</span>
      </p>
      {isOpen && (maySign || mayDecide) && (
        <div className="flex gap-2">
          {maySign && (
            <Button tone="primary" onClick={() => setAsking('approve')}>
              Sign
            </Button>
          )}
          {mayDecide && (
            <Button tone="danger" onClick={() => setAsking('deny')}>
              Deny
            </Button>
          )}
        </div>
      )}
      {asking !== null && (
        <SignDialog
          proposal={proposal}
          decision={asking}
          onClose={() => setAsking(null)}
          onDone={() => done(asking)}
        />
      )}
    </Panel>
  );
}

const ACT_WORDS: Readonly<Record<string, string>> = {
  'break-glass': 'Somebody becomes an owner for an hour',
  purge: 'Undo data goes before its time',
  unprotect: 'The wall of a target is taken down',
  hasten: 'A deferral runs before its time',
  'promote-rebuild': 'Rows that were missing are put into the live database',
  'promote-restore': 'Tables become again what they were in a restored copy',
};
