/** Around every page: where one can go, what waits, whether news come, and who one is. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { ask } from '../api/client.ts';
import { listen, useLiveness } from '../api/live.ts';
import { nowQuery, sessionQuery } from '../api/queries.ts';
import { atMost } from '../lib/at-most.ts';
import { plural } from '../lib/measures.ts';
import { oneLine } from '../lib/visible.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Mark } from '../ui/mark.tsx';
import { sayProblem } from '../ui/toast.tsx';
import { Icon } from './icons.tsx';
import { listenToKeys, useKeys } from './keyboard.tsx';
import { Palette } from './palette.tsx';
import { PLACES_SHOWN, type Place } from './places.ts';
import { ProveAgain } from './prove-again.tsx';
import { usePerson } from './session.ts';
import { Shortcuts } from './shortcuts.tsx';
import { setTheme, type Theme, useTheme } from './theme.ts';

type Over = 'palette' | 'shortcuts' | 'more' | null;

/** To take the subscription of this browser back, before the page is left. */
const FORGET_MS_MAX = 2_000;

const SIDE = PLACES_SHOWN.filter(({ to }) => to !== '/account');
const BOTTOM = SIDE.slice(0, 4);

export function Layout(): ReactNode {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [over, setOver] = useState<Over>(null);
  useEffect(() => listenToKeys(), []);
  useEffect(() => listen(queries), [queries]);
  useKeys({
    palette: () => setOver('palette'),
    '?': () => setOver('shortcuts'),
    ...Object.fromEntries(
      PLACES_SHOWN.map(({ key, to }) => [`g ${key}`, () => void navigate({ to })]),
    ),
  });
  const waiting = useQuery(nowQuery).data?.holds.waiting ?? 0;
  return (
    <div className="md:grid md:grid-cols-[13.5rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-accent focus:px-4 focus:py-2 focus:text-accent-ink"
      >
        Skip to the page
      </a>
      <aside className="sticky top-0 hidden h-dvh flex-col gap-4 border-r border-line bg-surface p-3 md:flex">
        <Brand />
        <nav aria-label="Pages" className="grid gap-0.5">
          {SIDE.map((place) => (
            <PlaceLink key={place.to} place={place} waiting={waiting} />
          ))}
        </nav>
        <div className="mt-auto grid gap-2">
          <Button size="small" onClick={() => setOver('palette')} className="justify-between">
            Go to, or do <span className="font-mono text-[0.75rem] text-muted">⌘K</span>
          </Button>
          <Self />
        </div>
      </aside>
      <div className="min-w-0 pb-24 md:pb-6">
        <div className="flex items-center justify-between border-b border-line bg-surface px-4 py-2 md:hidden">
          <Brand />
        </div>
        <main id="main" tabIndex={-1} className="outline-none">
          <Outlet />
        </main>
      </div>
      <nav
        aria-label="Pages"
        className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-5 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
      >
        {BOTTOM.map((place) => (
          <BottomLink key={place.to} place={place} waiting={waiting} />
        ))}
        <button
          type="button"
          onClick={() => setOver('more')}
          className="grid min-h-14 place-items-center content-center gap-0.5 text-[0.73rem] text-muted"
        >
          <Icon of="more" />
          More
        </button>
      </nav>
      <Announcer waiting={waiting} />
      <ProveAgain />
      {over === 'palette' && (
        <Palette onClose={() => setOver(null)} onShortcuts={() => setOver('shortcuts')} />
      )}
      {over === 'shortcuts' && <Shortcuts onClose={() => setOver(null)} />}
      {over === 'more' && (
        <Dialog title="More" onClose={() => setOver(null)}>
          <nav aria-label="More pages" className="grid gap-1">
            {SIDE.slice(4).map((place) => (
              <PlaceLink key={place.to} place={place} waiting={0} onGo={() => setOver(null)} />
            ))}
          </nav>
          <Self onGo={() => setOver(null)} />
        </Dialog>
      )}
    </div>
  );
}

function Brand(): ReactNode {
  const liveness = useLiveness();
  return (
    <div className="flex items-center gap-2 px-1">
      <Mark className="size-6" />
      <span className="font-semibold tracking-tight">Holdfast</span>
      <span
        role="status"
        className={`ml-1 flex items-center gap-1 text-[0.75rem] ${liveness === 'live' ? 'text-ok' : 'text-warn'}`}
        title={
          liveness === 'live'
            ? 'News come as they happen.'
            : 'The stream of news is away; lists are asked every 15 seconds.'
        }
      >
        <span aria-hidden="true">{liveness === 'live' ? '●' : '○'}</span>
        {liveness === 'live' ? 'live' : 'reconnecting'}
      </span>
    </div>
  );
}

