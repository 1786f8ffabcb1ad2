/** Keys of the keyboard: single letters and `g` followed by a letter. Pure, so that it can be tested. */

export interface Press {
  readonly key: string;
  readonly ctrl: boolean;
  readonly meta: boolean;
  readonly alt: boolean;
  /** The key is held down. */
  readonly isRepeated: boolean;
  /** Somebody types there: a field, or a text that can be edited. */
  readonly isTyping: boolean;
}

export interface Heard {
  /** `g` was pressed, and waits for what comes. */
  readonly prefix: 'g' | null;
  /** `g h`, `j`, `?`, `palette`; null: not ours. */
  readonly command: string | null;
}

export function hear(prefix: Heard['prefix'], press: Press): Heard {
  if ((press.ctrl || press.meta) && press.key.toLowerCase() === 'k') {
    return { prefix: null, command: 'palette' };
  }
  if (press.ctrl || press.meta || press.alt || press.isTyping)
    return { prefix: null, command: null };
  // Held down, it moves on in a list, and decides nothing.
  if (press.isRepeated && !/^(?:j|k|Arrow\w+)$/.test(press.key))
    return { prefix: null, command: null };
  if (prefix === 'g') return { prefix: null, command: `g ${press.key}` };
  if (press.key === 'g') return { prefix: 'g', command: null };
  return { prefix: null, command: press.key };
}

/** The place in a list after `j` or `k`. */
export function moved(at: number, by: number, length: number): number {
  if (length === 0) return -1;
  return Math.min(length - 1, Math.max(0, at + by));
}
