import { defineConfig } from 'vitest/config';

/** Programs of others that npm cannot bring, against the built tree: `npm run interop`, never by `npm test`. */
export default defineConfig({
  test: { include: ['packages/*/interop/**/*.test.ts'], fileParallelism: false },
});
