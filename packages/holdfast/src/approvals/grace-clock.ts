/**
 * The clock by which a grace is counted: watched time (docs/decisions/0006), never the wall's. What
 * approvals need of `protection/watched-clock.ts`.
 */
export interface GraceClock {
  /** The ledger's tick in ms: only grows, and only while a Holdfast watched. */
  tickMs(): Promise<bigint>;
  /** When a tick will come if watching goes on without a break; for showing, never for acting. */
  expiresAt(untilTickMs: bigint, tickMs: bigint): Date;
}
