/** What another part lays into schema `holdfast`: tables and functions, by one text of SQL. */
import { createHash } from 'node:crypto';
import type { Step } from '../step.ts';
import type { ClosingId } from './closings.ts';

export interface Foundation {
  readonly id: string;
  readonly about: string;
  readonly closes: ClosingId;
  /** Idempotent, and run as the admin with holdfast_owner's rights at hand. */
  readonly sql: string;
  readonly digest: string;
  /** What is done again at each change (`attach_missing`); null when nothing is. */
  readonly repeat: {
    readonly about: string;
    readonly sql: string;
  } | null;
}

export function foundation(
  id: string,
  closes: ClosingId,
  about: string,
  steps: readonly Step[],
  repeat: Foundation['repeat'] = null,
): Foundation {
  const sql = steps.map((step) => step.sql.trim().replace(/;*$/, ';')).join('\n');
  const digest = createHash('sha256').update(sql).digest('hex');
  return { id, about, closes, sql, digest, repeat };
}
