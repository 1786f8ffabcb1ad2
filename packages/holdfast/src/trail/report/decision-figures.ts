/** What was decided on what agents asked, and what was refused, by rule. */
import { VERDICT_ORDER, type Verdict } from '../../model/verdict.ts';
import { fieldsIn } from '../entry-facts.ts';
import type { ReliabilityReport } from './report-shape.ts';
import { nameIn, Origin, type ReadEntry } from './tally.ts';

/** A rule's name comes of a policy; a policy has not so many. */
const RULES_MAX = 500;
const RULES_LISTED_MAX = 50;

type Figures = Pick<ReliabilityReport, 'decisions' | 'refusals'>;

export class DecisionTally {
  readonly #all = new Origin(['decision']);
  readonly #refused = new Origin(['decision'], 'verdict.kind is "refuse"');
  readonly #verdicts = new Map<Verdict['kind'], number>();
  readonly #rules = new Map<string, Origin>();
  #ruleless = 0;

  take({ entry, index, kind }: ReadEntry): void {
    if (kind !== 'decision') return;
    const verdict = fieldsIn(entry['verdict']);
    const word = VERDICT_ORDER.find((one) => one === verdict['kind']);
    if (word === undefined) return;
    this.#all.add(index);
    this.#verdicts.set(word, (this.#verdicts.get(word) ?? 0) + 1);
    if (word !== 'refuse') return;
    this.#refused.add(index);
    const rule = nameIn(verdict['rule']) ?? '';
    const known = this.#rules.get(rule);
    if (known === undefined && this.#rules.size >= RULES_MAX) {
      this.#ruleless += 1;
      return;
    }
    const origin = known ?? new Origin([]);
    origin.add(index);
    this.#rules.set(rule, origin);
  }

  figures(): Figures {
    const count = (kind: Verdict['kind']): number => this.#verdicts.get(kind) ?? 0;
    const rules = [...this.#rules]
      .map(([rule, origin]) => {
        const { entries, first, last } = origin.source();
        return { rule, entries, first: first ?? 0, last: last ?? 0 };
      })
      .toSorted((a, b) => b.entries - a.entries || (a.rule < b.rule ? -1 : 1));
    const others = rules.slice(RULES_LISTED_MAX).reduce((sum, { entries }) => sum + entries, 0);
    return {
      decisions: {
        forward: count('forward'),
        protect: count('protect'),
        hold: count('hold'),
        refuse: count('refuse'),
        source: this.#all.source(),
      },
      refusals: {
        total: this.#refused.entries,
        rules: rules.slice(0, RULES_LISTED_MAX),
        others: others + this.#ruleless,
        source: this.#refused.source(),
      },
    };
  }
}
