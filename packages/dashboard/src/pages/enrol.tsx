/** In by a recovery code: nothing else is open until there is a way to sign in again. */
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { BarePage } from '../ui/bare-page.tsx';
import { AddWays } from './account/add-ways.tsx';

export function EnrolPage(): ReactNode {
  const queries = useQueryClient();
  return (
    <BarePage title="Add a new way to sign in">
      <p className="text-muted">
        You used a recovery code. Before anything else is open, add a passkey or an authenticator
        app.
      </p>
      <AddWays onAdded={() => void queries.invalidateQueries()} />
    </BarePage>
  );
}
