/**
 * What was given back, and what that means for the row. Each refund is counted once, whatever exports it
 * is in; against what was paid it is all of it, a part, or more than there was, which nobody understands.
 */
import type { Interpreted } from './interpret.ts';
import type { Mapping, RefundMapping } from './mapping/mapping.ts';
import type { Provenance } from './source-record.ts';
import type { Value } from './values/reading.ts';
import { plainOf } from './values/value.ts';

export type RefundFinding =
  | { readonly kind: 'none' }
  | { readonly kind: 'unclear'; readonly why: string; readonly by: readonly Provenance[] }
  | {
      readonly kind: 'clear';
      readonly mapping: RefundMapping;
      readonly extent: 'full' | 'partial';
      readonly total: Value;
      readonly says: string;
      readonly by: readonly Provenance[];
    };

/** `paid`: what payments say of a money column, one entry for each that says otherwise. */
export function refundsOf(
  records: readonly Interpreted[],
  mapping: Mapping,
  paid: (column: string) => readonly (Value | null)[],
): RefundFinding {
  const refunds = records
    .filter(({ role }) => role === 'refund')
    .toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  const [first] = refunds;
  if (first === undefined) return { kind: 'none' };
  const by = refunds.map((one) => one.by);
  const unclear = (why: string): RefundFinding => ({ kind: 'unclear', why, by });
  const meanings = [...new Set(refunds.map((one) => one.by.source))]
    .sort()
    .flatMap((source) => mapping.sources.get(source)?.refund ?? []);
  const [meaning] = meanings;
  if (meaning === undefined) return unclear('a refund that the mapping does not explain');
  if (meanings.some((one) => one.against !== meaning.against || one.into !== meaning.into)) {
    return unclear('refunds that the mapping explains in two ways');
  }
  const total = totalOf(refunds);
  if (typeof total === 'string') return unclear(total);
  const [amount, ...others] = paid(meaning.against);
  if (amount?.kind !== 'money' || others.length > 0) {
    return unclear(`${plainOf(total)} was given back, of a payment that is not here or not clear`);
  }
  if (amount.currency !== total.currency) return unclear('given back in another currency');
  const left = BigInt(amount.minor) - BigInt(total.minor);
  const says = `${plainOf(total)} of ${plainOf(amount)} was given back`;
  if (left < 0n) return unclear(`${says}: more than was paid`);
  return {
    kind: 'clear',
    mapping: meaning,
    extent: left === 0n ? 'full' : 'partial',
    total,
    says,
    by,
  };
}

/** In an order of their own, so that the first that is wrong is the same one always. */
function orderOf({ identity, refunded }: Interpreted): string {
  return `${identity} ${JSON.stringify(refunded)}`;
}

/** Or why there is no total. */
function totalOf(refunds: readonly Interpreted[]): (Value & { kind: 'money' }) | string {
  const amounts = new Map<string, Value & { kind: 'money' }>();
  for (const { identity, refunded } of refunds) {
    if (refunded?.kind !== 'value' || refunded.value.kind !== 'money') {
      return `a refund whose amount cannot be told: ${refunded?.kind === 'unread' ? refunded.why : ''}`;
    }
    if (!identity.startsWith('id:'))
      return 'a refund without its id: it may be another, or the same';
    const known = amounts.get(identity);
    if (known !== undefined && plainOf(known) !== plainOf(refunded.value)) {
      return 'one refund with two amounts';
    }
    amounts.set(identity, refunded.value);
  }
  const [first, ...more] = amounts.values();
  if (first === undefined) return 'no refund';
  if (more.some(({ currency }) => currency !== first.currency)) return 'refunds in two currencies';
  const minor = [first, ...more].reduce((sum, one) => sum + BigInt(one.minor), 0n);
  return { kind: 'money', minor: String(minor), currency: first.currency };
}
