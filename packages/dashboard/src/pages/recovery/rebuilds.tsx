/** Gap rebuilds: what was proposed to be put back, newest first. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Answer } from '../../api/client.ts';
import { rebuildsQuery } from '../../api/queries.ts';
import { countWords, plural } from '../../lib/measures.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Loading } from '../../ui/loading.tsx';
import { Page } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';

type Line = Answer<'rebuilds.list'>['items'][number];

export function RebuildsPage(): ReactNode {
  return (
    <Page
      title="Rebuilds"
      lead="What a restored copy lacks, proposed from what is known since: rows Holdfast captured, payments, calendars, mail. People look at each cell; nothing goes into the live database before several have signed."
    >
      <RebuildList />
    </Page>
  );
}

function RebuildList(): ReactNode {
  const query = useInfiniteQuery(rebuildsQuery());
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="the rebuilds" />;
  const items = query.data.pages.flatMap((page) => page.items);
  if (items.length === 0) {
    return (
      <EmptyState
        title="No rebuild was proposed yet"
        command="holdfast recovery rebuild main-db --mapping rebuild.yaml --source payments=pay.csv"
      >
        After a restore, what happened between the restored moment and the loss is missing. One
        command proposes those rows, on the machine where the copy lies:
      </EmptyState>
    );
  }
  return (
    <>
      <ul aria-label="Rebuilds" className="panel divide-y divide-line">
        {items.map((item) => (
          <RebuildLine key={item.id} item={item} />
        ))}
      </ul>
      {query.hasNextPage && (
        <Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Show older ones
        </Button>
      )}
    </>
  );
}

function RebuildLine({ item }: { readonly item: Line }): ReactNode {
  const { counts } = item;
  return (
    <li className="grid gap-1 px-4 py-3">
      <Link to="/rebuilds/$id" params={{ id: item.id }} className="link w-fit font-medium">
        <Text text={`${item.table} of ${item.target}`} />
      </Link>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-[0.87rem] text-muted">
        <Badge tone="ok">{countWords(counts.READY)} ready</Badge>
        {counts.CONFLICT > 0 && <Badge tone="danger">{plural(counts.CONFLICT, 'conflict')}</Badge>}
        {counts.INCOMPLETE > 0 && (
          <Badge tone="warn">{countWords(counts.INCOMPLETE)} incomplete</Badge>
        )}
        <span>
          proposed <Time at={item.at} relative />
        </span>
        <span>
          for a copy of <Time at={item.copyAt} />
        </span>
      </p>
    </li>
  );
}
