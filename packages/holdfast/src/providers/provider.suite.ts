/**
 * The duties of every provider (provider.ts), as tests. An implementation lends an API of its own to ask
 * and some requests; nothing in here knows which provider it is.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSqlReader } from '../languages/sql/reader.ts';
import type { SqlReader } from '../languages/sql/sql-reading.ts';
import { isHarmless } from '../model/effect.ts';
import { PROVIDER_ESTATE_MS } from '../model/limits.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { Provider, ProviderAct, ProviderOptions, ProviderRequest } from './provider.ts';

const HOUR_MS = 60 * 60 * 1000;
export const SUITE_SECRET = 'the-real-credential-of-the-suite';

export interface ApiRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface ProviderUnderTest {
  make(options: ProviderOptions): Provider;
  /** What the API answers to questions of Holdfast's own; undefined: 404. */
  answer(request: ApiRequest): unknown;
  /** Project and environment as the API has them, and as `placeOf` is asked for them. */
  readonly production: { readonly project: string; readonly at: string };
  readonly reads: ProviderRequest;
  /** Destroys something of `production`. */
  readonly destroys: ProviderRequest;
  /** Like `destroys`, with an id that the API does not list; null: it has no ids to look up. */
  readonly destroysUnlisted: ProviderRequest | null;
  /** Well formed, and in no catalogue. */
  readonly unheardOf: ProviderRequest;
  /** Hands out a secret; null: nothing does. */
  readonly handsOut: ProviderRequest | null;
  /** A change of `production` that another operation takes back; left out: none is. */
  readonly invertible?: ProviderRequest;
  /** An answer with errors and a status below 400; null: the API has none. */
  readonly failsWithGoodStatus: string | null;
  /** Where the API's own error has its words, out of a parsed answer. */
  messageOf(answer: unknown): unknown;
}

/** What nobody can read, whichever provider it is. */
const NONSENSE: readonly Partial<ProviderRequest>[] = [
  { body: Buffer.from([0xff, 0x00, 0xfe]) },
  { body: Buffer.from('{"a":1,"a":2}') },
  { body: Buffer.from('['.repeat(200)) },
  { search: '?%ff' },
  { search: '?a=%E0%A4%A' },
  { path: '/%' },
  { path: '//' },
  { path: '/..' },
  { path: '' },
  { method: '' },
  { method: 'SUBSCRIBE' },
  { mediaType: 'multipart/form-data' },
];

