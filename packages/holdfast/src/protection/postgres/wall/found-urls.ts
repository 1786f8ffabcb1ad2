/**
 * Credentials of a protected server that lie where an agent can read them. The text is searched for
 * URLs; of each, the server is asked about the NAME of the role only, over our own connection. Nobody
 * logs in with what was found, and no password leaves this file.
 */
import { z } from 'zod';
import type { TargetDatabase } from '../../target-database.ts';

export interface FoundUrl {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly hasPassword: boolean;
  readonly line: number;
}

const URL_TEXT = /postgres(?:ql)?(?:\+[a-z0-9]+)?:\/\/[^\s"'`<>\\]+/g;
/** A file with more is data. */
const URLS_MAX = 200;

export function urlsIn(text: string): FoundUrl[] {
  const found: FoundUrl[] = [];
  for (const match of text.matchAll(URL_TEXT)) {
    if (found.length === URLS_MAX) break;
    const plain = match[0].replace(/^postgres(?:ql)?(?:\+[a-z0-9]+)?:/, 'postgres:');
    if (!URL.canParse(plain)) continue;
    const url = new URL(plain);
    const host = decoded(url.searchParams.get('host') ?? url.hostname.replace(/^\[|\]$/g, ''));
    const user = decoded(url.username === '' ? (url.searchParams.get('user') ?? '') : url.username);
    if (user === '' || host === '') continue;
    found.push({
      host,
      port: Number(url.port === '' ? (url.searchParams.get('port') ?? 5432) : url.port),
      user,
      hasPassword: url.password !== '' || url.searchParams.has('password'),
      line: text.slice(0, match.index).split('\n').length,
    });
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const LOOPBACK = /^(localhost|::1|127\.\d+\.\d+\.\d+)$/;

export function isSameServer(
  a: Pick<FoundUrl, 'host' | 'port'>,
  b: Pick<FoundUrl, 'host' | 'port'>,
): boolean {
  if (a.port !== b.port) return false;
  const isNear = (host: string) => LOOPBACK.test(host) || host.startsWith('/');
  return a.host.toLowerCase() === b.host.toLowerCase() || (isNear(a.host) && isNear(b.host));
}

/** From worst to none. `owner`: it owns tables, or is a member of who does, or of holdfast_owner. */
export const REACHES = ['superuser', 'owner', 'exempt', 'role', 'unknown'] as const;
export type Reach = (typeof REACHES)[number];

const REACH_SQL = `
select case
  when r.rolsuper then 'superuser'
  when exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and pg_has_role(r.oid, c.relowner, 'MEMBER'))
    or pg_has_role(r.oid, (select datdba from pg_database where datname = current_database()), 'MEMBER')
    then 'owner'
  else 'role' end as reach
from pg_roles r where r.rolname = $1`;

/** What a role could do at a target; asked as the admin, by name. */
export async function reachOf(
  db: TargetDatabase,
  user: string,
  exempt: readonly string[],
): Promise<Reach> {
  const [row] = await db.query(REACH_SQL, [user]);
  if (row === undefined) return 'unknown';
  const { reach } = z.object({ reach: z.enum(['superuser', 'owner', 'role']) }).parse(row);
  return reach === 'role' && exempt.includes(user) ? 'exempt' : reach;
}
