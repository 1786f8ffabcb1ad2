/** Seals for tests: the one that grounds take points with, and that of somebody else. */
import { PointSeal } from '../point-seal.ts';

export const TEST_SEAL = new PointSeal(Buffer.alloc(32, 7));
export const OTHER_SEAL = new PointSeal(Buffer.alloc(32, 8));
