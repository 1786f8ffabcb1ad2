import { defineConfig } from 'vitest/config';
import { SkipsReporter } from './tools/skips.ts';

/**
 * Four projects, from quick to slow. `npm run check` runs the first three; `npm test` runs all.
 * - unit: beside the subject, no process, no socket beyond loopback pairs.
 * - contracts: one suite per contract, run by every implementation.
 * - house: the rules that keep imports going down.
 * - journeys: real servers, real drivers, real bytes (each file starts and stops its own).
 */
export default defineConfig({
  test: {
    reporters: ['default', new SkipsReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.{ts,tsx}'],
          exclude: ['**/*.contract.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'contracts',
          include: ['packages/*/src/**/*.contract.test.ts'],
          maxWorkers: 2,
        },
      },
      { test: { name: 'house', include: ['packages/holdfast/test/house.test.ts'], maxWorkers: 2 } },
      {
        test: {
          name: 'journeys',
          include: ['packages/*/test/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['packages/holdfast/test/house.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Three at a time on two cores: they wait for servers more than they compute.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
