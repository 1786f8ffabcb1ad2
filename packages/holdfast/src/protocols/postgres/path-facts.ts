/**
 * Where a session's statements go, as far as it hangs on the session: the target that was asked for,
 * and the schemas that names without one may be looked up in. The facts are one object for as long as
 * they stay the same; the mark is what stands for the path in a digest.
 */
import type { TargetFacts } from '../../model/target.ts';

export class PathFacts {
  readonly #sessionId: string;
  #target: TargetFacts;
  #mark: Buffer;
  #lost = 0;

  constructor(target: TargetFacts, sessionId: string) {
    this.#sessionId = sessionId;
    this.#target = target;
    this.#mark = markOf(target.searchPath);
  }

  get target(): TargetFacts {
    return this.#target;
  }

  get mark(): Buffer {
    return this.#mark;
  }

  /**
   * The path may be the old one or the new one (it is undone by a rollback): both count. Empty means
   * any, and then stays so: no approval given under one unknown path is good under another.
   */
  widen(added: readonly string[] | null): void {
    if (added !== null && added.length === 0) return;
    const { asked, searchPath: before } = this.#target;
    const isAny = added === null || before.length === 0;
    const searchPath = isAny ? [] : [...new Set([...before, ...added])];
    if (isAny) this.#lost += 1;
    this.#target = { asked, searchPath };
    this.#mark = isAny ? markOf(['', this.#sessionId, String(this.#lost)]) : markOf(searchPath);
  }
}

/** A path as bytes of the digest; no name of a schema holds a NUL. */
function markOf(searchPath: readonly string[]): Buffer {
  return Buffer.from(searchPath.join('\0'));
}
