/** Holds: what waits first. Proposals of people, which several must sign, stand beside them. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import type { Answer } from '../api/client.ts';
import { holdsQuery, type Which } from '../api/queries.ts';
import { EnvironmentBadge, StateBadge } from '../ui/badge.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { Line } from '../ui/text.tsx';
import { Countdown, Time } from '../ui/time.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';

const route = getRouteApi('/inside/holds');
const Proposals = lazy(async () => ({ default: (await import('./proposals.tsx')).Proposals }));
const ROW_PX = 74;

export function HoldsPage(): ReactNode {
  const { show = 'open' } = route.useSearch();
  const navigate = useNavigate();
  return (
    <Page
      title="Holds"
      lead="What agents asked and people decide. Until somebody signs, nothing of it has happened."
    >
      <Tabs
        label="Which holds"
        value={show}
        onChange={(next) => void navigate({ to: '/holds', search: { show: next } })}
        tabs={[
          { id: 'open', label: 'Open' },
          { id: 'all', label: 'All' },
          { id: 'proposals', label: 'Proposals' },
        ]}
      >
        {show === 'proposals' ? (
          <Suspense fallback={<Loading what="proposals" />}>
            <Proposals />
          </Suspense>
        ) : (
          <HoldList state={show} />
        )}
      </Tabs>
    </Page>
  );
}

function HoldList({ state }: { readonly state: Which }): ReactNode {
  const navigate = useNavigate();
  const query = useInfiniteQuery(holdsQuery(state));
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="holds" />;
  const items = query.data.pages.flatMap((page) => page.items);
  if (items.length === 0) return <NoHolds state={state} />;
  return (
    <VirtualList
      label="Holds"
      items={items}
      keyOf={(hold) => hold.id}
      rowPx={ROW_PX}
      row={(hold) => <HoldRow hold={hold} />}
      onOpen={({ id }) => void navigate({ to: '/holds/$id', params: { id } })}
      hasMore={query.hasNextPage}
      onEnd={() => {
        if (!query.isFetching) void query.fetchNextPage();
      }}
    />
  );
}

function HoldRow({ hold }: { readonly hold: Answer<'holds.list'>['items'][number] }): ReactNode {
  return (
    <Link
      to="/holds/$id"
      params={{ id: hold.id }}
      className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1 px-2 py-3 hover:bg-sunken"
    >
      <Line text={hold.statement} className="font-mono text-[0.9rem]" />
      <span className="text-right text-[0.87rem]">
        {hold.state === 'waiting' || hold.state === 'signed' ? (
          <Countdown to={hold.expiresAt} label="" />
        ) : (
          <Time at={hold.openedAt} relative />
        )}
      </span>
      <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 text-[0.87rem] text-muted">
        <StateBadge state={hold.state} />
        <EnvironmentBadge name={hold.environment} level={hold.level} />
        <Line text={`${hold.agent} → ${hold.target}`} className="max-w-full" />
      </span>
      <span className="text-right text-[0.87rem] whitespace-nowrap text-muted tabular-nums">
        {hold.signatures.length} of {hold.peopleNeeded} signed
      </span>
    </Link>
  );
}

function NoHolds({ state }: { readonly state: Which }): ReactNode {
  if (state === 'open') {
    return (
      <EmptyState
        title="Nothing waits for you"
        command="holdfast policy explain --target main-db 'DROP TABLE bookings'"
      >
        When an agent asks for something that destroys, its act waits here until enough people sign
        it. Try what your policy would hold:
      </EmptyState>
    );
  }
  return (
    <EmptyState title="Nothing was ever held">
      Holds stay in this list when they are decided, so that you can see how people decided before.
    </EmptyState>
  );
}
