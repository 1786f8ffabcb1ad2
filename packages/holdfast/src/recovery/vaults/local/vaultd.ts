/**
 * The vault's process: one local vault, served over the socket pair it was born with (file descriptor
 * 3). There is no address to connect to: whoever is not its parent cannot ask it. It answers `open`, which
 * says what was seen of the vault before, then `put`, `get`, `list`, `stat`, `look` and `holds`; there is no call
 * that removes anything. When the parent is gone, it finishes what it writes and ends.
 *
 * Started as root with a user to be, it becomes that user once it has read its own program, which that
 * user may not be able to read. Its environment holds nothing.
 */
import { Socket } from 'node:net';
import { systemClock } from '../../../model/clock.ts';
import { CALL, failureToSend, lookToSend, type Opened } from './calls.ts';
import { realDisk } from './disk.ts';
import { openFlags } from './flags.ts';
import type { Seen } from './manifest.ts';
import { LocalStore } from './store.ts';
import { type Lane, Wire } from './wire.ts';

const PARENT_FD = 3;
const SWEEP_MS = 60_000;
const LIST_CHUNK = 200;

const [root = '', uid, gid] = process.argv.slice(2);
if (uid !== undefined && gid !== undefined && process.getuid?.() === 0) {
  process.setgroups?.([Number(gid)]);
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
}
process.umask(0o077);
// Ctrl-C in a terminal goes to the whole group; the parent says when it is over.
process.on('SIGINT', () => {});

let opening: Promise<LocalStore> = Promise.reject(new Error('nobody asked for it to be opened'));
opening.catch(() => {});

const socket = new Socket({ fd: PARENT_FD, readable: true, writable: true });
const wire = new Wire({
  socket,
  called: (what, lane) => void serve(what, lane),
  errorOf: () => new Error('whoever stores broke off'),
  ended: () => void end(),
});

const sweeping = setInterval(() => {
  void opening.then((store) => store.sweep()).catch(() => {});
}, SWEEP_MS);

async function serve(what: unknown, lane: Lane): Promise<void> {
  try {
    const call = CALL.parse(what);
    if (call.method === 'open') opening = openAnew(opening, call.seen);
    const store = await opening;
    switch (call.method) {
      case 'open': {
        const { head, isForReading } = store;
        lane.reply({ head, isForReading } satisfies Opened);
        break;
      }
      case 'put':
        lane.reply(await store.put(call.key, lane.body(), { retainUntil: call.retainUntil }));
        break;
      case 'get':
        await lane.send(store.get(call));
        break;
      case 'list':
        await lane.send(inLines(store, call.prefix, call.asOf));
        break;
      case 'stat':
        lane.reply(await store.stat(call));
        break;
      case 'look':
        lane.reply(lookToSend(await store.look()));
        break;
      case 'holds':
        lane.reply(await store.holds(call.head));
        break;
    }
  } catch (error) {
    lane.fail(failureToSend(error));
  } finally {
    wire.forget(lane);
  }
}

/** As it is, where it would be opened the same; what failed is tried again: a disk may be there by now. */
async function openAnew(before: Promise<LocalStore>, seen: Seen | null): Promise<LocalStore> {
  const store = await before.catch(() => null);
  if (store !== null) {
    if (await store.isStill(seen)) return store;
    await store.close();
  }
  return LocalStore.open({ root, clock: systemClock, disk: realDisk, openFlags, seen });
}

async function* inLines(store: LocalStore, prefix: string, asOf: Date | null) {
  let lines: string[] = [];
  for await (const object of store.list(prefix, asOf)) {
    lines.push(`${JSON.stringify(object)}\n`);
    if (lines.length < LIST_CHUNK) continue;
    yield Buffer.from(lines.join(''));
    lines = [];
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''));
}

async function end(): Promise<void> {
  clearInterval(sweeping);
  wire.breakAll(new Error('whoever stores is gone'));
  await opening.then((store) => store.close()).catch(() => {});
  process.exit(0);
}
