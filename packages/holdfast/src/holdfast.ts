/** Composition root; filled as the rooms are built. */
export { systemClock } from './model/clock.ts';
export { Pipeline } from './pipeline/pipeline.ts';
export { EmbeddedPostgres } from './store/embedded-postgres.ts';
export { formatMark, isSame, markOf, type ProcessMark, parseMark } from './store/process-mark.ts';
