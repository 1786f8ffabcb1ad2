/** Loopback ports: a wished one when it is free, else any. */
import { createServer } from 'node:net';

/** Holdfast's usual port first, so that what is printed looks like what people will use. */
export async function portOr(wished: number): Promise<number> {
  return (await tryPort(wished)) ?? freePort();
}

export async function freePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === null) throw new Error('No loopback port is free.');
  return port;
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const got = address !== null && typeof address === 'object' ? address.port : null;
      server.close(() => done(got));
    });
  });
}