interface PlaceLinkProps {
  readonly place: Place;
  readonly waiting: number;
  readonly onGo?: () => void;
}

function PlaceLink({ place, waiting, onGo }: PlaceLinkProps): ReactNode {
  return (
    <Link
      to={place.to}
      onClick={onGo}
      activeOptions={{ exact: place.to === '/' }}
      className="flex min-h-10 items-center gap-2.5 rounded-lg px-2.5 text-muted hover:bg-sunken hover:text-ink aria-[current]:bg-accent-soft aria-[current]:font-semibold aria-[current]:text-ink"
    >
      <Icon of={place.to} />
      {place.name}
      {place.to === '/holds' && waiting > 0 && <Count value={waiting} />}
    </Link>
  );
}

function BottomLink({ place, waiting }: PlaceLinkProps): ReactNode {
  return (
    <Link
      to={place.to}
      activeOptions={{ exact: place.to === '/' }}
      className="relative grid min-h-14 place-items-center content-center gap-0.5 text-[0.73rem] text-muted aria-[current]:font-semibold aria-[current]:text-accent"
    >
      <Icon of={place.to} />
      {place.name}
      {place.to === '/holds' && waiting > 0 && (
        <span className="absolute top-1 left-[calc(50%+0.4rem)]">
          <Count value={waiting} />
        </span>
      )}
    </Link>
  );
}

function Count({ value }: { readonly value: number }): ReactNode {
  return (
    <span className="ml-auto min-w-5 rounded-full bg-accent px-1.5 text-center text-[0.72rem] leading-5 font-semibold text-accent-ink">
      {value > 999 ? '999+' : value}
      <span className="sr-only"> waiting</span>
    </span>
  );
}

/** Most pages never need web push: its code comes when somebody signs out. */
async function forgetThisBrowser(): Promise<void> {
  const { forgetHere } = await import('../push.ts');
  await forgetHere();
}

function Self({ onGo }: { readonly onGo?: () => void }): ReactNode {
  const person = usePerson();
  const theme = useTheme();
  const queries = useQueryClient();
  const signOut = async (): Promise<void> => {
    try {
      // First: the page is left as soon as the session is closed. But a browser that never answers keeps nobody
      // signed in: the gateway sends it nothing any more once the session is closed.
      await atMost(FORGET_MS_MAX, forgetThisBrowser());
      await ask('session.close');
      queries.clear();
      await queries.invalidateQueries(sessionQuery);
      window.location.assign('/');
    } catch (error) {
      sayProblem(error);
    }
  };
  if (person === null) return null;
  return (
    <div className="grid gap-2 border-t border-line pt-2">
      <Link
        to="/account"
        onClick={onGo}
        className="flex min-h-10 items-center gap-2.5 rounded-lg px-2.5 hover:bg-sunken aria-[current]:bg-accent-soft"
      >
        <Icon of="/account" />
        <span className="min-w-0">
          <bdi className="block truncate font-medium">{oneLine(person.name)}</bdi>
          <span className="block truncate text-[0.78rem] text-muted">
            {person.roles.join(', ')}
          </span>
        </span>
      </Link>
      <div className="flex gap-2">
        <label className="grow">
          <span className="sr-only">Colours</span>
          <select
            value={theme}
            onChange={(event) => setTheme(themeOf(event.target.value))}
            className="min-h-8 w-full rounded-lg border border-line-strong bg-surface px-1 text-[0.82rem]"
          >
            <option value="device">As device</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
        <Button size="small" tone="quiet" onClick={() => void signOut()}>
          Sign out
        </Button>
      </div>
    </div>
  );
}

function themeOf(value: string): Theme {
  return value === 'light' || value === 'dark' ? value : 'device';
}

/** Says aloud when more waits than before. */
function Announcer({ waiting }: { readonly waiting: number }): ReactNode {
  const before = useRef(waiting);
  const [words, setWords] = useState('');
  useEffect(() => {
    if (waiting > before.current) setWords(`${plural(waiting, 'hold')} now waiting for people.`);
    before.current = waiting;
  }, [waiting]);
  return (
    <p aria-live="polite" className="sr-only">
      {words}
    </p>
  );
}
