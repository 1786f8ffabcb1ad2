/** One target: how it stands, work by hand, its points over time, who can destroy them, and the way back. */
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Answer } from '../../api/client.ts';
import { spanWords } from '../../lib/times.ts';
import { oneLine } from '../../lib/visible.ts';
import { useMay } from '../../shell/session.ts';
import { Badge, EnvironmentBadge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { Fact, Facts, Page, Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { HowTo } from './how-to.tsx';
import { LossMap } from './loss-map.tsx';
import { Orders } from './orders.tsx';
import { Proof } from './proof.tsx';
import { recoveryOfQuery } from './queries.ts';
import { RestoreWizard } from './restore-wizard.tsx';
import { Timeline } from './timeline.tsx';
import { COLOUR_WORDS, type Report, SEEN_WORDS, shortSpan, TONES } from './words.ts';

type Shown = Answer<'recovery.show'>;

export function RecoveryTargetPage(): ReactNode {
  const { target } = useParams({ from: '/inside/recovery/$target' });
  const query = useQuery(recoveryOfQuery(target));
  const [isRestoring, setIsRestoring] = useState(false);
  const mayRestore = useMay('undo.apply');
  const shown = query.data;
  const canRestore = shown?.isKeptHere === true && shown.hasIdentity && mayRestore;
  return (
    <Page
      title={`Recovery of ${oneLine(target)}`}
      lead={
        <Link to="/recovery" className="link">
          All targets
        </Link>
      }
      actions={
        canRestore && (
          <Button tone="primary" onClick={() => setIsRestoring(true)}>
            Restore …
          </Button>
        )
      }
    >
      <Loaded query={query} what={`recovery of ${oneLine(target)}`}>
        {(data) => <TargetView shown={data} />}
      </Loaded>
      {isRestoring && shown !== undefined && (
        <RestoreWizard shown={shown} onClose={() => setIsRestoring(false)} />
      )}
    </Page>
  );
}

function TargetView({ shown }: { readonly shown: Shown }): ReactNode {
  const { report, seen } = shown;
  if (seen === 'not-configured') {
    return (
      <>
        <p>
          <Badge tone="danger">no recovery</Badge> {SEEN_WORDS[seen]}
        </p>
        <HowTo />
      </>
    );
  }
  return (
    <>
      <Standing shown={shown} />
      <Orders shown={shown} />
      {report !== null && (
        <>
          <Timeline shown={shown} report={report} />
          <Proof report={report} />
          <LossMap report={report} />
        </>
      )}
    </>
  );
}

function Standing({ shown }: { readonly shown: Shown }): ReactNode {
  const { environment, level, report, seen } = shown;
  return (
    <Panel title="How it stands" aside={<EnvironmentBadge name={environment} level={level} />}>
      <p className="flex flex-wrap items-baseline gap-2">
        {report !== null && (
          <Badge tone={seen === 'fresh' ? TONES[report.colour] : 'warn'}>
            {seen === 'fresh' ? report.colour : `was ${report.colour}`}
          </Badge>
        )}
        <span className="font-medium">
          {seen === 'fresh' && report !== null ? COLOUR_WORDS[report.colour] : null}
          {seen !== 'fresh' && SEEN_WORDS[seen]}
        </span>
      </p>
      {report !== null && <Figures report={report} isFresh={seen === 'fresh'} />}
    </Panel>
  );
}

function Figures({
  isFresh,
  report,
}: {
  readonly isFresh: boolean;
  readonly report: Report;
}): ReactNode {
  const { at, because, isRunning, outside, promise, proven, rpoMs, rtoMs } = report;
  const best = outside ?? proven;
  return (
    <>
      {because.length > 0 && (
        <ul aria-label="Why it is no better" className="list-disc pl-5 text-[0.93rem]">
          {because.map((sentence) => (
            <li key={sentence}>
              <Text text={sentence} />
            </li>
          ))}
        </ul>
      )}
      <div className="grid gap-3 sm:grid-cols-3">
        <Measure name="Would be lost (RPO)" ms={rpoMs} promised={promise.rpoMs} {...{ isFresh }} />
        <Measure name="Would take (RTO)" ms={rtoMs} promised={promise.rtoMs} {...{ isFresh }} />
        <Measure
          name="Age of the newest proven point"
          ms={best === null ? null : Math.max(0, Date.parse(at) - Date.parse(best.at))}
          promised={promise.provenAgeMsMax}
          {...{ isFresh }}
        />
      </div>
      <Facts>
        <Fact name="Newest proven">
          {proven === null ? (
            'none'
          ) : (
            <>
              <Text
                text={`${proven.point} in ${proven.vault}`}
                className="font-mono text-[0.87rem]"
              />
              , <Time at={proven.at} relative />
            </>
          )}
        </Fact>
        <Fact name="Of it outside">
          {outside === null ? (
            'none: what would take the target could take its points, too'
          ) : (
            <Text
              text={`${outside.point} in ${outside.vault}`}
              className="font-mono text-[0.87rem]"
            />
          )}
        </Fact>
        <Fact name="Looked at">
          <Time at={at} relative />
          {isRunning ? '; WAL is streamed' : '; no WAL is streamed'}
        </Fact>
      </Facts>
    </>
  );
}

interface MeasureProps {
  readonly name: string;
  readonly ms: number | null;
  readonly promised: number;
  /** False: it is of a look of before, and says nothing of now. */
  readonly isFresh: boolean;
}

/** A bar of what was promised; the word says again whether it was kept. */
function Measure({ isFresh, ms, name, promised }: MeasureProps): ReactNode {
  const share = ms === null ? 1 : Math.min(1, ms / Math.max(1, promised));
  const state = ms === null || !isFresh ? 'warn' : ms <= promised ? 'ok' : 'danger';
  const unknown = isFresh ? 'not known' : 'not known now';
  const words = { ok: 'kept', warn: unknown, danger: 'not kept' }[state];
  const fills = { ok: 'bg-ok', warn: 'bg-warn', danger: 'bg-danger' };
  return (
    <div className="grid content-start gap-1 rounded-lg bg-sunken p-3">
      <p className="text-[0.87rem] text-muted">{name}</p>
      <p className="text-lg font-semibold tabular-nums">
        {ms === null ? 'not known' : shortSpan(ms)}
      </p>
      <div aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-line">
        <div
          className={`h-full rounded-full ${fills[state]}`}
          style={{ width: `${Math.max(2, Math.round(share * 100))}%` }}
        />
      </div>
      <p className="text-[0.82rem] text-muted">
        {spanWords(promised)} promised: {words}
      </p>
    </div>
  );
}
