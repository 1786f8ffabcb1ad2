/**
 * A Holdfast that only drains and purges, to be killed or to have its servers taken away under it. The
 * parent arms a step by name; when it is reached, the child says so and waits there for `go` or its end.
 * Its wall clock is set by the parent; watched time is stepped quickly. Runs from the build.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '../../dist/model/clock.js';
import { Grace } from '../../dist/protection/grace.js';
import { openTargetDatabase } from '../../dist/protection/postgres/admin.js';
import { Drain } from '../../dist/protection/postgres/drain.js';
import { dropTrash } from '../../dist/protection/postgres/trash-bin.js';
import { WatchedClock } from '../../dist/protection/watched-clock.js';
import { AdvisoryLock } from '../../dist/store/advisory-lock.js';
import { Database } from '../../dist/store/database.js';
import { SqlLedgerStore } from '../../dist/store/ledger-store.js';
import { SqlUndoStore } from '../../dist/store/undo-store.js';

const [, , vaultUrl, targetPort, targetDatabase, graceMs] = process.argv;
const STEP_MS = 40;
const SWEEP_MS = 100;

let armed = null;
let goOn = null;
let jumpMs = 0;

async function at(step) {
  if (step !== armed) return;
  armed = null;
  const released = new Promise((done) => {
    goOn = done;
  });
  process.stdout.write(`at ${step}\n`);
  await released;
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, value] = line.split(' ');
  if (word === 'arm') armed = value;
  if (word === 'go') goOn?.();
  if (word === 'jump') jumpMs += Number(value);
});

const clock = {
  now: () => new Date(systemClock.now().getTime() + jumpMs),
  monotonicMs: () => systemClock.monotonicMs(),
  random: (bytes) => systemClock.random(bytes),
};

/** By what is said to the target; the rest of it is the drain's own code. */
const STATEMENTS = [
  [/^(with g0 as \()?delete from "holdfast"\."c/, 'prune-rows'],
  [/^delete from "holdfast"\.journal/, 'prune-journal'],
  [/^drop schema/, 'purge-trash'],
];

const JOURNAL = /^copy \(\s*select j\./;

class SteppedTarget {
  #inner;
  constructor(inner) {
    this.#inner = inner;
    this.target = inner.target;
  }
  query(text, values) {
    return this.#inner.query(text, values);
  }
  async transaction(isolation, work) {
    let isPrune = false;
    const result = await this.#inner.transaction(isolation, (session) =>
      work({
        query: async (text, values) => {
          const step = STATEMENTS.find(([pattern]) => pattern.test(text))?.[1];
          const rows = await session.query(text, values);
          isPrune ||= step === 'prune-journal';
          if (step !== undefined) await at(step);
          return rows;
        },
        copyOut: async function* (text) {
          const isJournal = JOURNAL.test(text);
          for await (const chunk of session.copyOut(text)) {
            if (!isJournal) await at('copy');
            yield chunk;
          }
          if (isJournal) await at('read');
        },
        copyIn: (text, chunks) => session.copyIn(text, chunks),
      }),
    );
    if (isPrune) await at('pruned');
    return result;
  }
  close() {
    return this.#inner.close();
  }
}

class SteppedStore extends SqlUndoStore {
  async keep(batch) {
    const kept = await super.keep({
      ...batch,
      chunks: (async function* () {
        for await (const chunk of batch.chunks) {
          yield chunk;
          await at('keep');
        }
      })(),
    });
    await at('kept');
    return kept;
  }
  async beginPurge(limit) {
    const due = await super.beginPurge(limit);
    if (due.length > 0) await at('purge-begun');
    return due;
  }
  async finishPurge(id) {
    await at('purge-finish');
    await super.finishPurge(id);
    await at('purged');
  }
}

const database = new Database({ connection: { url: vaultUrl } });
const target = new SteppedTarget(
  openTargetDatabase({
    target: 'main-db',
    connection: {
      host: '127.0.0.1',
      port: Number(targetPort),
      user: 'postgres',
      database: targetDatabase,
      password: () => null,
      ssl: false,
    },
  }),
);
const store = new SteppedStore(database, clock);
const drain = new Drain({
  target,
  store,
  lock: new AdvisoryLock(database, 'drain main-db'),
  clock,
  graceMs: Number(graceMs),
  agentOf: () => null,
});
const watched = new WatchedClock({ ledger: new SqlLedgerStore(database), clock });
const grace = new Grace({ store, targetOf: () => target, dropTrash });

async function every(ms, work) {
  for (;;) {
    await work().catch(() => {});
    await new Promise((done) => setTimeout(done, ms));
  }
}

drain.start();
void every(STEP_MS, () => watched.step());
void every(SWEEP_MS, () => grace.sweep());
