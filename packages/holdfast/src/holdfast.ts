/** Composition root; filled as the rooms are built. */
export { Pipeline } from './pipeline/pipeline.ts';
