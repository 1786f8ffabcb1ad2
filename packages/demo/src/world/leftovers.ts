/**
 * Where a run keeps its things, and what an earlier run left there. A run that was killed leaves its
 * mark and, since nobody could stop them, its PostgreSQL servers; the next start takes those over.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatMark, isSame, markOf, type ProcessMark, parseMark } from 'holdfast';

const SLOTS_MAX = 9;

export interface Place {
  readonly folder: string;
  /** For the person: what was found and what is done about it. */
  readonly notes: readonly string[];
  /** Takes the mark away: this run ended well. */
  leave(): void;
}

/** `.holdfast/demo`, or `.holdfast/demo-2` and so on while another run is alive in it. */
export function takePlace(base: string): Place {
  const notes: string[] = [];
  for (let slot = 1; slot <= SLOTS_MAX; slot++) {
    const folder = join(base, slot === 1 ? 'demo' : `demo-${slot}`);
    const mark = readMark(folder);
    if (mark && isSame(mark)) {
      notes.push(`Another demo runs as process ${mark.pid}; this one keeps to itself.`);
      continue;
    }
    if (mark) {
      notes.push(
        `The last run (process ${mark.pid}) was killed and could not clean up. ` +
          'Its servers are taken over where they still run, and everything is made anew.',
      );
    }
    // Others may pass through and no more: started as root, PostgreSQL runs as another user.
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    const own = markOf(process.pid);
    if (own) writeFileSync(markPath(folder), formatMark(own));
    return { folder, notes, leave: () => rmSync(markPath(folder), { force: true }) };
  }
  throw new Error(`${SLOTS_MAX} demos run already in ${base}; stop one with Ctrl-C.`);
}

function markPath(folder: string): string {
  return join(folder, 'run');
}

/** Undefined when there is none, or a torn one, which names nobody. */
function readMark(folder: string): ProcessMark | undefined {
  if (!existsSync(markPath(folder))) return undefined;
  return parseMark(readFileSync(markPath(folder), 'utf8'));
}
