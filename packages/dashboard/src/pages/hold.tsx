/** One hold: its card, and where it is decided. */
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { holdQuery } from '../api/queries.ts';
import { headline } from '../lib/plain-words.ts';
import { oneLine } from '../lib/visible.ts';
import { EnvironmentBadge, StateBadge } from '../ui/badge.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { Text } from '../ui/text.tsx';
import { Countdown, Time } from '../ui/time.tsx';
import { StopAgent } from './agents/stop-agent.tsx';
import { Alike, LastMinutes } from './hold/around.tsx';
import { Asker, Reach, Signatures, Statement, TakingBack, Where } from './hold/card.tsx';
import { DecidePanel } from './hold/decide-panel.tsx';

const route = getRouteApi('/inside/holds/$id');

export function HoldPage(): ReactNode {
  const { id } = route.useParams();
  const query = useQuery(holdQuery(id));
  return (
    <Loaded query={query} what="the hold">
      {(hold) => (
        <Page
          title={oneLine(headline(hold.effects, hold.couldNotTell))}
          lead={
            <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <Link to="/holds" className="link">
                Holds
              </Link>
              <StateBadge state={hold.state} />
              <EnvironmentBadge name={hold.environment} level={hold.level} />
              <span>
                on <Text text={hold.target} className="font-mono text-ink" />, asked by{' '}
                <Text text={hold.agent} className="font-medium text-ink" />{' '}
                <Time at={hold.openedAt} relative />
              </span>
              {hold.state === 'waiting' && <Countdown to={hold.expiresAt} />}
              <span className="basis-full text-[0.87rem]">
                How the environment was resolved: <Text text={hold.resolvedBy} />
              </span>
            </span>
          }
        >
          <div className="grid grid-cols-[minmax(0,1fr)] gap-4 pb-20 md:pb-0 lg:grid-cols-[minmax(0,1fr)_21rem]">
            <div className="grid grid-cols-[minmax(0,1fr)] content-start gap-4">
              <Statement hold={hold} />
              <TakingBack hold={hold} />
              <Reach hold={hold} />
              <Where hold={hold} />
              <Asker hold={hold} />
              <LastMinutes hold={hold} />
              <Alike hold={hold} />
            </div>
            <div className="grid content-start gap-4 lg:sticky lg:top-5 lg:self-start">
              <DecidePanel key={hold.id} hold={hold} />
              <Signatures hold={hold} />
              <StopAgent
                key={`stop ${hold.id}`}
                name={hold.agent}
                note={`Paused while looking at ${hold.id}`}
              />
            </div>
          </div>
        </Page>
      )}
    </Loaded>
  );
}
