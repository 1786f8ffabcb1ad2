import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FrameReader, type Lane, Wire } from './wire.ts';

/** Two ends; what one writes, the other reads, cut into pieces of `cut` bytes. */
function pair(cut: number): readonly [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        for (let at = 0; at < chunk.length; at += cut) other().push(chunk.subarray(at, at + cut));
        done();
      },
      destroy(error, done) {
        other().push(null);
        done(error);
      },
    });
  const ends: [Duplex, Duplex] = [make(() => ends[1]), make(() => ends[0])];
  return ends;
}

function wires(cut: number, serve: (what: unknown, lane: Lane) => void) {
  const [near, far] = pair(cut);
  const parts = { errorOf: (sent: unknown) => sent, ended: () => {} };
  new Wire({ socket: far, called: serve, ...parts });
  return { wire: new Wire({ socket: near, called: () => {}, ...parts }), near };
}

async function* pieces(count: number, size: number) {
  for (let at = 0; at < count; at += 1) yield Buffer.alloc(size, at);
}

describe('the wire to the vault’s process', () => {
  it.each([1, 3, 64 * 1024])(
    'carries streams both ways, cut into pieces of %d bytes',
    async (cut) => {
      const { wire } = wires(cut, (_what, lane) => void lane.send(lane.body()));
      const lane = wire.call({ method: 'echo' });
      const sending = lane.send(pieces(20, 999));
      let bytes = 0;
      for await (const chunk of lane.body()) bytes += chunk.length;
      expect(await sending).toBe(true);
      expect(bytes).toBe(20 * 999);
    },
  );

  it('holds back whoever sends faster than is taken', async () => {
    let sent = 0;
    async function* endless() {
      while (true) {
        sent += 64 * 1024;
        yield Buffer.alloc(64 * 1024);
      }
    }
    const { wire } = wires(64 * 1024, (_what, lane) => void lane.send(endless()));
    const lane = wire.call({ method: 'get' });
    await new Promise((done) => setTimeout(done, 50));
    expect(sent).toBeLessThan(2 * 1024 * 1024);
    let taken = 0;
    for await (const chunk of lane.body()) {
      taken += chunk.length;
      if (taken > 5 * 1024 * 1024) break;
    }
    await new Promise((done) => setTimeout(done, 20));
    const stopped = sent;
    await new Promise((done) => setTimeout(done, 20));
    expect(sent).toBe(stopped);
  });

  it('tells each of many calls its own answer', async () => {
    const { wire } = wires(7, (what, lane) => lane.reply(what));
    const asked = Array.from({ length: 50 }, (_, at) => wire.call({ at }).answer());
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 50 }, (_, at) => ({ at })));
  });

  it.each([
    ['a length beyond any frame', [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1]],
    ['a length below any frame', [0, 0, 0, 1, 0, 0, 0, 0, 1]],
    ['a type that is none', [0, 0, 0, 5, 99, 0, 0, 0, 1]],
  ])('takes %s for no frame', (_story, bytes) => {
    expect(() => new FrameReader().read(Buffer.from(bytes))).toThrow('no frame');
  });

  it('breaks all calls when the other side is gone', async () => {
    const { wire } = wires(64, () => {});
    const lane = wire.call({ method: 'look' });
    const body = lane.body();
    wire.breakAll(new Error('gone'));
    await expect(lane.answer()).rejects.toThrow('gone');
    await expect(body.next()).rejects.toThrow('gone');
  });
});
