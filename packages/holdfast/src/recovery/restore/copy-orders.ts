/** What is asked of a copy, in words for the trail, and what is refused before it is touched. */
import { HoldfastError } from '../../model/errors.ts';
import { RESTORES_MAX } from '../../model/limits.ts';
import { oneLine } from '../../model/text.ts';
import { type CopiedTarget, type Copy, nameOf } from './copy.ts';
import type { PromotionWords, WriteBackWords } from './copy-shape.ts';
import { shown, type TableName } from './table-facts.ts';
import { state } from './write-refusals.ts';

/** One person may put rows in again, and may change those that they name; a whole table takes several. */
export function mustBePartial({ changed, extra, tables }: WriteBackWords): void {
  const whole = tables.find(({ keys }) => keys === null);
  if (whole === undefined || (changed === 'keep' && extra === 'keep')) return;
  throw state(
    `the keys of ${shown(whole)} that are set back or deleted`,
    'the whole table',
    'Name keys; or propose a promotion, which several people sign.',
  );
}

export function wholeTables({ changed, extra, tables }: PromotionWords): WriteBackWords {
  return { changed, extra, tables: tables.map((table) => ({ ...table, keys: null })) };
}

const TABLES_TOLD_MAX = 10;

export function tablesText({ tables }: { readonly tables: readonly TableName[] }): string {
  const named = tables.slice(0, TABLES_TOLD_MAX).map((table) => oneLine(shown(table)));
  const more = tables.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

export function tooMany(standing: readonly Copy[]): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `at most ${RESTORES_MAX} restored copies at a time`,
    found: standing.map((copy) => `${copy.id} of ${nameOf(copy)}`).join(', '),
    hint: 'Discard one that nobody needs any more.',
  });
}

/** What is stored until then would change what was asked for. */
export function notYet(asOf: string): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'a time that is over, to see a vault as it was then',
    found: oneLine(asOf),
    hint: 'Times are UTC. Leave it out to see the vault as it is.',
  });
}

/** Null: the first. HF_USAGE: none of the target's. */
export function vaultOf({ target, vaults }: CopiedTarget, named: string | null): string {
  const vault = named ?? vaults[0] ?? '';
  if (vaults.includes(vault)) return vault;
  throw new HoldfastError('HF_USAGE', {
    expected: `a vault of ${target.name}: ${vaults.join(', ')}`,
    found: oneLine(vault),
    hint: 'Name one of them, or none.',
  });
}
