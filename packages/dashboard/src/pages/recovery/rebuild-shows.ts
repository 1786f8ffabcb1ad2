/** What the page of a rebuild lists, as in its address. */
export const REBUILD_SHOWS = [
  'conflict',
  'incomplete',
  'ready',
  'exists',
  'out',
  'all',
  'unreadable',
  'loose',
] as const;
