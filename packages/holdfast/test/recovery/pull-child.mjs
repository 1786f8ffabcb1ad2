/**
 * Holdfast's pulling in a process of its own, so that it can be killed: `stream` until then, or `backup`.
 * The built engine, over the folder of FolderVault (the same layout, written by hand: no types here).
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { systemClock } from '../../dist/model/clock.js';
import { DumpEngine } from '../../dist/recovery/engines/dump/dump-engine.js';
import { PullEngine } from '../../dist/recovery/engines/pull/pull-engine.js';
import { PointSeal } from '../../dist/recovery/point-seal.js';

/** `works` (and where pg_dump is): of the engine dump; left out: the engine pull. */
const [act, port, root, recipient, works, programs] = process.argv.slice(2);

const vault = {
  name: 'folder',
  kind: 'local',
  put: async (key, body, kept) => {
    const folder = join(root, `${key}#`);
    mkdirSync(folder, { recursive: true });
    const incoming = join(folder, `incoming-${process.pid}-${process.hrtime.bigint()}`);
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(incoming, 'wx');
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
    await file.close();
    const version = `${readdirSync(folder).filter((name) => name.endsWith('.json')).length + 1}`;
    const stored = {
      key,
      version,
      bytes,
      sha256: hash.digest('hex'),
      storedAt: new Date(),
      retainUntil: kept.retainUntil,
    };
    renameSync(incoming, join(folder, version));
    writeFileSync(join(folder, `${version}.json.new`), JSON.stringify(stored));
    renameSync(join(folder, `${version}.json.new`), join(folder, `${version}.json`));
    return stored;
  },
  list: async function* (prefix) {
    const below = (folder) =>
      !existsSync(folder)
        ? []
        : readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
            const path = join(folder, entry.name);
            if (!entry.isDirectory()) return [];
            return entry.name.endsWith('#') ? [path] : below(path);
          });
    for (const path of below(root).sort()) {
      const key = relative(root, path).slice(0, -1);
      const newest = readdirSync(path)
        .filter((name) => name.endsWith('.json'))
        .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
        .at(-1);
      if (!key.startsWith(prefix) || newest === undefined) continue;
      const stored = JSON.parse(readFileSync(join(path, newest), 'utf8'));
      yield { ...stored, storedAt: new Date(stored.storedAt), retainUntil: null };
    }
  },
  get: async function* ({ key, version }) {
    yield readFileSync(join(root, `${key}#`, version));
  },
  close: async () => {},
};

const options = {
  target: 'shop',
  connection: {
    host: '127.0.0.1',
    port: Number(port),
    user: 'postgres',
    database: 'postgres',
    password: () => null,
    ssl: false,
  },
  vault,
  recipients: [recipient],
  identities: () => [],
  kept: () => ({ retainUntil: new Date(Date.now() + 86_400_000) }),
  slot: 'holdfast_shop',
  // As TEST_SEAL.
  seal: new PointSeal(Buffer.alloc(32, 7)),
  acceptsCorruptPages: false,
  clock: systemClock,
  binaries: [programs],
  folder: works,
};
const engine = works === undefined ? new PullEngine(options) : new DumpEngine(options);
const never = new AbortController().signal;
const wal = await engine.stream();
if (works === undefined) await wal.durableUpTo(0n, never);
else await wal.ready(never);
process.stdout.write('ready\n');
if (act === 'backup') {
  await engine.backup((progress) => process.stdout.write(`${progress.phase}\n`), never);
  process.stdout.write('taken\n');
}
setInterval(() => {}, 1_000);
