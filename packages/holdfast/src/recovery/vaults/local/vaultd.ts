/**
 * The vault's process: one local vault, served over the socket pair it was born with (file descriptor
 * 3). There is no address to connect to: whoever is not its parent cannot ask it. It answers `put`,
 * `get`, `list`, `look` and `holds`; there is no call that removes anything. When the parent is gone,
 * it finishes what it writes and ends.
 *
 * Started as root with a user to be, it becomes that user once it has read its own program, which that
 * user may not be able to read. Its environment holds nothing.
 */
import { Socket } from 'node:net';
import { systemClock } from '../../../model/clock.ts';
import { CALL, failureToSend, lookToSend } from './calls.ts';
import { realDisk } from './disk.ts';
import { openFlags } from './flags.ts';
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

let opening: Promise<LocalStore> | null = null;
opened().catch(() => {});

const socket = new Socket({ fd: PARENT_FD, readable: true, writable: true });
const wire = new Wire({
  socket,
  called: (what, lane) => void serve(what, lane),
  errorOf: () => new Error('whoever stores broke off'),
  ended: () => void end(),
});

const sweeping = setInterval(() => {
  void opening?.then((store) => store.sweep()).catch(() => {});
}, SWEEP_MS);

/** What could not be opened is tried again with the next call: whoever had it may be gone. */
function opened(): Promise<LocalStore> {
  opening ??= LocalStore.open({ root, clock: systemClock, disk: realDisk, openFlags }).catch(
    (error: unknown) => {
      opening = null;
      throw error;
    },
  );
  return opening;
}

async function serve(what: unknown, lane: Lane): Promise<void> {
  try {
    const store = await opened();
    const call = CALL.parse(what);
    switch (call.method) {
      case 'put':
        lane.reply(await store.put(call.key, lane.body(), { retainUntil: call.retainUntil }));
        break;
      case 'get':
        await lane.send(store.get(call));
        break;
      case 'list':
        await lane.send(inLines(store, call.prefix, call.asOf));
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
  await opening?.then((store) => store.close()).catch(() => {});
  process.exit(0);
}
