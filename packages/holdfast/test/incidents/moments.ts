/** A company at one moment: what differs since, and taking back whatever the agent did since. */
import { expect } from 'vitest';
import { OTHER_DATABASE } from '../support/company.ts';
import { BY_AGENT, type Protected } from '../support/protected.ts';
import { differenceOf, type Snapshot, withoutSequences } from '../support/snapshot.ts';
import { type Program, programOf, runProgram } from './programs.ts';

export interface Moment {
  /** What differs now, '' for nothing. */
  difference(): Promise<string>;
  /** Takes back whatever the agent did since. */
  undo(): Promise<void>;
}

export async function momentBefore(program: Program, company: Protected): Promise<Moment> {
  for (const id of program.after ?? []) {
    const { code, said } = await runProgram(programOf(id), company.through);
    expect({ id, code, said }).toEqual({ id, code: 0, said });
  }
  await company.drained();
  const options = { columnOrderFreeOf: program.columnsDroppedOf ?? [] };
  const look = async (): Promise<readonly Snapshot[]> => [
    withoutSequences(await company.snapshot(options), program.sequencesMoved ?? []),
    ...(program.otherDatabase === true ? [await company.snapshot({}, OTHER_DATABASE)] : []),
  ];
  const before = await look();
  const since = await company.now();
  return {
    difference: async () => {
      const after = await lookOr(look);
      if (after === null) return `${OTHER_DATABASE}: gone`;
      return before.map((one, index) => differenceOf(one, after[index] ?? new Map())).join('');
    },
    undo: async () => {
      if ((await company.undoable(BY_AGENT, since)) === 0) return;
      const { code, out, err } = await company.undo(BY_AGENT, since);
      expect({ code, out, err }).toEqual({ code: 0, out, err });
    },
  };
}

/** Null when the other database is not there. */
async function lookOr<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '3D000') return null;
    throw error;
  }
}
