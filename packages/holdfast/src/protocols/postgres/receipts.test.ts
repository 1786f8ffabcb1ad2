import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../model/errors.ts';
import { Receipts } from './receipts.ts';
import { Unit } from './unit.ts';

/** A Query that Holdfast runs itself: by the admin, or outside of transactions. */
function unitOf(text: string, needs: 'admin' | 'outside'): Unit {
  const bytes = Buffer.from(text);
  const unit = new Unit('simple', bytes, 0);
  unit.extendTo(bytes.length);
  unit.acts.push({
    reading: { kind: 'understood', effects: [] },
    plain: false,
    runs: [],
    parts: [{ from: 0, to: bytes.length, needs, tag: 'DONE', loses: true, answers: 'tag' }],
    from: 0,
    to: bytes.length,
  });
  return unit;
}

async function prepared(needs: 'admin' | 'outside', cause: Error) {
  const ends = async () => {
    throw cause;
  };
  const guard = { runOutside: ends, changeRoles: ends, permit: ends, void: ends };
  const receipts = new Receipts({ guard, session: { role: 'hf_ada', pid: 1 } });
  return receipts.prepare(unitOf('drop database shop', needs), {
    isMidCycle: false,
    path: { schemas: [], said: null },
    idle: async () => 'I',
  });
}

const words = { expected: 'an answer to COMMIT', found: 'terminated', hint: 'Look.' };

describe('what Holdfast runs itself', () => {
  it.each(['admin', 'outside'] as const)(
    'is never called unchanged when the answer was lost: by %s',
    async (needs) => {
      for (const cause of [new HoldfastError('HF_UPSTREAM_LOST', words), new Error('terminated')]) {
        const found = await prepared(needs, cause);
        expect(found).toMatchObject({
          kind: 'failed',
          failure: { outcome: { kind: 'unknown', reason: 'terminated' } },
        });
        if (found.kind !== 'failed') return;
        const said = found.failure.bytes.toString('latin1');
        expect(said).toContain('C08006');
        expect(said).toContain('it may have been done, or not');
        expect(said).not.toContain('Nothing was changed');
      }
    },
  );

  it('is refused as unchanged when the target was never reached', async () => {
    const found = await prepared('admin', new HoldfastError('HF_UPSTREAM_UNREACHABLE', words));
    expect(found).toMatchObject({ kind: 'refused', refusal: { code: 'HF_PROTECTION_LOST' } });
  });

  it('fails as the server said', async () => {
    const no = Object.assign(new Error('no such role'), { severity: 'ERROR', code: '42704' });
    expect(await prepared('outside', no)).toMatchObject({
      kind: 'failed',
      failure: { outcome: { kind: 'failed', code: '42704', message: 'no such role' } },
    });
  });
});
