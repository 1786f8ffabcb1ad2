/**
 * The duties of every protocol (protocol.ts, pipeline/exchange.ts), as tests. An implementation lends
 * a real client and a real upstream; nothing in here knows which wire it is.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NOT_CONFIGURED } from '../model/recovery-facts.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import { anybody, FakeDesk, FakeRecorder, oneTarget, simpleJudge } from '../testing/fake-parts.ts';
import type { Protocol } from './protocol.ts';

/** What a client under test got for an act. */
export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly words: string }
  | { readonly kind: 'gone' };

export interface ClientUnderTest {
  /** A harmless unit. */
  read(): Promise<Answer>;
  /** Adds one to what `World.changes` counts; simpleJudge forwards it. */
  change(): Promise<Answer>;
  /** Destroys; simpleJudge holds it. */
  destroy(): Promise<Answer>;
  /** Something nobody can read. */
  gibberish(): Promise<Answer>;
  close(): Promise<void>;
}

export interface World {
  /** A protocol on a port of its own, not yet listening. */
  protocol(pipeline: Pipeline): Protocol;
  client(port: number, tokenId: 'token_a' | 'token_b'): Promise<ClientUnderTest>;
  /** How many changes really are upstream; -1 when what `destroy` destroys is gone. */
  changes(): Promise<number>;
  reset(): Promise<void>;
  end(): Promise<void>;
}

export function protocolSuite(name: string, makeWorld: () => Promise<World>): void {
  describe(`${name} keeps the contract of a protocol`, () => {
    let world: World;
    let recorder: FakeRecorder;
    let desk: FakeDesk;
    let protocol: Protocol;
    let port: number;

    beforeAll(async () => {
      world = await makeWorld();
    }, 60_000);
    afterAll(async () => {
      await protocol.close();
      await world.end();
    });
    beforeEach(async () => {
      await world.reset();
      await protocol?.close();
      recorder = new FakeRecorder();
      desk = new FakeDesk();
      protocol = world.protocol(
        new Pipeline({
          targets: oneTarget,
          judge: simpleJudge,
          allowances: anybody,
          recoveryOf: () => NOT_CONFIGURED,
          desk,
          deferrals: null,
          recorder,
          holdWaitMs: 0,
        }),
      );
      port = (await protocol.listen()).port;
    });

    const withClient = async (work: (client: ClientUnderTest) => Promise<void>): Promise<void> => {
      const client = await world.client(port, 'token_a');
      await work(client);
      await client.close();
    };

    it('forwards a harmless unit and enters it as a read', async () => {
      await withClient(async (client) => {
        expect(await client.read()).toEqual({ kind: 'done' });
        expect(recorder.decisions).toEqual([]);
        expect(recorder.reads.length).toBeGreaterThan(0);
      });
    });

    it('lets a change reach upstream only when its decision is durable', async () => {
      await withClient(async (client) => {
        let makeDurable = (): void => {};
        recorder.untilDurable = new Promise((done) => {
          makeDurable = done;
        });
        const answer = client.change();
        await until(() => recorder.decisions.length === 1);
        expect(await world.changes()).toBe(0);
        makeDurable();
        expect(await answer).toEqual({ kind: 'done' });
        expect(await world.changes()).toBe(1);
      });
    });

    it('reports exactly one outcome for each decision', async () => {
      await withClient(async (client) => {
        await client.change();
        await client.destroy();
        await client.change();
        await until(() => recorder.outcomes.length === 3);
        expect(recorder.decisions.map(({ verdict }) => verdict)).toEqual([
          'forward',
          'hold',
          'forward',
        ]);
        const kinds = recorder.outcomes.map(({ index, outcome }) => [index, outcome.kind]);
        expect(kinds).toEqual([
          [0n, 'done'],
          [1n, 'not-forwarded'],
          [2n, 'done'],
        ]);
      });
    });

    it('forwards nothing that cannot be recorded, and says so', async () => {
      await withClient(async (client) => {
        recorder.isLost = true;
        expect(await client.change()).toMatchObject({ words: expect.stringContaining('record') });
        expect(await client.read()).toMatchObject({ kind: 'refused' });
        recorder.isLost = false;
        expect(await client.change()).toEqual({ kind: 'done' });
        expect(await world.changes()).toBe(1);
      });
    });

    it('answers a hold in words an agent can act on, and goes on', async () => {
      await withClient(async (client) => {
        const answer = await client.destroy();
        expect(answer).toMatchObject({ kind: 'refused' });
        const words = answer.kind === 'refused' ? answer.words : '';
        expect(words).toContain('hold_0000000000000000');
        expect(words).toContain('retry exactly the same bytes');
        expect(words).toContain('Do not try');
        expect(await world.changes()).toBe(0);
        expect(await client.read()).toEqual({ kind: 'done' });
      });
    });

    it('forwards a held unit once when people have signed', async () => {
      await withClient(async (client) => {
        desk.standing = 'signed';
        expect(await client.destroy()).toEqual({ kind: 'done' });
        expect(desk.consumed).toBe(1);
        expect(await world.changes()).toBe(-1);
        expect(await client.destroy()).toMatchObject({ kind: 'refused' });
      });
    });

    it('does not forward what nobody can read', async () => {
      await withClient(async (client) => {
        expect(await client.gibberish()).toMatchObject({ kind: 'refused' });
        expect(recorder.outcomes).toMatchObject([{ outcome: { kind: 'not-forwarded' } }]);
        expect(await client.read()).toEqual({ kind: 'done' });
      });
    });

    it('ends the sessions that match, and no others', async () => {
      const a = await world.client(port, 'token_a');
      const b = await world.client(port, 'token_b');
      await Promise.all([a.read(), b.read()]);
      expect(protocol.endSessions({ tokenId: 'token_a', reason: 'HF_TOKEN_REVOKED' })).toBe(1);
      expect((await a.read()).kind).not.toBe('done');
      expect(await b.read()).toEqual({ kind: 'done' });
      expect(recorder.events.map(({ kind }) => kind)).toContain('session-closed');
      await Promise.all([a.close(), b.close()]);
    });

    it('closes twice as well as once, and ends its sessions', async () => {
      const client = await world.client(port, 'token_a');
      await client.read();
      await protocol.close();
      await protocol.close();
      expect((await client.read()).kind).not.toBe('done');
      await client.close();
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((done) => setTimeout(done, 10));
  expect(condition()).toBe(true);
}
