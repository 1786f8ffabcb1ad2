/**
 * Protecting production, and taking back what was done to it, by `holdfast`'s own command line on the
 * demo's holdfast.yaml: what a person types, and nothing that a person could not do.
 */

import { at, listAt, textAt } from '../looked-at.ts';
import { type CarRental, PRODUCTION, using } from './car-rental.ts';
import type { CommandLine } from './command-line.ts';
import type { Person } from './people.ts';

/** One transaction that can be taken back. */
export interface Undoable {
  readonly id: string;
  /** An agent's name, or the login role of a session that never saw the gateway. */
  readonly who: string;
  readonly rows: number;
}

export interface DemoProtection {
  /** How far the server lets it be protected, by name. */
  readonly level: string;
  readonly person: string;
  /** By the target's clock. */
  now(): Promise<string>;
  list(since: string): Promise<readonly Undoable[]>;
  /** Takes back everything that anybody did since then, in one transaction. */
  undo(since: string): Promise<void>;
}

export async function protect(
  holdfast: CommandLine,
  target: string,
  rental: CarRental,
  person: Person,
): Promise<DemoProtection> {
  const applied = await holdfast('protect', target, '--apply');
  return {
    level: textAt(applied, 'plan', 'level'),
    person: person.name,
    now: () =>
      using(rental.adminUrl(PRODUCTION), async (client) => {
        const answer = await client.query<{ now: Date }>('select clock_timestamp() as now');
        const [row] = answer.rows;
        if (row === undefined) throw new Error('The server did not say what time it is.');
        return row.now.toISOString();
      }),
    list: async (since) => {
      const listed = await holdfast('undo', 'list', '--target', target, '--since', since);
      return listAt(listed, 'items').map(undoableOf);
    },
    undo: async (since) => {
      const chosen = ['--target', target, '--since', since];
      await holdfast('undo', 'apply', ...chosen, ...person.signs());
    },
  };
}

function undoableOf(item: unknown): Undoable {
  const agent = at(item, 'agentName');
  const rows = listAt(item, 'parts').map((part) => Number(at(part, 'rows')));
  return {
    id: textAt(item, 'id'),
    who: typeof agent === 'string' ? agent : textAt(item, 'role'),
    rows: rows.reduce((sum, count) => sum + count, 0),
  };
}
