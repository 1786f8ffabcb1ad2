/** The thread that reads long texts: bytes in, reading out, one at a time. */
import { parentPort } from 'node:worker_threads';
import { loadParser, parseBytes, unread } from './parse.ts';
import type { SqlReading } from './sql-reading.ts';

export interface WorkerAnswer {
  readonly reading: SqlReading;
  /** The parser broke down: whoever asked ends this thread and starts another. */
  readonly broken: boolean;
}

const loaded = loadParser();

parentPort?.on('message', (bytes: unknown) => {
  void loaded.then(() => {
    if (!(bytes instanceof Uint8Array)) {
      const reading = unread('reader-failed', 'Expected bytes, found something else.');
      parentPort?.postMessage({ reading, broken: false } satisfies WorkerAnswer);
      return;
    }
    const { reading, broken } = parseBytes(bytes);
    parentPort?.postMessage({ reading, broken } satisfies WorkerAnswer);
  });
});
