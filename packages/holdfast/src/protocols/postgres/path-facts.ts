/**
 * Where a session's statements go, as far as it hangs on the session: the target that was asked for,
 * and the schemas that names without one may be looked up in. The facts are one object for as long as
 * they stay the same; the mark is what stands for the path in a digest.
 */
import type { TargetFacts } from '../../model/target.ts';
import { pathMark } from '../../pipeline/path-mark.ts';
import type { JudgedPath } from '../../protection/target-guard.ts';
import { locatedWith } from './session-rules.ts';

export class PathFacts {
  readonly #sessionId: string;
  #target: TargetFacts;
  /** In order, as it was last set; it may have been rolled back since. Null: by what we cannot read. */
  #said: readonly string[] | null;
  #mark: Buffer;
  #lost = 0;

  constructor(target: TargetFacts, sessionId: string) {
    this.#sessionId = sessionId;
    this.#target = target;
    this.#said = target.searchPath;
    this.#mark = pathMark(this.judged([]));
  }

  get target(): TargetFacts {
    return this.#target;
  }

  get mark(): Buffer {
    return this.#mark;
  }

  /** With what a unit adds to it. */
  judged(added: readonly string[] | null): JudgedPath {
    const { searchPath } = locatedWith(this.#target, added);
    return { schemas: searchPath, said: added?.length === 0 ? this.#said : added };
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
    this.#said = added;
    this.#mark = isAny
      ? Buffer.from(['', this.#sessionId, String(this.#lost)].join('\0'))
      : pathMark({ schemas: searchPath, said: added });
  }
}
