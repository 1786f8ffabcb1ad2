/** Back from the identity provider: hands on what it left in the address, once, and goes in. */
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { ask } from '../api/client.ts';
import { pageLeftFrom } from '../elsewhere.ts';
import { BarePage } from '../ui/bare-page.tsx';
import { ProblemNote } from '../ui/problem.tsx';

let begun = false;

export function SsoPage(): ReactNode {
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (begun) return;
    begun = true;
    const query = window.location.search;
    window.history.replaceState(window.history.state, '', '/sso');
    ask('signIn.sso', { body: { query } }).then(
      ({ did }) => window.location.assign(did === 'linked' ? '/account' : pageLeftFrom()),
      setError,
    );
  }, []);
  return (
    <BarePage title={error === null ? 'Signing you in …' : 'Not signed in'}>
      {error !== null && (
        <>
          <ProblemNote error={error} />
          <Link to="/" className="link">
            Sign in another way
          </Link>
        </>
      )}
    </BarePage>
  );
}
