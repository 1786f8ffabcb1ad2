/** Which targets people have protected, by what we know ourselves. Implemented by `store/wall-store.ts`. */
export interface WallStore {
  /** True from the first `protect` of a target until its `unprotect`, whatever became of the target. */
  isKnown(target: string): Promise<boolean>;
  /** Every gateway looks at the target at once. Idempotent. */
  raised(target: string, now: Date): Promise<void>;
  /** Taken back on purpose: the roles of agents there are forgotten too. Every gateway looks at once. */
  takenBack(target: string): Promise<void>;
}
