/** Whether this browser tells me of what waits, the others that do, and a test of all of them. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { pushQuery } from '../../api/queries.ts';
import { browserWords } from '../../lib/browser-words.ts';
import { plural } from '../../lib/measures.ts';
import { type PushState, pushState, turnOff, turnOn } from '../../push.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { Panel } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';

type Told = Answer<'self.push.list'>;

export function Notices({ person }: { readonly person: string }): ReactNode {
  const query = useQuery(pushQuery);
  return (
    <Panel title="Notifications">
      <Loaded query={query} what="where you are told">
        {(told) =>
          told.publicKey === null ? (
            <NotOffered />
          ) : (
            <InBrowsers person={person} told={told} publicKey={told.publicKey} />
          )
        }
      </Loaded>
    </Panel>
  );
}

function NotOffered(): ReactNode {
  return (
    <p className="text-muted">
      This Holdfast sends nothing to browsers. Whoever runs it can add a channel of the kind{' '}
      <code>web-push</code> under <code>notify.channels</code> in holdfast.yaml; then you can turn
      it on here and be told of what waits for you, even with this page closed.
    </p>
  );
}

function InBrowsers({
  person,
  publicKey,
  told,
}: {
  readonly person: string;
  readonly publicKey: string;
  readonly told: Told;
}): ReactNode {
  const queries = useQueryClient();
  const { busy, error, run } = useAttempt();
  const { items } = told;
  const ids = items.map(({ id }) => id);
  const state = useQuery({
    queryKey: ['self', 'push', 'here', person, ids],
    queryFn: () => pushState(person, ids),
    // Its person may change their mind in the settings of the browser at any time.
    refetchOnWindowFocus: 'always',
    staleTime: 0,
  });
  const act = (what: () => Promise<unknown>): Promise<void> =>
    run(async () => {
      try {
        await what();
      } finally {
        await queries.invalidateQueries({ queryKey: ['self', 'push'] });
      }
    });
  const test = async (): Promise<void> => {
    const { items: sent } = await ask('self.push.test');
    const failed = sent.filter(({ isDelivered }) => !isDelivered);
    say(
      failed.length === 0
        ? `Sent to ${plural(sent.length, 'browser')}. It shows in a moment.`
        : `${failed.length} of ${sent.length} did not get it: ${failed[0]?.reason ?? ''}.`,
      failed.length > 0,
    );
  };
  const here = state.data;
  return (
    <>
      <Loaded query={state} what="this browser">
        {(found) => (
          <Here
            state={found}
            busy={busy}
            onTurn={(to) => void act(() => turned(to, person, publicKey))}
          />
        )}
      </Loaded>
      {error !== null && <ProblemNote error={error} />}
      {items.length > 0 && (
        <>
          <ul className="divide-y divide-line border-y border-line">
            {items.map((one) => {
              const isHere = here?.kind === 'on' && here.id === one.id;
              const name = browserWords(one.userAgent) || 'a browser';
              return (
                <li
                  key={one.id}
                  className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-2 py-2"
                >
                  <span className="min-w-0">
                    <span className="flex flex-wrap items-center gap-2">
                      <Text text={name} className="font-medium" />
                      {isHere && <Badge tone="ok">this one</Badge>}
                    </span>
                    <span className="block font-mono text-[0.8rem] break-words text-muted">
                      {one.host}
                    </span>
                    <span className="block text-[0.87rem] text-muted">
                      added <Time at={one.addedAt} relative />, ends{' '}
                      <Time at={one.endsAt} relative />
                    </span>
                  </span>
                  <Button
                    size="small"
                    tone="quiet"
                    disabled={busy}
                    onClick={() => void act(() => turnOff(one.id))}
                    aria-label={`Remove ${name}`}
                  >
                    Remove
                  </Button>
                </li>
              );
            })}
          </ul>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <Button size="small" disabled={busy} onClick={() => void act(test)}>
              Send a test
            </Button>
            <span className="text-[0.87rem] text-muted">
              to your own browsers, and nobody else.
            </span>
          </div>
        </>
      )}
    </>
  );
}

function turned(
  to: { readonly on: boolean; readonly id: string },
  person: string,
  publicKey: string,
): Promise<void> {
  return to.on ? turnOn(person, publicKey) : turnOff(to.id);
}

interface HereProps {
  readonly state: PushState;
  readonly busy: boolean;
  readonly onTurn: (to: { readonly on: boolean; readonly id: string }) => void;
}

function Here({ busy, onTurn, state }: HereProps): ReactNode {
  switch (state.kind) {
    case 'unsupported':
      return (
        <p>
          <Badge>not here</Badge> <span className="text-muted">{state.why}</span>
        </p>
      );
    case 'denied':
      return (
        <p>
          <Badge tone="warn">blocked</Badge>{' '}
          <span className="text-muted">
            This browser was told to show none of this address. Its settings for the site undo that
            (the sign left of the address); then load the page again.
          </span>
        </p>
      );
    case 'off':
      return (
        <>
          <p>
            <Badge>off</Badge>{' '}
            <span className="text-muted">
              Be told here when something waits for you, even with this page closed. A notice says
              what and where, and opens its card; it decides nothing.
            </span>
          </p>
          <div>
            <Button tone="primary" isBusy={busy} onClick={() => onTurn({ on: true, id: '' })}>
              Turn on in this browser
            </Button>
          </div>
        </>
      );
    case 'on':
      return (
        <>
          <p>
            <Badge tone="ok">on</Badge>{' '}
            <span className="text-muted">
              You are told in this browser. It ends when you sign out here, or close its session.
            </span>
          </p>
          <div>
            <Button isBusy={busy} onClick={() => onTurn({ on: false, id: state.id })}>
              Turn off in this browser
            </Button>
          </div>
        </>
      );
    default:
      return state satisfies never;
  }
}
