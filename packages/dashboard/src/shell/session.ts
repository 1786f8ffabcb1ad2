/** Who is signed in, and what they may do: what they may not is not offered, and the API refuses it anyway. */
import { useQuery } from '@tanstack/react-query';
import type { Answer } from '../api/client.ts';
import { sessionQuery } from '../api/queries.ts';

type Session = Answer<'session.show'>;
export type Person = NonNullable<Session['person']>;
export type Permission = Session['may'][number];

export function usePerson(): Person | null {
  return useQuery(sessionQuery).data?.person ?? null;
}

export function useMay(permission: Permission): boolean {
  return useQuery(sessionQuery).data?.may.includes(permission) ?? false;
}
