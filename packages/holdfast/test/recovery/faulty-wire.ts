/** A way to a server that can be cut, fall silent, or lead to another server. */
import { connect, createServer, type Socket } from 'node:net';

export interface FaultyWire {
  readonly port: number;
  /** Connections that are there end. */
  cut(): void;
  /** Nothing goes through any more, and nobody is told. */
  silence(): void;
  /** New connections lead there, and silence is over. */
  lead(port: number): void;
  close(): Promise<void>;
}

export async function startFaultyWire(serverPort: number): Promise<FaultyWire> {
  const sockets = new Set<Socket>();
  let leadsTo = serverPort;
  let isSilent = false;
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: leadsTo });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk) => {
      if (!isSilent) far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (!isSilent && !near.write(chunk)) {
        far.pause();
        near.once('drain', () => far.resume());
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    cut,
    silence: () => {
      isSilent = true;
    },
    lead: (port) => {
      leadsTo = port;
      isSilent = false;
    },
    close: async () => {
      cut();
      await new Promise((done) => server.close(done));
    },
  };
}
