/**
 * Runs the commands of typed-commands.ts one after the other: in each, what main.ts does with a process
 * of its own. It answers when the event loop holds nothing more than before the command, which is when
 * that process would have ended; a command that leaves something behind, a thread too, is never done.
 */
import { readFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { Readable, Writable } from 'node:stream';

// Of threads the event loop is not told to others: they are counted as they are made.
let threads = 0;
const workers = createRequire(import.meta.url)('node:worker_threads');
workers.Worker = class extends workers.Worker {
  #counts = 1;
  constructor(...args) {
    super(...args);
    threads += 1;
    this.once('exit', () => this.#leave());
  }
  unref() {
    this.#leave();
    super.unref();
  }
  #leave() {
    threads -= this.#counts;
    this.#counts = 0;
  }
};
syncBuiltinESMExports();
const { Interrupt } = await import('../../dist/cli/interrupt.js');
const { runCommandLine } = await import('../../dist/cli/program.js');
const { systemClock } = await import('../../dist/model/clock.js');

const LOOK_MS = 5;
const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);
// Opened now, so that it counts as there before the first command.
void process.stderr;

process.once('disconnect', () => process.exit());
process.on('message', async ({ words, env, folder }) => {
  const before = held();
  process.chdir(folder);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  const out = collector();
  const err = collector();
  // Node's own warnings go there too.
  process.stderr.write = err.write.bind(err);
  const streams = { out, err, in: Readable.from([]), env };
  const around = { streams, clock: systemClock, interrupt: new Interrupt() };
  const exit = await runCommandLine(words, around, version);
  while (isMore(held(), before)) await new Promise((done) => setTimeout(done, LOOK_MS).unref());
  delete process.stderr.write;
  process.send({ exit, out: out.text(), err: err.text() });
});

function collector() {
  const chunks = [];
  const collected = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return Object.assign(collected, { text: () => Buffer.concat(chunks).toString('utf8') });
}

/** How many of each kind keep the event loop alive. */
function held() {
  const counts = new Map([['Worker', threads]]);
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function isMore(now, before) {
  return [...now].some(([kind, count]) => count > (before.get(kind) ?? 0));
}
