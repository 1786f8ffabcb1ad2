import { describe, expect, it } from 'vitest';
import { ERRORS, HoldfastError } from './errors.ts';

describe('the catalogue of errors', () => {
  it.each(Object.entries(ERRORS))('%s has a title and a five-character SQLSTATE', (_code, kind) => {
    expect(kind.title).toMatch(/^[A-Z].*[^.]$/);
    expect(kind.sqlstate).toMatch(/^[0-9A-Z]{5}$/);
  });

  it('says what was expected, what was found and what to do', () => {
    const error = new HoldfastError('HF_NOT_FOUND', {
      expected: 'an agent',
      found: 'none named x',
      hint: 'See holdfast agents list.',
    });
    expect(error.message).toBe('Nothing by that name: expected an agent, found none named x.');
    expect(error).toMatchObject({ code: 'HF_NOT_FOUND', hint: 'See holdfast agents list.' });
  });

  it('stands in docs/errors.md as it stands here (npx vitest -u writes it anew)', async () => {
    const rows = Object.entries(ERRORS)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, { title, sqlstate }]) => `| \`${code}\` | ${sqlstate} | ${title} |`);
    const page = [
      '# Errors',
      '',
      'Generated from `packages/holdfast/src/model/errors.ts`; do not edit. Each error also says what was',
      'expected, what was found and what to do. SQLSTATE is what a PostgreSQL client sees.',
      '',
      '| code | SQLSTATE | meaning |',
      '|---|---|---|',
      ...rows,
      '',
    ].join('\n');
    await expect(page).toMatchFileSnapshot('../../../../docs/errors.md');
  });
});
