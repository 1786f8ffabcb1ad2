import { once } from 'node:events';
import { connect, createServer, type Server, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RelayWire } from './relay-wire.ts';

let server: Server;
const sockets: Socket[] = [];
beforeEach(async () => {
  server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Both ends of a TCP connection: what the relay gets, and who is at the other end. */
async function pair(): Promise<{ ours: Socket; theirs: Socket }> {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(server, 'connection');
  const theirs = connect({ port: address.port, host: '127.0.0.1' });
  await once(theirs, 'connect');
  const [ours] = await accepted;
  if (!(ours instanceof Socket)) throw new Error('no socket');
  sockets.push(ours, theirs);
  return { ours, theirs };
}

function wireOf(socket: Socket): { wire: RelayWire; gone: string[] } {
  const gone: string[] = [];
  const wire = new RelayWire(socket, { onBytes: () => {}, onGone: (why) => gone.push(why) });
  return { wire, gone };
}

describe('what is written', () => {
  it('has left when write returns, and the buffer may be used again', async () => {
    const { ours, theirs } = await pair();
    const { wire } = wireOf(ours);
    const buffer = Buffer.from('..first..');
    wire.write(buffer, 2, 7);
    buffer.fill('x');
    expect(wire.isBehind).toBe(false);
    const [chunk] = await once(theirs, 'data');
    expect(String(chunk)).toBe('first');
  });

  it('arrives whole and in order although the other side stops reading', async () => {
    const { ours, theirs } = await pair();
    const { wire } = wireOf(ours);
    theirs.pause();
    const buffer = Buffer.alloc(64 * 1024);
    const chunks = 400;
    let waits = 0;
    const sent = (async () => {
      for (let at = 0; at < chunks; at += 1) {
        buffer.fill(at % 251);
        wire.write(buffer);
        // A small one right behind must not overtake what the kernel did not take.
        wire.write(Buffer.from([at % 251]));
        if (!wire.isBehind) continue;
        waits += 1;
        if (waits === 1) setTimeout(() => theirs.resume(), 20);
        await new Promise<void>((done) => wire.whenFlushed(done));
      }
    })();
    let received = 0;
    let wrong = 0;
    theirs.on('data', (bytes: Buffer) => {
      for (const byte of bytes) {
        if (byte !== Math.floor(received / (buffer.length + 1)) % 251) wrong += 1;
        received += 1;
      }
    });
    theirs.pause();
    await sent;
    await vi.waitFor(() => expect(received).toBe(chunks * (buffer.length + 1)), 10_000);
    expect([wrong, waits > 0]).toEqual([0, true]);
  });

  it('goes nowhere once the socket is closed, whoever has its descriptor then', async () => {
    const first = await pair();
    const { wire, gone } = wireOf(first.ours);
    first.theirs.resetAndDestroy();
    await vi.waitFor(() => {
      wire.write(Buffer.from('to see that it is gone'));
      wire.resume();
      expect(gone).toHaveLength(1);
    });
    // The lowest free number is given out first: these get it.
    const later = [await pair(), await pair()];
    const heard: string[] = [];
    for (const { ours, theirs } of later) {
      ours.resume().on('data', (bytes) => heard.push(String(bytes)));
      theirs.on('data', (bytes) => heard.push(String(bytes)));
    }
    wire.write(Buffer.from('of another session'));
    wire.end(Buffer.from('of another session'));
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect(heard).toEqual([]);
  });

  it('goes nowhere after destroy, in the same turn', async () => {
    const { ours, theirs } = await pair();
    const { wire } = wireOf(ours);
    wire.destroy();
    wire.write(Buffer.from('late'));
    const heard: string[] = [];
    theirs.on('data', (bytes) => heard.push(String(bytes)));
    await once(theirs, 'close');
    expect(heard).toEqual([]);
  });

  it('says that the other side is gone when the kernel refuses it', async () => {
    const { ours, theirs } = await pair();
    const { wire, gone } = wireOf(ours);
    theirs.resetAndDestroy();
    await vi.waitFor(() => {
      wire.write(Buffer.alloc(1_000));
      expect(gone).toHaveLength(1);
    });
  });
});
