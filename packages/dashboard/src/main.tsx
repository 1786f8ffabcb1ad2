/** Starts the page: colours before the first paint, then whoever is signed in, then where they wanted to go. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { watchForPeople } from './api/attended.ts';
import { onSignedOut } from './api/client.ts';
import { onPageChanged } from './api/page-secret.ts';
import { Problem } from './api/problem.ts';
import { holdsQuery, sessionQuery } from './api/queries.ts';
import './app.css';
import { makeRouter } from './router.tsx';
import { startTheme } from './shell/theme.ts';

const RETRIES = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal stays one; only what did not answer is asked again.
      retry: (count, error) =>
        count < RETRIES && error instanceof Problem && (error.status === 0 || error.status >= 502),
    },
    mutations: { retry: false },
  },
});

startTheme();
watchForPeople(window);
onSignedOut(() => void queries.invalidateQueries({ queryKey: sessionQuery.queryKey }));
onPageChanged(() => void queries.resetQueries());
// Asked for at once, side by side: who asks, and the list that most people come for.
void queries.prefetchQuery(sessionQuery);
if (window.location.pathname === '/holds' && window.location.search === '') {
  void queries.prefetchInfiniteQuery(holdsQuery('open'));
}
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={makeRouter()} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
