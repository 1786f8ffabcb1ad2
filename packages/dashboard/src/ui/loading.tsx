/** While it comes; or why it did not. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ProblemNote } from './problem.tsx';

export function Loading({ what }: { readonly what: string }): ReactNode {
  return (
    <p role="status" className="px-1 py-8 text-center text-muted">
      Looking up {what} …
    </p>
  );
}

export interface LoadedProps<T> {
  readonly query: UseQueryResult<T>;
  readonly what: string;
  readonly children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, what, children }: LoadedProps<T>): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.isError)
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading what={what} />;
}
