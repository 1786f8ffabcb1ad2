/** What the page does with its own secret: keeps it, shows it, lets it go; and says when it cannot. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PAGE_HEADER as CONTRACTS } from '../../../holdfast/src/api/who.ts';
import { ask, send } from './client.ts';
import { keptPage, PAGE_HEADER, storageTrouble } from './page-secret.ts';

const BY_CODE = { body: { name: 'ana', code: '123456' } };
let kept: Map<string, string>;
let shown: (string | null)[];
let answer: () => Response;

beforeEach(() => {
  kept = new Map();
  shown = [];
  vi.stubGlobal('window', {
    localStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    },
  });
  vi.stubGlobal('fetch', async (_: string, { headers }: RequestInit) => {
    shown.push(new Headers(headers).get(PAGE_HEADER));
    return answer();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

it('names its header as the gateway does', () => {
  expect(PAGE_HEADER).toBe(CONTRACTS);
});

it('keeps what opened a session, and shows it whatever is asked', async () => {
  answer = () => Response.json({ page: 'hfp_1' });
  await ask('signIn.code', BY_CODE);
  await ask('holds.list');
  await send('POST /v1/anything', {});
  expect(shown).toEqual([null, 'hfp_1', 'hfp_1']);
});

it('takes no secret from an answer that opens none, and keeps the one it has when an account was linked', async () => {
  kept.set('holdfast.page', 'hfp_1');
  answer = () => Response.json({ page: 'hfp_planted' });
  await ask('holds.list');
  answer = () => Response.json({ did: 'linked', page: null });
  await ask('signIn.sso', { body: { query: '?code=x' } });
  expect(keptPage()).toBe('hfp_1');
});

it('lets it go when it signs out, and when nobody is signed in with it', async () => {
  kept.set('holdfast.page', 'hfp_1');
  answer = () => Response.json({ person: { name: 'ana' } });
  await ask('session.show');
  expect(keptPage()).toBe('hfp_1');
  answer = () => Response.json({ person: null });
  await ask('session.show');
  expect(keptPage()).toBeNull();
  kept.set('holdfast.page', 'hfp_2');
  answer = () => Response.json({ closed: true });
  await ask('session.close');
  expect(keptPage()).toBeNull();
});

it('leaves alone what another tab has kept since', async () => {
  kept.set('holdfast.page', 'hfp_old');
  answer = () => {
    kept.set('holdfast.page', 'hfp_new');
    return Response.json({ person: null });
  };
  await ask('session.show');
  expect(keptPage()).toBe('hfp_new');
});

it('says in words that storage is blocked, before anything is sent', async () => {
  const blocked = (): never => {
    throw new DOMException('denied', 'SecurityError');
  };
  vi.stubGlobal('window', {
    get localStorage() {
      return blocked();
    },
  });
  answer = () => Response.json({ page: 'hfp_1' });
  const told = { title: 'This browser keeps nothing for this address' };
  expect(storageTrouble()).toMatchObject(told);
  await expect(ask('signIn.passkey.begin')).rejects.toMatchObject(told);
  await expect(ask('join.show', { body: { invitation: 'x' } })).rejects.toMatchObject(told);
  expect(shown).toEqual([]);
  // What asks for no session goes on, as nobody.
  answer = () => Response.json({ person: null });
  await ask('session.show');
  expect(shown).toEqual([null]);
});
