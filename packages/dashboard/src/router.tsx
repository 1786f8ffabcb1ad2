/** Every address of the dashboard. What most people do not look at first comes as a piece of its own. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from '@tanstack/react-router';
import { oneOf, trailFilters } from './lib/filters.ts';
import { HoldsPage } from './pages/holds.tsx';
import { REBUILD_SHOWS } from './pages/recovery/rebuild-shows.ts';
import { Gate, NotFound, PageFault } from './shell/gate.tsx';

function showSearch<T extends string>(choices: readonly T[]) {
  return (search: Record<string, unknown>): { show?: T } => {
    const show = oneOf(choices, search['show']);
    return show === undefined ? {} : { show };
  };
}

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: PageFault,
});

/** Only for who is signed in: the gate shows the way to sign in, and the address stays. */
const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Gate });

const now = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/now.tsx'), 'NowPage'),
});
const holds = createRoute({
  getParentRoute: () => inside,
  path: '/holds',
  validateSearch: showSearch(['open', 'all', 'proposals']),
  component: HoldsPage,
});
const hold = createRoute({
  getParentRoute: () => inside,
  path: '/holds/$id',
  component: lazyRouteComponent(() => import('./pages/hold.tsx'), 'HoldPage'),
});
const undo = createRoute({
  getParentRoute: () => inside,
  path: '/undo',
  validateSearch: showSearch(['open', 'all', 'waiting']),
  component: lazyRouteComponent(() => import('./pages/undo.tsx'), 'UndoPage'),
});
const rebuilds = createRoute({
  getParentRoute: () => inside,
  path: '/rebuilds',
  component: lazyRouteComponent(() => import('./pages/recovery/rebuilds.tsx'), 'RebuildsPage'),
});
const rebuild = createRoute({
  getParentRoute: () => inside,
  path: '/rebuilds/$id',
  validateSearch: showSearch(REBUILD_SHOWS),
  component: lazyRouteComponent(() => import('./pages/recovery/rebuild.tsx'), 'RebuildPage'),
});
const trail = createRoute({
  getParentRoute: () => inside,
  path: '/trail',
  validateSearch: trailFilters,
  component: lazyRouteComponent(() => import('./pages/trail.tsx'), 'TrailPage'),
});
const targets = createRoute({
  getParentRoute: () => inside,
  path: '/targets',
  component: lazyRouteComponent(() => import('./pages/targets.tsx'), 'TargetsPage'),
});
const recovery = createRoute({
  getParentRoute: () => inside,
  path: '/recovery',
  component: lazyRouteComponent(() => import('./pages/recovery.tsx'), 'RecoveryPage'),
});
const recoveryOf = createRoute({
  getParentRoute: () => inside,
  path: '/recovery/$target',
  component: lazyRouteComponent(() => import('./pages/recovery/target.tsx'), 'RecoveryTargetPage'),
});
const agents = createRoute({
  getParentRoute: () => inside,
  path: '/agents',
  component: lazyRouteComponent(() => import('./pages/agents.tsx'), 'AgentsPage'),
});
const people = createRoute({
  getParentRoute: () => inside,
  path: '/people',
  component: lazyRouteComponent(() => import('./pages/people.tsx'), 'PeoplePage'),
});
const policy = createRoute({
  getParentRoute: () => inside,
  path: '/policy',
  validateSearch: showSearch(['rules', 'try', 'backtest']),
  component: lazyRouteComponent(() => import('./pages/policy.tsx'), 'PolicyPage'),
});
const account = createRoute({
  getParentRoute: () => inside,
  path: '/account',
  component: lazyRouteComponent(() => import('./pages/account.tsx'), 'AccountPage'),
});
const device = createRoute({
  getParentRoute: () => inside,
  path: '/device',
  component: lazyRouteComponent(() => import('./pages/device.tsx'), 'DevicePage'),
});
const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('./pages/join.tsx'), 'JoinPage'),
});
const sso = createRoute({
  getParentRoute: () => root,
  path: '/sso',
  component: lazyRouteComponent(() => import('./pages/sso.tsx'), 'SsoPage'),
});

const tree = root.addChildren([
  inside.addChildren([
    now,
    holds,
    hold,
    undo,
    rebuilds,
    rebuild,
    trail,
    targets,
    recovery,
    recoveryOf,
    agents,
    people,
    policy,
    account,
    device,
  ]),
  join,
  sso,
]);

export function makeRouter() {
  return createRouter({
    routeTree: tree,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: PageFault,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: false,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
