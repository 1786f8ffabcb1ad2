import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ServerEvents, ServerStream } from './server-stream.ts';

function message(tag: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(5);
  header.write(tag, 'latin1');
  header.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}
const row = (bytes: number): Buffer => message('D', Buffer.alloc(bytes, 0x61));
const complete = (tag: string): Buffer => message('C', `${tag}\0`);
const ready = (status: string): Buffer => message('Z', status);
const error = (code: string, text: string): Buffer =>
  message('E', `SERROR\0VERROR\0C${code}\0M${text}\0\0`);
const parameter = (name: string, value: string): Buffer => message('S', `${name}\0${value}\0`);

function harness(replace: (text: string) => Buffer | null = () => null) {
  const events: string[] = [];
  const handler: ServerEvents = {
    onReady: (status) => events.push(`ready ${status}`) > 0,
    onError: ({ code, message: text }) => {
      events.push(`error ${code} ${text}`);
      return replace(text);
    },
    onCommandComplete: (tag) => {
      events.push(`tag ${tag}`);
      return null;
    },
    onAnswer: (type) => {
      events.push(`answer ${String.fromCharCode(type)}`);
      return null;
    },
    onParameter: (name, value) => events.push(`parameter ${name}=${value}`),
    onCopyIn: () => events.push('copy in'),
    onServerBroken: (found) => events.push(`broken ${found}`),
  };
  const stream = new ServerStream(handler);
  const out: Buffer[] = [];
  const feed = (bytes: Buffer): void => {
    stream.scan(bytes, bytes.length, (slice, from, to) =>
      out.push(Buffer.from(slice.subarray(from, to))),
    );
  };
  return { stream, events, feed, output: () => Buffer.concat(out), pieces: out };
}

describe('reading the server stream', () => {
  it('passes a whole chunk as it is, in one piece', () => {
    const { feed, pieces, events, stream } = harness();
    const bytes = Buffer.concat([row(10), row(0), complete('SELECT 2'), ready('I')]);
    feed(bytes);
    expect(pieces).toEqual([bytes]);
    expect(events).toEqual(['tag SELECT 2', 'ready I']);
    expect(stream.isBetweenMessages).toBe(true);
  });

  it('puts our words in the place of an error that stands for a denial', () => {
    const ours = error('42501', 'Holdfast holds this');
    const { feed, output } = harness((text) => (text.includes('DENIED') ? ours : null));
    feed(Buffer.concat([row(3), error('42601', 'at DENIED'), ready('E'), error('22012', 'zero')]));
    expect(output()).toEqual(Buffer.concat([row(3), ours, ready('E'), error('22012', 'zero')]));
  });

  it('looks at the beginning of an error too large to gather, and passes it whole', () => {
    const { feed, output, events } = harness();
    const bytes = Buffer.concat([error('P0001', 'x'.repeat(200_000)), ready('I')]);
    feed(bytes.subarray(0, 1_000));
    feed(bytes.subarray(1_000));
    expect(output().equals(bytes)).toBe(true);
    expect(events[0]).toMatch(/^error P0001 x+$/);
    expect(events.at(-1)).toBe('ready I');
  });

  it('says so when the bytes are no message, or replication begins', () => {
    const { feed, events } = harness();
    feed(Buffer.from([0x44, 0, 0, 0, 1]));
    feed(message('W', Buffer.alloc(3)));
    expect(events.map((event) => event.split(' ')[0])).toEqual(['broken', 'broken']);
  });

  it('sees and passes the same however the bytes are cut', () => {
    const ours = error('42501', 'ours');
    const piece = fc.oneof(
      fc.nat(3_000).map(row),
      fc.constantFrom('SELECT 1', 'DELETE 3', '').map(complete),
      fc.constantFrom('I', 'T', 'E').map(ready),
      fc.constantFrom('DENIED', 'other').map((text) => error('42601', text)),
      fc.constant(parameter('client_encoding', 'UTF8')),
      fc.constant(message('G', Buffer.alloc(3))),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 15 }),
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 40 }),
        (pieces, cuts) => {
          const bytes = Buffer.concat(pieces);
          const replace = (text: string): Buffer | null => (text === 'DENIED' ? ours : null);
          const whole = harness(replace);
          whole.feed(bytes);
          const cut = harness(replace);
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = Math.min(cuts[i % cuts.length] ?? 1, bytes.length - at);
            cut.feed(Buffer.from(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(cut.events).toEqual(whole.events);
          expect(cut.output()).toEqual(whole.output());
        },
      ),
      { numRuns: 300 },
    );
  });
});
