/** `/v1/events` over a real connection: what is told, how soon it ends, and how many may listen. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { STREAMS_PER_PERSON_MAX } from '../../src/model/limits.ts';
import { decide, openHolds } from './ground.ts';
import { ApiWorld, type Browser, type Shown, sentBy } from './support.ts';

let world: ApiWorld;
let ana: Browser;
let url: string;

beforeAll(async () => {
  world = await ApiWorld.start('', { beatMs: 100 });
  ana = await world.person('ana', ['owner']);
  const { port } = await world.room.api.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  await world?.stop();
});

class Stream {
  readonly #leave = new AbortController();
  readonly response: Response;
  #text = '';
  isOver = false;

  private constructor(response: Response, leave: AbortController) {
    this.response = response;
    this.#leave = leave;
    void this.#read();
  }

  static async open(who: Shown, more: Record<string, string> = {}): Promise<Stream> {
    const leave = new AbortController();
    const { signal } = leave;
    const headers = { ...sentBy(who), ...more };
    const response = await fetch(`${url}/v1/events`, { headers, signal });
    return new Stream(response, leave);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? []) this.#text += decoder.decode(chunk);
    } catch {
      // We left, or were cut off.
    }
    this.isOver = true;
  }

  get text(): string {
    return this.#text;
  }

  get events(): readonly { readonly kind: string }[] {
    return [...this.#text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
  }

  get kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }

  leave(): void {
    this.#leave.abort();
  }
}

it('tells that something changed, and never what is in it', async () => {
  const stream = await Stream.open(ana);
  await expect.poll(() => stream.kinds).toContain('trail');
  await openHolds(world, 1, () => ({ statement: 'DELETE FROM secrets' }));
  await decide(world, { text: 'DELETE FROM secrets' });
  await expect.poll(() => stream.kinds, { timeout: 10_000 }).toContain('undo');
  await expect.poll(() => stream.text).toContain(': here');
  expect(stream.text).not.toContain('secrets');
  stream.leave();
});

it('goes on from the last event that came through', async () => {
  const first = await Stream.open(ana);
  await expect.poll(() => first.kinds).toContain('trail');
  const id = /^id: (\d+)$/m.exec(first.text)?.[1] ?? '';
  first.leave();
  await world.rooms.people.add('zoe');
  await (await world.rooms.trail()).flush();
  await decide(world, { text: 'UPDATE t SET a = 1' });
  const again = await Stream.open(ana, { 'last-event-id': id });
  await expect.poll(() => again.kinds).toContain('undo');
  again.leave();
  // One that never was ours, or lies in another trail's future: look at everything.
  for (const odd of ['nonsense', '999999999']) {
    const lost = await Stream.open(ana, { 'last-event-id': odd });
    await expect.poll(() => lost.kinds).toEqual(expect.arrayContaining(['hold', 'deferrals']));
    lost.leave();
  }
});

it('ends when the session does', async () => {
  const ben = await world.person('ben', ['auditor']);
  const stream = await Stream.open(ben);
  await expect.poll(() => stream.kinds).toContain('trail');
  await ben.ask('/v1/session', { method: 'DELETE' });
  await expect.poll(() => stream.isOver, { timeout: 10_000 }).toBe(true);
  expect(stream.text).toContain('event: signed-out');
});

it('is bounded per person, and what is left makes room', async () => {
  const joe = await world.person('joe', ['auditor']);
  const open = await Promise.all(
    Array.from({ length: STREAMS_PER_PERSON_MAX }, () => Stream.open(joe)),
  );
  expect(open.map(({ response }) => response.status)).toEqual(open.map(() => 200));
  const more = await Stream.open(joe);
  expect(more.response.status).toBe(429);
  await expect.poll(() => more.text).toContain('HF_RATE');
  // Somebody else is not in their way.
  const other = await Stream.open(ana);
  expect(other.response.status).toBe(200);
  for (const one of [...open, other]) one.leave();
  await expect
    .poll(async () => {
      const next = await Stream.open(joe);
      next.leave();
      return next.response.status;
    })
    .toBe(200);
});

it('is nothing for an agent, or for nobody', async () => {
  expect((await Stream.open({ cookie: '', page: null })).response.status).toBe(401);
});
