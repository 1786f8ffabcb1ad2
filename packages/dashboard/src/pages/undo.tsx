/** What passed and can be taken back; and what waits out the grace, because nothing would take it back. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Answer } from '../api/client.ts';
import { undoQuery, type Which } from '../api/queries.ts';
import { plural } from '../lib/measures.ts';
import { spanWords } from '../lib/times.ts';
import { useMay } from '../shell/session.ts';
import { StateBadge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { Line, Text } from '../ui/text.tsx';
import { Time } from '../ui/time.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { Deferrals } from './undo/deferrals.tsx';
import { UndoDialog } from './undo/undo-dialog.tsx';

type Item = Answer<'undo.list'>['items'][number];
const route = getRouteApi('/inside/undo');
const ROW_PX = 76;

export function UndoPage(): ReactNode {
  const { show = 'open' } = route.useSearch();
  const navigate = useNavigate();
  return (
    <Page
      title="Undo"
      lead="Every act that passed keeps what it replaced, for at least 48 hours. One click shows what taking it back would do."
      actions={
        <Link to="/rebuilds" className="link text-[0.93rem]">
          Rebuilds after a restore
        </Link>
      }
    >
      <Tabs
        label="Which acts"
        value={show}
        onChange={(next) => void navigate({ to: '/undo', search: { show: next } })}
        tabs={[
          { id: 'open', label: 'Can be taken back' },
          { id: 'waiting', label: 'Waits out the grace' },
          { id: 'all', label: 'All that was kept' },
        ]}
      >
        {show === 'waiting' ? <Deferrals /> : <UndoList state={show} />}
      </Tabs>
    </Page>
  );
}

function UndoList({ state }: { readonly state: Which }): ReactNode {
  const query = useInfiniteQuery(undoQuery(state));
  const [chosen, setChosen] = useState<Item | null>(null);
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="the undo list" />;
  const items = query.data.pages.flatMap((page) => page.items);
  const away = query.data.pages[0]?.away ?? [];
  return (
    <>
      {away.length > 0 && (
        <p className="mb-3 rounded-lg bg-warn-soft p-3 text-[0.93rem] text-warn">
          <span aria-hidden="true">● </span>
          {away.join(', ')} could not be asked just now, so the newest acts there may be missing.
        </p>
      )}
      {items.length === 0 ? (
        <EmptyState title="Nothing to take back" command="holdfast protect main-db">
          When an agent changes rows or structure of a protected target, the state before is kept
          here. A target is protected once, with one command:
        </EmptyState>
      ) : (
        <VirtualList
          label="Acts that can be taken back"
          items={items}
          keyOf={(item) => item.id}
          rowPx={ROW_PX}
          row={(item) => <UndoRow item={item} onOpen={() => setChosen(item)} />}
          onOpen={setChosen}
          hasMore={query.hasNextPage}
          onEnd={() => {
            if (!query.isFetching) void query.fetchNextPage();
          }}
        />
      )}
      {chosen !== null && (
        <UndoDialog
          item={chosen}
          isListed={items.some(({ id }) => id === chosen.id)}
          onClose={() => setChosen(null)}
        />
      )}
    </>
  );
}

function UndoRow({
  item,
  onOpen,
}: {
  readonly item: Item;
  readonly onOpen: () => void;
}): ReactNode {
  const may = useMay('undo.apply');
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-3 px-2 py-3 hover:bg-sunken">
      <div className="grid min-w-0 gap-1">
        <Text text={partsWords(item)} className="line-clamp-3 font-medium" />
        <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 text-[0.87rem] text-muted">
          <StateBadge state={item.state} />
          <Line text={`${doerOf(item)} on ${item.target}`} className="max-w-full" />
          <Time at={item.at} relative />
          {item.leftMs !== null && <span>kept {spanWords(item.leftMs)} more</span>}
        </div>
      </div>
      <Button size="small" onClick={onOpen}>
        {may && item.state === 'kept' ? 'Take back …' : 'Look'}
      </Button>
    </div>
  );
}

/** The role of the target alone would name the connection that an undo came by. */
function doerOf({ agent, application, role, undoOf }: Item): string {
  if (undoOf !== null) return 'A person took another act back';
  if (agent !== null) return agent;
  // Any client may call itself so: the role stays beside it.
  return OWN_WORK.test(application) ? `${application} (as ${role})` : role;
}

/** What Holdfast calls the transactions that it writes into a target itself; errors name them so. */
const OWN_WORK = /^holdfast (?:restore|rebuild|rebuild rollback) [a-z]+_[0-9a-z]{16}\b/;

const OPS = {
  D: 'deleted from',
  U: 'changed in',
  I: 'added to',
  T: 'emptied from',
  X: '',
} as const;

export function partsWords(item: Pick<Item, 'parts'>): string {
  const words = item.parts.map(({ op, name, rows }) =>
    op === 'X' ? name : `${plural(rows, 'row')} ${OPS[op]} ${name}`,
  );
  return words.length === 0 ? 'An act without parts' : words.join('; ');
}
