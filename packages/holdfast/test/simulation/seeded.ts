/** Random numbers that repeat: mulberry32, 32 bits of state. */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const unit = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    return least + Math.floor(unit * (most - least + 1));
  }

  chance(percent: number): boolean {
    return this.whole(1, 100) <= percent;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: this.whole(0, 2 ** 30) }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }
}
