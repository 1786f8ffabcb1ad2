/**
 * A Holdfast that does nothing but record, to be killed: decides without pause on eight lanes, prints
 * each statement once `decide` resolved (this is where it would forward), then tells the outcome.
 * With a folder as second argument it records through a journal there, and every second decision is
 * only jotted, as inside a transaction. Runs from the build, so that it starts quickly.
 */
import { systemClock } from '../../dist/model/clock.js';
import { newId } from '../../dist/model/ids.js';
import { openDatabase } from '../../dist/store/database.js';
import { FileJournal } from '../../dist/store/file-journal.js';
import { PgInstanceBook } from '../../dist/store/instances.js';
import { PgTrailStore } from '../../dist/store/trail-store.js';
import { signerFromSeed } from '../../dist/trail/signer.js';
import { TrailLog } from '../../dist/trail/trail-log.js';

const LANES = 8;
const [, , url, folder] = process.argv;
const instanceId = newId('instance', systemClock);
const database = await openDatabase({ connection: { url } });
const log = await TrailLog.start({
  store: await PgTrailStore.open({ database, requireDurable: false }),
  instances: new PgInstanceBook(database),
  signer: signerFromSeed('holdfast/killed', Buffer.alloc(32, 9)),
  clock: systemClock,
  instanceId,
  journal: folder === undefined ? null : FileJournal.open(folder, instanceId),
  readsWhenUnavailable: 'refuse',
  onFault: () => {},
  checkpointMs: 50,
});

const target = {
  name: 'main-db',
  environment: { name: 'production', level: 'guarded' },
  protocol: 'postgres',
  resolvedBy: 'declared in holdfast.yaml',
};
const session = { id: 's', protocol: 'postgres', source: '127.0.0.1:1', client: 'child' };
const actor = { kind: 'agent', id: 'a', name: 'child', tokenId: 't' };
const verdict = { kind: 'forward', rule: 'r', reason: 'because' };

async function lane(number) {
  for (let at = 0; ; at++) {
    const text = `delete from t where id = '${process.pid}-${number}-${at}'`;
    const intent = {
      actor,
      session,
      reading: { kind: 'understood', effects: [] },
      text: () => Buffer.from(text),
      acts: () => [Buffer.from(text)],
    };
    const decision = { intent, target, digest: 'd', verdict, policyVersion: '1', holdId: null };
    const jotted = at % 2 === 0 ? log.jot(decision) : null;
    const ref = jotted ?? (await log.decide(decision));
    process.stdout.write(`${text}\n`);
    if (jotted !== null) await new Promise((done) => setImmediate(done));
    log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
  }
}

await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
