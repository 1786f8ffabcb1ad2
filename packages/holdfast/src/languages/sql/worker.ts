/** The thread that reads long texts: bytes in, reading out, one at a time. */
import { parentPort } from 'node:worker_threads';
import { loadParser, parseBytes, unread } from './parse.ts';

const loaded = loadParser();

parentPort?.on('message', (bytes: unknown) => {
  void loaded.then(() => {
    if (!(bytes instanceof Uint8Array)) {
      parentPort?.postMessage(unread('reader-failed', 'Expected bytes, found something else.'));
      return;
    }
    const parsed = parseBytes(bytes);
    parentPort?.postMessage(parsed.reading);
    // A parser that broke down is not used again: the next text gets a new thread.
    if (parsed.broken) process.exit(0);
  });
});
