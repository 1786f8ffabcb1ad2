/** What went wrong, or was stopped, by the entries that say so. */
import { INCIDENT_KINDS, type IncidentKind, incidentIn, incidentWhich } from './incident-words.ts';
import type { ReliabilityReport } from './report-shape.ts';
import { Bounded, isoOf, nameIn, Origin, type ReadEntry, wordsIn } from './tally.ts';

/** Of one kind: a storm of one must not hide the others. */
const LISTED_MAX = 50;

type Line = ReliabilityReport['incidents']['list'][number];

export class IncidentTally {
  readonly #kinds = new Map<
    IncidentKind,
    { readonly origin: Origin; readonly lines: Bounded<Line> }
  >();

  take({ entry, facts, index, kind, ms }: ReadEntry): void {
    const incident = incidentIn(kind, facts);
    if (incident === null) return;
    const known = this.#kinds.get(incident) ?? {
      origin: new Origin([incident], incidentWhich(incident)),
      lines: new Bounded<Line>(LISTED_MAX),
    };
    known.origin.add(index);
    known.lines.add({
      entry: index,
      at: isoOf(ms),
      kind: incident,
      target: nameIn(facts['target']),
      words: wordsIn(entry['message']),
    });
    this.#kinds.set(incident, known);
  }

  figures(): ReliabilityReport['incidents'] {
    const found = INCIDENT_KINDS.flatMap((kind) => {
      const known = this.#kinds.get(kind);
      return known === undefined ? [] : [{ kind, ...known }];
    });
    return {
      total: found.reduce((sum, { origin }) => sum + origin.entries, 0),
      kinds: found.map(({ kind, origin }) => ({ kind, source: origin.source() })),
      list: found.flatMap(({ lines }) => lines.kept).toSorted((a, b) => a.entry - b.entry),
      unlisted: found.reduce((sum, { lines }) => sum + lines.left, 0),
    };
  }
}
