/** A hold with its card, as the API shows it. */
import type { Answer } from './client.ts';

export type HoldShown = Answer<'holds.show'>;
