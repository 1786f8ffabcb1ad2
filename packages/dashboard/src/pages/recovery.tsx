/** Recovery: of each target, how well it could be brought back, and why it is no better. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Answer } from '../api/client.ts';
import { plural } from '../lib/measures.ts';
import { Badge, EnvironmentBadge } from '../ui/badge.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { Text } from '../ui/text.tsx';
import { Time } from '../ui/time.tsx';
import { HowTo } from './recovery/how-to.tsx';
import { recoveryQuery } from './recovery/queries.ts';
import { againstPromise, COLOUR_WORDS, SEEN_WORDS, TONES } from './recovery/words.ts';

type Item = Answer<'recovery.list'>['items'][number];

export function RecoveryPage(): ReactNode {
  const query = useQuery(recoveryQuery);
  return (
    <Page
      title="Recovery"
      lead="What could be brought back, how far back, and how long it takes: only what a drill brought back counts."
      actions={
        <Link to="/rebuilds" className="link text-[0.93rem]">
          Rebuilds
        </Link>
      }
    >
      <Loaded query={query} what="recovery">
        {({ isKeptHere, items }) => {
          const isAny = items.some(({ seen }) => seen !== 'not-configured');
          return (
            <>
              {items.length === 0 && (
                <EmptyState title="No target is declared" command="holdfast config check">
                  What holdfast.yaml names as a target can have recovery points.
                </EmptyState>
              )}
              {isAny && !isKeptHere && (
                <p className="rounded-lg bg-warn-soft p-3 text-[0.93rem] text-warn">
                  <span aria-hidden="true">● </span>
                  This Holdfast does not keep recovery just now: another of the installation does,
                  or none. What stands here is what was left on this machine.
                </p>
              )}
              <ul aria-label="Targets" className="grid gap-3">
                {items.map((item) => (
                  <li key={item.target}>
                    <ItemView item={item} />
                  </li>
                ))}
              </ul>
              {items.length > 0 && !isAny && <HowTo />}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function ItemView({ item }: { readonly item: Item }): ReactNode {
  const { environment, level, seen, standing, target } = item;
  return (
    <section aria-label={`recovery of ${target}`} className="panel grid gap-2 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="text-base">
          <Link to="/recovery/$target" params={{ target }} className="link">
            <Text text={target} className="font-mono" />
          </Link>
        </h2>
        <EnvironmentBadge name={environment} level={level} />
        {standing !== null && seen === 'fresh' && (
          <Badge tone={TONES[standing.colour]}>{standing.colour}</Badge>
        )}
        {standing !== null && seen !== 'fresh' && <Badge tone="warn">was {standing.colour}</Badge>}
        {standing === null && (
          <Badge tone="danger">{seen === 'not-configured' ? 'no recovery' : 'not known'}</Badge>
        )}
      </div>
      <p>
        {seen === 'fresh' && standing !== null ? COLOUR_WORDS[standing.colour] : null}
        {seen !== 'fresh' && SEEN_WORDS[seen]}
      </p>
      {standing !== null && (
        <>
          {standing.because.length > 0 && (
            <ul className="list-disc pl-5 text-[0.9rem]">
              {standing.because.slice(0, 2).map((sentence) => (
                <li key={sentence}>
                  <Text text={sentence} />
                </li>
              ))}
            </ul>
          )}
          <dl className="flex flex-wrap gap-x-8 gap-y-2 text-[0.9rem]">
            <Figure name="Newest proven">
              {standing.provenAt === null ? (
                'none'
              ) : (
                <>
                  <Time at={standing.provenAt} relative />,{' '}
                  {standing.isOutside ? 'outside' : 'inside'} the blast radius
                </>
              )}
            </Figure>
            <Figure name="Would be lost">
              {againstPromise(standing.rpoMs, standing.promise.rpoMs)}
            </Figure>
            <Figure name="Would take">
              {againstPromise(standing.rtoMs, standing.promise.rtoMs)}
            </Figure>
            <Figure name="Kept">
              {plural(standing.points, 'point')} in {plural(standing.vaults, 'vault')}
            </Figure>
          </dl>
        </>
      )}
    </section>
  );
}

function Figure({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div>
      <dt className="text-[0.82rem] text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