export function providerSuite(name: string, under: ProviderUnderTest): void {
  describe(`${name} keeps the contract of a provider`, () => {
    let server: Server;
    let origin: string;
    let sql: SqlReader;
    let isAway = false;
    let provider: Provider;
    const asked: ApiRequest[] = [];
    const options = (): ProviderOptions => ({
      ...BASE,
      sql,
      origin,
      placeOf: (project, at) =>
        project === under.production.project && at === under.production.at
          ? { target: 'the-target', environment: 'production', strictness: 2 }
          : null,
    });

    beforeAll(async () => {
      sql = await createSqlReader();
      server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const { method = '', url = '', headers } = request;
          const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
          asked.push(one);
          const found = isAway ? undefined : under.answer(one);
          response.statusCode = isAway ? 503 : found === undefined ? 404 : 200;
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify(found ?? { message: 'not here' }));
        });
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(async () => {
      await sql.close();
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    });
    beforeEach(() => {
      isAway = false;
      asked.length = 0;
      provider = under.make(options());
    });

    it('takes what only reads for harmless, and what destroys for what it is', async () => {
      expect(isHarmless((await provider.read(under.reads)).reading)).toBe(true);
      const { reading, reversal } = await provider.read(under.destroys);
      expect(reading.effects.map(({ kind }) => kind)).toContain('destroy');
      expect(reversal.kind).toBe('none');
    });

    it('reads GraphQL where it is said to come by WebSocket, and nothing else there', async () => {
      const { socketPath } = provider;
      if (socketPath === undefined) return;
      const asked = (text: string): ProviderRequest => ({
        method: 'POST',
        path: socketPath,
        search: '',
        mediaType: 'application/json',
        body: Buffer.from(text),
      });
      const { reading } = await provider.read(asked('{"query":"{ __typename }"}'));
      expect(isHarmless(reading)).toBe(true);
      const other = await provider.read(asked('{"type":"subscribe"}'));
      expect(other.reading.kind).toBe('could-not-tell');
    });

    it('places what destroys where it is declared', async () => {
      const { place, reaches } = await provider.read(under.destroys);
      expect(place.asked).toBe('the-target');
      expect(reaches.map(({ target }) => target)).toContain('the-target');
    });

    it('takes what it does not know for unknown, never for harmless', async () => {
      const { reading } = await provider.read(under.unheardOf);
      const isUnknown =
        reading.kind === 'could-not-tell' || reading.effects.some(({ kind }) => kind === 'unknown');
      expect(isUnknown).toBe(true);
    });

    it('never rejects, and never takes nonsense for less than it was', async () => {
      for (const part of NONSENSE) {
        const act = await provider.read({ ...under.destroys, ...part });
        expect(isHarmless(act.reading), JSON.stringify(part)).toBe(false);
      }
    });

    it('calls nothing harmless, and nothing placed, because the API is away', async () => {
      isAway = true;
      const { reading, place, reaches } = await provider.read(under.destroys);
      expect(isHarmless(reading)).toBe(false);
      if (under.destroysUnlisted === null) return;
      expect(place.asked).not.toBe('the-target');
      expect(reaches).toEqual([]);
    });

    it('counts on no old list of what there is for what changes something', async () => {
      if (under.destroysUnlisted === null) return;
      const clock = new ManualClock();
      const known = under.make({ ...options(), clock });
      expect((await known.read(under.destroys)).place.asked).toBe('the-target');
      isAway = true;
      clock.pass(PROVIDER_ESTATE_MS + 1);
      const { place } = await known.read(under.destroys);
      expect(place.asked).toBe(`${known.name} (not known now)`);
      expect(place.how).toContain('could not be asked');
      isAway = false;
      clock.pass(HOUR_MS);
      expect((await known.read(under.destroys)).place.asked).toBe('the-target');
    });

    it('has a state before for what is taken back by its inverse, and for nothing else', async () => {
      for (const one of [under.reads, under.destroys, under.unheardOf]) {
        const { inverse, reading, reversal } = await provider.read(one);
        expect([inverse, reversal.kind]).toEqual([undefined, 'none']);
        expect(reading.effects.some(({ hasInverse }) => hasInverse)).toBe(false);
      }
    });

    const { destroysUnlisted, failsWithGoodStatus, handsOut, invertible } = under;
    if (invertible !== undefined) {
      it('reads the state before whole, or has no inverse, and sets it again by a change that has one', async () => {
        const { inverse, place, reading, reversal } = await provider.read(invertible);
        expect([reversal.kind, place.asked]).toEqual(['inverse', 'the-target']);
        expect(reading.effects.every(({ hasInverse }) => hasInverse)).toBe(true);
        const changes = inverse?.changes ?? [];
        expect(changes.length).toBeGreaterThan(0);
        for (const { before, title } of changes) expect(title).not.toContain(before ?? '\0');
        const { inverses } = provider;
        const there = await inverses?.stateOf(changes);
        expect(there?.map(({ value }) => value)).toEqual(changes.map(({ before }) => before));
        const back = inverses?.setting(
          changes.map(({ before, ...slot }) => ({ ...slot, value: before })),
        );
        const again = await provider.read(back ?? invertible);
        expect([again.reversal.kind, again.place.asked]).toEqual(['inverse', 'the-target']);
        isAway = true;
        const away = await provider.read(invertible);
        expect([away.inverse, away.reversal.kind]).toEqual([undefined, 'none']);
        expect(away.reading.effects.some(({ hasInverse }) => hasInverse)).toBe(false);
      });
    }

    if (destroysUnlisted !== null) {
      it('takes an id that is not listed for a place that nobody declared', async () => {
        const { place } = await provider.read(destroysUnlisted);
        expect(place.asked).not.toBe('the-target');
        expect(place.asked).toContain(provider.name);
      });
    }

    if (handsOut !== null) {
      it('says what hands out a secret', async () => {
        const { reading } = await provider.read(handsOut);
        expect(reading.effects.map(({ kind }) => kind)).toContain('grant');
      });
    }

    it('shows the credential to its API and to nobody else', async () => {
      const acts: ProviderAct[] = [];
      for (const one of [under.reads, under.destroys, under.unheardOf]) {
        acts.push(await provider.read(one));
      }
      isAway = true;
      acts.push(await under.make(options()).read(under.destroys));
      expect(JSON.stringify(acts.map(shownAct))).not.toContain(SUITE_SECRET);
      const refusal = provider.refusal(REFUSAL);
      expect(JSON.stringify(refusal)).not.toContain(SUITE_SECRET);
      const carried = await provider.credential();
      for (const { headers } of asked) {
        for (const header of Object.keys(carried)) expect(headers[header]).toContain(SUITE_SECRET);
      }
    });

    it('lists every header that its credential goes in', async () => {
      const names = Object.keys(await provider.credential());
      expect(names.length).toBeGreaterThan(0);
      for (const one of names) expect(provider.credentialHeaders).toContain(one);
      expect(provider.credentialHeaders).toEqual(
        provider.credentialHeaders.map((one) => one.toLowerCase()),
      );
    });

    it('rejects when there is no credential, and says so', async () => {
      const none = under.make({
        ...options(),
        secret: async () => Promise.reject(new Error('none')),
      });
      await expect(none.credential()).rejects.toThrow('none');
      // Reading does not hang on it: what cannot be asked is not found.
      expect(isHarmless((await none.read(under.destroys)).reading)).toBe(false);
    });

    it('refuses in the shape of its own errors', () => {
      const { status, headers, body } = provider.refusal(REFUSAL);
      expect(status).toBeGreaterThanOrEqual(200);
      expect(headers['content-type']).toContain('application/json');
      const words = String(under.messageOf(JSON.parse(body)));
      expect(words).toContain(REFUSAL.message);
      expect(words).toContain(REFUSAL.hint);
      expect(body).toContain(REFUSAL.code);
    });

    it('tells success from failure, and both from what nobody knows', () => {
      const say = (status: number, body: string) => provider.outcomeOf(status, Buffer.from(body));
      expect(say(200, '{"data":{"ok":true}}').kind).toBe('done');
      expect(say(404, '{"message":"no"}')).toMatchObject({ kind: 'failed', code: '404' });
      expect(say(502, '<html>').kind).toBe('unknown');
    });

    if (failsWithGoodStatus !== null) {
      it('tells an error with a good status from success', () => {
        const outcome = provider.outcomeOf(200, Buffer.from(failsWithGoodStatus));
        expect(outcome.kind).toBe('failed');
      });
    }

    it('says the same of the same request', async () => {
      const one = await provider.read(under.destroys);
      expect(shownAct(await provider.read(under.destroys))).toEqual(shownAct(one));
    });

    it('names hosts in lower case, without a scheme or a port', () => {
      expect(provider.hosts.length).toBeGreaterThan(0);
      for (const host of provider.hosts) expect(host).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    });
  });
}

const REFUSAL = {
  code: 'HF_HELD',
  message: 'Held until two people approve it.',
  detail: 'It deletes production.',
  hint: 'Send the same bytes again after that.',
} as const;

const BASE: Omit<ProviderOptions, 'origin' | 'placeOf' | 'sql'> = {
  clock: new ManualClock(),
  kind: 'account',
  description: null,
  secret: async () => SUITE_SECRET,
  databaseOf: async () => null,
};

function shownAct({ evidence, ...rest }: ProviderAct): unknown {
  return { ...rest, evidence: evidence.map((one) => Buffer.from(one).toString()) };
}
