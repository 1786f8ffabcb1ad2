/** Lets in who is signed in; shows the others the way. The address stays what it was. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { sessionQuery } from '../api/queries.ts';
import { EmptyState } from '../ui/empty-state.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { Toasts } from '../ui/toast.tsx';
import { Layout } from './layout.tsx';

const SignInPage = lazy(async () => ({
  default: (await import('../pages/sign-in.tsx')).SignInPage,
}));
const EnrolPage = lazy(async () => ({ default: (await import('../pages/enrol.tsx')).EnrolPage }));

export function Gate(): ReactNode {
  const session = useSession();
  return (
    <>
      <Inside session={session} />
      <Toasts />
    </>
  );
}

function Inside({ session }: { readonly session: ReturnType<typeof useSession> }): ReactNode {
  const { data, error, isError, refetch } = session;
  if (data === undefined) {
    return (
      <div className="mx-auto max-w-md p-6">
        {isError ? (
          <ProblemNote error={error} onRetry={() => void refetch()} />
        ) : (
          <Loading what="who you are" />
        )}
      </div>
    );
  }
  if (data.person === null) {
    return (
      <Suspense fallback={<Loading what="the way in" />}>
        <SignInPage isNew={data.isNew} sso={data.sso} />
      </Suspense>
    );
  }
  if (data.person.mustEnrol) {
    return (
      <Suspense fallback={<Loading what="your account" />}>
        <EnrolPage />
      </Suspense>
    );
  }
  return <Layout />;
}

function useSession() {
  return useQuery(sessionQuery);
}

export function NotFound(): ReactNode {
  return (
    <main>
      <EmptyState title="There is no such page">
        <Link to="/" className="link">
          Go to Now
        </Link>
      </EmptyState>
    </main>
  );
}

export function PageFault({ error }: { readonly error: unknown }): ReactNode {
  return (
    <main className="mx-auto max-w-xl p-6">
      <ProblemNote error={error} onRetry={() => window.location.reload()} />
    </main>
  );
}
