/** A way to a server on which one COMMIT is lost: before it arrives, or on the way back. */
import { connect, createServer } from 'node:net';

export interface CommitWire {
  readonly port: number;
  close(): Promise<void>;
}

export interface CommitLoss {
  readonly where: 'on-the-way' | 'on-the-way-back';
  /** Nobody gets through afterwards. */
  readonly isAwayThen: boolean;
  /** Before whoever waits for the answer hears that there is none. */
  readonly meanwhile: () => Promise<void>;
}

const COMMIT = Buffer.from('commit\0');

export async function startCommitWire(serverPort: number, loss: CommitLoss): Promise<CommitWire> {
  let isLost = false;
  const server = createServer((near) => {
    if (isLost && loss.isAwayThen) {
      near.destroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: serverPort });
    let isAnswerAwaited = false;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.on('error', () => {});
      socket.on('close', end);
    }
    near.on('data', (chunk) => {
      if (isLost || !chunk.includes(COMMIT)) {
        far.write(chunk);
        return;
      }
      isLost = true;
      if (loss.where === 'on-the-way') {
        void loss.meanwhile().finally(end);
        return;
      }
      isAnswerAwaited = true;
      far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (isAnswerAwaited) void loss.meanwhile().finally(end);
      else near.write(chunk);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () => new Promise((done) => server.close(() => done())),
  };
}
