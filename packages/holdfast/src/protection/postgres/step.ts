/** One step of a protection plan, as it is shown and as it is run. Steps are idempotent. */
export interface Step {
  /** Stable, `capture.attach public.bookings`: shown, and compared between runs. */
  readonly id: string;
  /** One sentence for people: what it closes or keeps. */
  readonly about: string;
  readonly sql: string;
  /** What the admin must be for it; a step it cannot have is shown as staying open, by name. */
  readonly needs: 'owner' | 'createrole' | 'superuser';
}
