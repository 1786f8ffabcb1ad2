/** That points lie in a vault that are not ours: told when they are first seen, and again only after there were none. */
import type { HoldfastEvent } from '../model/event.ts';
import { oneLine } from '../model/text.ts';

export class StrangerNews {
  readonly #target: string;
  readonly #told = new Set<string>();

  constructor(target: string) {
    this.#target = target;
  }

  /** `keys`: where they lie, as of this look. Null: nothing new. */
  look(vault: string, keys: readonly string[]): HoldfastEvent | null {
    const [first] = keys;
    if (first === undefined) {
      this.#told.delete(vault);
      return null;
    }
    if (this.#told.has(vault)) return null;
    this.#told.add(vault);
    const target = this.#target;
    return {
      kind: 'recovery-point-foreign',
      facts: { target, vault, points: keys.length, key: first },
      message: `A recovery point of ${target} that is not ours lies in the vault ${vault}: ${oneLine(first)}.`,
    };
  }

  /** It reached nobody. */
  untold(vault: string): void {
    this.#told.delete(vault);
  }
}
