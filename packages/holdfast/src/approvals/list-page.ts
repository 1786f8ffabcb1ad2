/** One page of a list of what was asked, newest first: by when it began, then by id. */
export interface PageWish<State extends string> {
  readonly states: readonly State[];
  /** By name. */
  readonly agent: string | null;
  readonly target: string | null;
  /** The last one of the page before; null: from the newest on. */
  readonly after: { readonly at: Date; readonly id: string } | null;
  readonly limit: number;
}
