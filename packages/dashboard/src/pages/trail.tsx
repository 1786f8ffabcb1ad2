/** The trail, newest first and live: filters in the address, one entry whole, the check, the export. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Answer } from '../api/client.ts';
import { download } from '../api/download.ts';
import { trailQuery, trailStatusQuery } from '../api/queries.ts';
import { STREAMS } from '../api/routes.ts';
import { type TrailFilters, trailFilters } from '../lib/filters.ts';
import { countWords, plural } from '../lib/measures.ts';
import { useMay } from '../shell/session.ts';
import { Badge, StateBadge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Field, Select } from '../ui/field.tsx';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { Line } from '../ui/text.tsx';
import { Time } from '../ui/time.tsx';
import { useAttempt } from '../ui/use-attempt.ts';
import { VirtualList } from '../ui/virtual-list.tsx';
import { EntryDialog } from './trail/entry-dialog.tsx';
import { ReportDialog } from './trail/report-dialog.tsx';
import { VerifyDialog } from './trail/verify-dialog.tsx';

type Entry = Answer<'trail.list'>['items'][number];
const route = getRouteApi('/inside/trail');
const ROW_PX = 62;

export function TrailPage(): ReactNode {
  const search = route.useSearch();
  const navigate = useNavigate();
  const mayExport = useMay('trail.export');
  const mayVerify = useMay('trail.verify');
  const [isVerifying, setIsVerifying] = useState(false);
  const [isReporting, setIsReporting] = useState(false);
  const { busy, error, run } = useAttempt();
  const save = (): Promise<void> => download(STREAMS.export, 'holdfast-trail.jsonl');
  const status = useQuery(trailStatusQuery).data;
  const show = (filters: TrailFilters): void => void navigate({ to: '/trail', search: filters });
  return (
    <Page
      title="Trail"
      lead={
        status === undefined
          ? 'What was asked, what was decided, and what came of it.'
          : `${plural(status.size, 'entry', 'entries')}, signed by ${status.origin}. Nothing in it can be changed without it showing.`
      }
      actions={
        <div className="flex flex-wrap gap-2">
          {mayExport && <Button onClick={() => setIsReporting(true)}>Report for a period</Button>}
          {mayVerify && <Button onClick={() => setIsVerifying(true)}>Verify</Button>}
          {mayExport && (
            <Button isBusy={busy} onClick={() => void run(save)}>
              Export
            </Button>
          )}
        </div>
      }
    >
      {error !== null && <ProblemNote error={error} />}
      <Filters key={JSON.stringify(search)} filters={search} onFilter={show} />
      <Entries filters={search} onOpen={(at) => show({ ...search, at })} />
      {search.at !== undefined && (
        <EntryDialog
          index={search.at}
          onClose={() => show(without(search))}
          onOpen={(at) => show({ ...search, at })}
        />
      )}
      {isReporting && <ReportDialog onClose={() => setIsReporting(false)} />}
      {isVerifying && <VerifyDialog onClose={() => setIsVerifying(false)} />}
    </Page>
  );
}

function without({ at: _at, ...filters }: TrailFilters): TrailFilters {
  return filters;
}

interface FiltersProps {
  readonly filters: TrailFilters;
  readonly onFilter: (filters: TrailFilters) => void;
}

function Filters({ filters, onFilter }: FiltersProps): ReactNode {
  const [text, setText] = useState(filters.text ?? '');
  const [agent, setAgent] = useState(filters.agent ?? '');
  const [target, setTarget] = useState(filters.target ?? '');
  const [verdict, setVerdict] = useState<string>(filters.verdict ?? '');
  const [kind, setKind] = useState(filters.kind ?? '');
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <search>
      <form
        className="grid grid-cols-2 items-end gap-2 md:grid-cols-[2fr_1fr_1fr_1fr_1fr_auto]"
        onSubmit={(event) => {
          event.preventDefault();
          onFilter(
            trailFilters({
              text: text.trim(),
              agent: agent.trim(),
              target: target.trim(),
              verdict,
              kind: kind.trim(),
            }),
          );
        }}
      >
        <div className="col-span-2 md:col-span-1">
          <Field
            label="Text in it"
            type="search"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <Field label="Agent" value={agent} onChange={(event) => setAgent(event.target.value)} />
        <Field label="Target" value={target} onChange={(event) => setTarget(event.target.value)} />
        <Select
          label="Verdict"
          value={verdict}
          onChange={(event) => setVerdict(event.target.value)}
        >
          <option value="">any</option>
          <option>forward</option>
          <option>protect</option>
          <option>hold</option>
          <option>refuse</option>
        </Select>
        <Field
          label="Kind"
          placeholder="decision, signed-in …"
          value={kind}
          onChange={(event) => setKind(event.target.value)}
        />
        <div className="flex gap-1">
          <Button type="submit">Filter</Button>
          {isFiltered && (
            <Button tone="quiet" onClick={() => onFilter({})}>
              Clear
            </Button>
          )}
        </div>
      </form>
    </search>
  );
}

function Entries({
  filters,
  onOpen,
}: {
  readonly filters: TrailFilters;
  readonly onOpen: (index: number) => void;
}): ReactNode {
  const query = useInfiniteQuery(trailQuery(filters));
  if (query.isError && query.data === undefined) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading what="the trail" />;
  const items = query.data.pages.flatMap((page) => page.items);
  const lookedTo = query.data.pages.at(-1)?.lookedTo ?? null;
  if (items.length === 0 && query.hasNextPage) {
    return (
      <EmptyState
        title={`Nothing among the newest entries${lookedTo === null ? '' : `, down to ${countWords(lookedTo)}`}`}
      >
        <Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Look further back
        </Button>
      </EmptyState>
    );
  }
  if (items.length === 0) {
    return (
      <EmptyState title="No entry fits">
        Every statement of an agent, every decision of a person and every outcome is an entry here.
        Take a filter away, or let an agent do something.
      </EmptyState>
    );
  }
  return (
    <VirtualList
      label="Entries of the trail"
      items={items}
      keyOf={(entry) => String(entry.index)}
      rowPx={ROW_PX}
      row={(entry) => <EntryRow entry={entry} onOpen={() => onOpen(entry.index)} />}
      onOpen={(entry) => onOpen(entry.index)}
      hasMore={query.hasNextPage}
      onEnd={() => {
        if (!query.isFetching) void query.fetchNextPage();
      }}
    />
  );
}

function EntryRow({
  entry,
  onOpen,
}: {
  readonly entry: Entry;
  readonly onOpen: () => void;
}): ReactNode {
  const who = [entry.agent, entry.target].filter((one) => one !== null).join(' → ');
  return (
    <button
      type="button"
      onClick={onOpen}
      className="grid w-full grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-0.5 px-2 py-2.5 text-left hover:bg-sunken"
    >
      <Line
        text={entry.text === '' ? entry.kind : entry.text}
        className={entry.kind === 'decision' ? 'font-mono text-[0.88rem]' : ''}
      />
      <span className="text-right text-[0.85rem] text-muted">
        <Time at={entry.at} />
      </span>
      <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-0.5 text-[0.85rem] text-muted">
        <span className="tabular-nums">#{countWords(entry.index)}</span>
        {entry.verdict === null ? (
          <Badge>{entry.kind}</Badge>
        ) : (
          <StateBadge state={entry.verdict} />
        )}
        {entry.outcome !== null && <StateBadge state={entry.outcome.kind} />}
        {who !== '' && <Line text={who} className="max-w-full" />}
      </span>
      {entry.rule !== null && (
        <span className="hidden text-right font-mono text-[0.8rem] text-muted md:block">
          {entry.rule}
        </span>
      )}
    </button>
  );
}
