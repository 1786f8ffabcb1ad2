/** Commits as we read them from WAL, against Debian's pg_waldump over the same files. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WalRecords } from '../../src/recovery/engines/pull/wal-records.ts';
import { lsnText, segmentPlace } from '../../src/recovery/lsn.ts';
import { DEBIAN_15, pullGround } from './pull-ground.ts';

const SEGMENT = 16 * 1024 * 1024;

describe('the records of commits', () => {
  it('are those that pg_waldump finds, with their times', { timeout: 120_000 }, async (ctx) => {
    ctx.skip(!existsSync(`${DEBIAN_15}/pg_waldump`), 'Debian package postgresql-15');
    const ground = await pullGround(DEBIAN_15, [
      'max_prepared_transactions=5',
      'wal_keep_size=1GB',
    ]);
    try {
      const { server } = ground;
      await server.query('create table t (n int, filler text)');
      for (let round = 0; round < 5; round += 1) {
        // One large record after another, small ones, subtransactions, a prepared one, a switch.
        await server.query(
          `insert into t select n, repeat(md5(n::text), 50) from generate_series(1, 5000) n`,
        );
        for (let n = 0; n < 40; n += 1) await server.query(`insert into t values (${n}, 'x')`);
        await server.query(
          'begin; savepoint a; insert into t values (1); savepoint b; insert into t values (2); commit',
        );
        await server.query(`begin; insert into t values (3); prepare transaction 'p${round}'`);
        await server.query(`commit prepared 'p${round}'`);
        await server.query('begin; insert into t values (4); rollback');
        await server.query(`select pg_logical_emit_message(false, 'x', repeat('y', 300000))`);
        if (round % 2 === 0) await server.query('select pg_switch_wal()');
      }
      await server.stop();

      const folder = join(server.data, 'pg_wal');
      const names = readdirSync(folder)
        .filter((name) => segmentPlace(name, SEGMENT))
        .sort();
      const first = segmentPlace(names[0] ?? '', SEGMENT)?.start ?? 0n;
      const ours: string[] = [];
      const records = new WalRecords(SEGMENT, first, ({ lsn, micros }) => {
        const at = new Date(Number((micros + 946_684_800_000_000n) / 1000n));
        ours.push(`${lsnText(lsn)} ${at.toISOString().slice(0, 23)}`);
      });
      for (const name of names) {
        const place = segmentPlace(name, SEGMENT);
        if (place) records.push(place.start, readFileSync(join(folder, name)));
      }
      const dump = join(DEBIAN_15, 'pg_waldump');
      // It ends with an error where the WAL ends.
      const shown = execFileSync(
        'sh',
        [
          '-c',
          `TZ=UTC ${dump} -p ${folder} -r Transaction ${names[0]} ${names.at(-1)} 2>/dev/null; true`,
        ],
        {
          maxBuffer: 64 * 1024 * 1024,
        },
      ).toString();
      const theirs = shown.split('\n').flatMap((line) => {
        const found =
          /lsn: ([0-9A-F]+)\/0*([0-9A-F]+), prev .* desc: COMMIT(?:_PREPARED)? (?:\S+: )?(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3})/.exec(
            line,
          );
        return found ? [`${found[1]}/${found[2]} ${found[3]}T${found[4]}`] : [];
      });
      expect(ours.length).toBeGreaterThan(200);
      expect(ours).toEqual(theirs);
    } finally {
      await ground.close();
    }
  });

  it('are looked for in anything without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40_000 }), fc.nat(8191), (bytes, start) => {
        const records = new WalRecords(SEGMENT, BigInt(start), () => {});
        records.push(0n, Buffer.from(bytes));
        expect(records.position).toBeGreaterThanOrEqual(BigInt(start));
      }),
      { numRuns: 500 },
    );
  });
});
