/**
 * Previews and write-backs of restored copies: of each copy one at a time, so that nobody lets many run against
 * the live server at once. Who asks for the very preview that is under way gets that one.
 */
import { HoldfastError } from '../../model/errors.ts';

export class OneLook<T> {
  readonly #open = new Map<string, { readonly text: string | null; readonly work: Promise<T> }>();

  /** HF_LIMIT while one is under way. */
  mustBeFree(copy: string): void {
    if (this.#open.has(copy)) throw under(copy);
  }

  /** `text`: what is asked, where two who ask the same may have one answer; null: nobody else's. HF_LIMIT. */
  run(copy: string, text: string | null, work: () => Promise<T>): Promise<T> {
    const open = this.#open.get(copy);
    if (open !== undefined) {
      if (text !== null && open.text === text) return open.work;
      throw under(copy);
    }
    const begun = work();
    this.#open.set(copy, { text, work: begun });
    const over = (): void => void this.#open.delete(copy);
    begun.then(over, over);
    return begun;
  }
}

function under(copy: string): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `one preview or write-back of ${copy} at a time`,
    found: 'another one under way',
    hint: 'Wait for its answer; or restore a second copy.',
  });
}
