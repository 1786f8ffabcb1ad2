/**
 * One rebuild: how far it is, and the grid in which people decide. Arrows move, Enter opens a cell with what
 * each source says of it; c, i and a show conflicts, what is incomplete, and all.
 */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Answer } from '../../api/client.ts';
import {
  type RebuildRowsWish,
  rebuildQuery,
  rebuildRecordsQuery,
  rebuildRowsQuery,
} from '../../api/queries.ts';
import { countWords } from '../../lib/measures.ts';
import { utcTime } from '../../lib/times.ts';
import { oneLine } from '../../lib/visible.ts';
import { useKeys } from '../../shell/keyboard.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { Loaded, Loading } from '../../ui/loading.tsx';
import { Page } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';
import { NextStep, Overrides, Progress } from './rebuild-around.tsx';
import { RebuildGrid } from './rebuild-grid.tsx';
import { RecordView } from './rebuild-record.tsx';
import type { REBUILD_SHOWS } from './rebuild-shows.ts';

type Rebuild = Answer<'rebuilds.show'>;
type Show = (typeof REBUILD_SHOWS)[number];

const route = getRouteApi('/inside/rebuilds/$id');

/** As they were proposed: what somebody decided stays in its place, and says so. */
const WISHES: Readonly<Record<Exclude<Show, 'unreadable' | 'loose'>, RebuildRowsWish>> = {
  conflict: { was: 'CONFLICT' },
  incomplete: { was: 'INCOMPLETE' },
  ready: { was: 'READY' },
  exists: { was: 'EXISTS' },
  out: { state: 'LEFT_OUT' },
  all: {},
};
const RECORD_PX = 150;

export function RebuildPage(): ReactNode {
  const { id } = route.useParams();
  const query = useQuery(rebuildQuery(id));
  return (
    <Loaded query={query} what="the rebuild">
      {(rebuild) => <RebuildView rebuild={rebuild} />}
    </Loaded>
  );
}

function RebuildView({ rebuild }: { readonly rebuild: Rebuild }): ReactNode {
  const { show = rebuild.conflicts.total > 0 ? 'conflict' : 'all' } = route.useSearch();
  const navigate = useNavigate();
  const go = (next: Show): void =>
    void navigate({
      to: '/rebuilds/$id',
      params: { id: rebuild.id },
      search: { show: next },
    });
  useKeys({ c: () => go('conflict'), i: () => go('incomplete'), a: () => go('all') });
  const { counts, countsNow } = rebuild;
  const label = (words: string, count: number): ReactNode => (
    <>
      {words} <span className="text-muted tabular-nums">{countWords(count)}</span>
    </>
  );
  const rows = Object.entries(counts).reduce(
    (sum, [state, count]) => sum + (state === 'UNREADABLE' ? 0 : count),
    0,
  );
  return (
    <Page
      title={oneLine(`Rebuild of ${rebuild.table}`)}
      lead={
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Link to="/rebuilds" className="link">
            Rebuilds
          </Link>
          <span>
            <Text text={rebuild.target} className="font-mono text-ink" />, as it was{' '}
            <Time at={rebuild.copyAt} />
            {rebuild.copyAsOf !== null && (
              <>, out of the vault as it was at {utcTime(rebuild.copyAsOf)}</>
            )}
            ; proposed <Time at={rebuild.at} relative />
          </span>
        </span>
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-2">
        <Progress rebuild={rebuild} />
        <NextStep rebuild={rebuild} />
      </div>
      <Overrides rebuild={rebuild} />
      <Tabs
        label="Which rows"
        value={show}
        onChange={go}
        tabs={[
          { id: 'conflict', label: label('Conflicts', counts.CONFLICT) },
          { id: 'incomplete', label: label('Incomplete', counts.INCOMPLETE) },
          { id: 'ready', label: label('Ready', counts.READY) },
          { id: 'exists', label: label('There already', counts.EXISTS) },
          { id: 'out', label: label('Left out', countsNow.LEFT_OUT) },
          { id: 'all', label: label('All rows', rows) },
          { id: 'unreadable', label: label('Not read', counts.UNREADABLE) },
          { id: 'loose', label: label('Of no row', rebuild.loose) },
        ]}
      >
        {show === 'unreadable' || show === 'loose' ? (
          <Records id={rebuild.id} which={show} />
        ) : (
          <Rows rebuild={rebuild} wish={WISHES[show]} />
        )}
      </Tabs>
    </Page>
  );
}

function Rows({
  rebuild,
  wish,
}: {
  readonly rebuild: Rebuild;
  readonly wish: RebuildRowsWish;
}): ReactNode {
  const query = useInfiniteQuery(rebuildRowsQuery(rebuild.id, wish));
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="the rows" />;
  const rows = query.data.pages.flatMap((page) => page.items);
  if (rows.length === 0) return <EmptyState title="No rows here">Look at another tab.</EmptyState>;
  return (
    <>
      <p className="mb-2 hidden flex-wrap items-center gap-x-1.5 text-[0.82rem] text-muted md:flex">
        <Kbd keys="↑ ↓ ← →" /> move, <Kbd keys="Enter" /> opens, <Kbd keys="c" /> conflicts,{' '}
        <Kbd keys="i" /> incomplete, <Kbd keys="a" /> all
      </p>
      <RebuildGrid
        key={JSON.stringify(wish)}
        rebuild={rebuild}
        rows={rows}
        hasMore={query.hasNextPage}
        onEnd={() => {
          if (!query.isFetching) void query.fetchNextPage();
        }}
      />
    </>
  );
}

function Records({
  id,
  which,
}: {
  readonly id: string;
  readonly which: 'unreadable' | 'loose';
}): ReactNode {
  const query = useInfiniteQuery(rebuildRecordsQuery(id, which));
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="the records" />;
  const records = query.data.pages.flatMap((page) => page.items);
  if (records.length === 0) {
    return (
      <EmptyState title={which === 'loose' ? 'None is of no row' : 'All were read'}>
        {which === 'loose'
          ? 'Every record that was read belongs to a row.'
          : 'Every record that was found could be read.'}
      </EmptyState>
    );
  }
  return (
    <VirtualList
      label={which === 'loose' ? 'Records of no row' : 'Records that were not read'}
      items={records}
      keyOf={(one) => `${one.source} ${one.file} ${one.record} ${one.offset} ${one.why}`}
      rowPx={RECORD_PX}
      hasMore={query.hasNextPage}
      onEnd={() => {
        if (!query.isFetching) void query.fetchNextPage();
      }}
      row={(one) => (
        <div className="grid gap-2 px-1 py-3">
          <Text text={one.why} className="font-medium" />
          <RecordView record={one} />
        </div>
      )}
    />
  );
}
