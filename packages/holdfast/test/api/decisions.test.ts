/**
 * People's yes and no over the API: by passkey over what the API says is signed; and what one person may do
 * alone, by a session that was proved of late.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BREAK_GLASS_MS, PROVED_MS_MAX } from '../../src/model/limits.ts';
import { chunkOf, drainedItem, keepThese } from '../../src/testing/drained.ts';
import type { Lies, SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { intentOf, TARGET } from '../../src/testing/trail-fixtures.ts';
import { openHolds } from './ground.ts';
import { type Answered, ApiWorld } from './support.ts';
import {
  firstOwner,
  forgetEverybody,
  type JoinedPerson,
  join,
  read,
  trailText,
  type Visitor,
  webauthn,
} from './visitor.ts';

type Decision = 'approve' | 'deny';

let world: ApiWorld;
let ana: JoinedPerson;
let ben: JoinedPerson;

beforeAll(async () => {
  world = await ApiWorld.start(`
environments: { production: { level: guarded } }
targets: { main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } } }`);
}, 60_000);
afterAll(() => world?.stop());

beforeEach(async () => {
  await forgetEverybody(world);
  ana = await firstOwner(world);
  ben = await join(world, ana.browser, 'ben', ['approver']);
});

async function openHold(typedName: string | null = null): Promise<string> {
  const [id = ''] = await openHolds(world, 1, () => ({ typedName }));
  return id;
}

async function challenge(browser: Visitor, id: string, decision: Decision) {
  const path = `/v1/holds/${id}/challenge?decision=${decision}`;
  return read('holds.challenge', await browser.ask(path));
}

interface Touch {
  readonly by: Visitor;
  readonly passkey: SoftwarePasskey;
  readonly lies?: Lies;
}

async function touched(id: string, decision: Decision, { by, lies, passkey }: Touch) {
  const { options } = await challenge(by, id, decision);
  return webauthn(passkey.get(options, lies));
}

function approve(browser: Visitor, id: string, body: object): Promise<Answered> {
  return browser.post(`/v1/holds/${id}/approve`, body);
}

async function stateOf(id: string): Promise<string> {
  return read('holds.show', await ana.browser.ask(`/v1/holds/${id}`)).state;
}

/** Whoever asks: the session and what it holds. */
function of({ browser, passkey }: JoinedPerson): Touch {
  return { by: browser, passkey };
}

describe('a hold', () => {
  it('is approved by passkey, over a text that says what is signed', async () => {
    const id = await openHold();
    const shown = read('holds.show', await ana.browser.ask(`/v1/holds/${id}`));
    const { binding, options } = await challenge(ana.browser, id, 'approve');
    expect(createHash('sha256').update(binding).digest('base64url')).toBe(options.challenge);
    expect(JSON.parse(binding)).toMatchObject({
      domain: 'holdfast/approval/1',
      hold: id,
      digest: shown.digest,
      target: shown.target,
      level: shown.level,
      people: shown.peopleNeeded,
      rowsAtMost: shown.rowsAtMost,
      typedName: shown.typedName,
      until: shown.approvalUntil,
    });
    const assertion = webauthn(ana.passkey.get(options));
    const signed = await approve(ana.browser, id, { assertion, comment: 'as agreed' });
    expect(read('holds.approve', signed)).toMatchObject({
      state: 'signed',
      signatures: [{ person: 'ana', method: 'passkey', comment: 'as agreed' }],
    });
    expect(await trailText(world)).toContain('"method":"passkey"');
  });

  it('is denied by passkey over a text of its own', async () => {
    const id = await openHold();
    const { binding } = await challenge(ben.browser, id, 'deny');
    expect(JSON.parse(binding)).toMatchObject({ domain: 'holdfast/denial/1', hold: id });
    const assertion = await touched(id, 'deny', of(ben));
    const answer = await ben.browser.post(`/v1/holds/${id}/deny`, { assertion, comment: 'no' });
    expect(read('holds.deny', answer)).toMatchObject({ state: 'denied', note: 'no' });
  });

  it('is not approved by what was signed for another', async () => {
    const [one, other] = [await openHold(), await openHold()];
    const assertion = await touched(one, 'approve', of(ana));
    const { json, status } = await approve(ana.browser, other, { assertion });
    expect([status, json]).toMatchObject([401, { code: 'HF_PASSKEY' }]);
    expect([await stateOf(one), await stateOf(other)]).toEqual(['waiting', 'waiting']);
  });

  it.each([
    ['approve', 'deny'],
    ['deny', 'approve'],
  ] as const)('takes no %s for a %s', async (signed, sent) => {
    const id = await openHold();
    const assertion = await touched(id, signed, of(ana));
    const { json } = await ana.browser.post(`/v1/holds/${id}/${sent}`, { assertion });
    expect(json).toMatchObject({ code: 'HF_PASSKEY' });
    expect(await stateOf(id)).toBe('waiting');
  });

  it('is not approved in the session of somebody else', async () => {
    const id = await openHold();
    const assertion = await touched(id, 'approve', of(ana));
    expect((await approve(ben.browser, id, { assertion })).json).toMatchObject({
      code: 'HF_PASSKEY',
    });
    expect(await stateOf(id)).toBe('waiting');
  });

  it('takes a proof of the session for no word, however fresh it is', async () => {
    const id = await openHold();
    expect((await ana.browser.prove(ana.passkey)).status).toBe(200);
    for (const decision of ['approve', 'deny']) {
      for (const body of [{}, { comment: 'yes' }, { person: 'ana' }]) {
        const answer = await ana.browser.post(`/v1/holds/${id}/${decision}`, body);
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    }
    const begun = await ana.browser.post('/v1/session/prove/options');
    const { options } = read('session.prove.begin', begun);
    const assertion = webauthn(ana.passkey.get(options));
    expect((await approve(ana.browser, id, { assertion })).json).toMatchObject({
      code: 'HF_PASSKEY',
    });
    expect(await stateOf(id)).toBe('waiting');
  });

  it('that takes something for good wants its name typed', async () => {
    const id = await openHold('pg-data');
    for (const typed of [{}, { typedName: null }, { typedName: 'pg-date' }]) {
      const assertion = await touched(id, 'approve', of(ana));
      expect((await approve(ana.browser, id, { assertion, ...typed })).json).toMatchObject({
        code: 'HF_TYPED_NAME',
      });
    }
    expect(await stateOf(id)).toBe('waiting');
    const assertion = await touched(id, 'approve', of(ana));
    const signed = await approve(ana.browser, id, { assertion, typedName: 'pg-data' });
    expect(read('holds.approve', signed).state).toBe('signed');
  });

  it('is approved by nobody who was removed, or may no more', async () => {
    const id = await openHold();
    const assertion = await touched(id, 'approve', of(ben));
    const roles = { roles: ['auditor'] };
    const path = `/v1/people/${ben.id}`;
    await ana.browser.ask(`${path}/roles`, { method: 'PUT', body: roles });
    expect((await approve(ben.browser, id, { assertion })).status).toBe(403);
    await ana.browser.ask(path, { method: 'DELETE' });
    expect((await approve(ben.browser, id, { assertion })).status).toBe(401);
    expect(await stateOf(id)).toBe('waiting');
  });

  it.each<[string, Lies]>([
    ['of another site', { origin: 'https://holdfast.example.evil' }],
    ['without user verification', { userVerified: false }],
  ])('is not approved by an assertion %s', async (_story, lies) => {
    const id = await openHold();
    const assertion = await touched(id, 'approve', { ...of(ana), lies });
    expect((await approve(ana.browser, id, { assertion })).json).toMatchObject({
      code: 'HF_PASSKEY',
    });
    expect(await stateOf(id)).toBe('waiting');
  });
});

describe('break-glass', () => {
  it('is signed by passkey over what the API says is signed, by whom no proposal is for', async () => {
    const [otto, mia] = [
      await join(world, ana.browser, 'otto', ['operator']),
      await join(world, ana.browser, 'mia', ['auditor']),
    ];
    const asked = await otto.browser.post('/v1/break-glass', { reason: 'No owner answers us.' });
    const { digest, proposal } = read('breakGlass.propose', asked);
    for (const { browser, passkey } of [mia, ben]) {
      const path = `/v1/break-glass/${proposal}`;
      const given = read('breakGlass.challenge', await browser.ask(`${path}/challenge`));
      expect(JSON.parse(given.binding)).toMatchObject({ hold: proposal, digest, people: 2 });
      const response = webauthn(passkey.get(given.options));
      expect((await browser.post(`${path}/sign`, { response })).status).toBe(200);
    }
    const people = read('people.list', await otto.browser.ask('/v1/people')).items;
    const until = people.find(({ name }) => name === 'otto')?.ownerUntil ?? '';
    expect(new Date(until).getTime()).toBe(world.clock.now().getTime() + BREAK_GLASS_MS);
  });

  it('gives nothing to sign for a proposal that is none', async () => {
    const answer = await ana.browser.ask('/v1/break-glass/proposal_none/challenge');
    expect(answer.status).toBe(404);
  });
});

describe('what one person may do alone', () => {
  let item: string;
  beforeEach(async () => {
    await world.rooms.database.run((db) =>
      sql`truncate holdfast.undo_items, holdfast.deferrals cascade`.execute(db),
    );
    await keepThese(world.rooms.undoStore, [drainedItem(1)], [chunkOf(1, '1\t0\n')]);
    const listed = read('undo.list', await ana.browser.ask('/v1/undo'));
    item = listed.items[0]?.id ?? 'none';
  });

  function extend(browser: Visitor, word: object = {}): Promise<Answered> {
    return browser.post('/v1/undo/extend', { ids: [item], byMs: 86_400_000, ...word });
  }

  async function putOff(): Promise<string> {
    const { deferrals } = world.rooms;
    const verdict = { kind: 'protect', rule: 'r', reason: 'why' } as const;
    const text = `drop database "d${world.clock.now().getTime()}"`;
    return (await deferrals.schedule(intentOf(text), TARGET, verdict, null, [])).id;
  }

  it('wants no code in a session that was proved of late, and the trail says how', async () => {
    expect(read('undo.extend', await extend(ana.browser))).toEqual({ extended: 1 });
    const cancelled = await ana.browser.post('/v1/undo/cancel-purge', { ids: [item] });
    expect(read('undo.cancel-purge', cancelled)).toEqual({ cancelled: 0 });
    const id = await putOff();
    const off = await ben.browser.post(`/v1/deferrals/${id}/cancel`, { note: 'not now' });
    expect(off.status === 200 ? read('deferrals.cancel', off) : off.json).toMatchObject({
      state: 'cancelled',
      decidedBy: 'ben',
      note: 'not now',
    });
    const trail = await trailText(world);
    expect(trail).toMatch(/"method":"session".*"provedBy":"passkey".*"undo-extended"/);
    expect(trail).toMatch(/"method":"session".*"provedBy":"passkey".*"deferral-cancelled"/);
  });

  it('waits for a new proof when the last is too old, then goes on', async () => {
    const id = await putOff();
    world.clock.pass(PROVED_MS_MAX + 1);
    const acts = [
      () => extend(ana.browser),
      () => ana.browser.post('/v1/undo/apply', { ids: [item] }),
      () => ana.browser.post('/v1/undo/cancel-purge', { ids: [item] }),
      () => ana.browser.post(`/v1/deferrals/${id}/cancel`, {}),
    ];
    for (const act of acts) {
      const { json, status } = await act();
      expect([status, json]).toMatchObject([401, { code: 'HF_SIGN_IN', found: 'an older one' }]);
    }
    expect(await world.rooms.deferrals.show(id)).toMatchObject({ state: 'scheduled' });
    expect((await ana.browser.prove(ana.passkey)).status).toBe(200);
    expect((await extend(ana.browser)).status).toBe(200);
    expect((await ana.browser.post(`/v1/deferrals/${id}/cancel`, {})).status).toBe(200);
  });

  it('is not done by half a word', async () => {
    for (const word of [{ person: 'ana' }, { code: '123456' }]) {
      expect((await extend(ana.browser, word)).json).toMatchObject({ code: 'HF_USAGE' });
    }
  });

  it('is not done by this machine without the code of a person', async () => {
    const headers = { authorization: world.room.machineAuthorization };
    const body = { ids: [item], byMs: 86_400_000 };
    const answer = await world.ask('/v1/undo/extend', { method: 'POST', body, headers });
    expect([answer.status, answer.json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
  });

  it('is not done by who may not, nor by who was removed', async () => {
    expect((await extend(ben.browser)).json).toMatchObject({ code: 'HF_FORBIDDEN' });
    const id = await putOff();
    await ana.browser.ask(`/v1/people/${ben.id}`, { method: 'DELETE' });
    expect((await ben.browser.post(`/v1/deferrals/${id}/cancel`, {})).status).toBe(401);
  });

  it('is looked at once more where it is done, whatever was believed of the session', async () => {
    const id = await putOff();
    const { deferrals, sessions } = world.rooms;
    const [{ id: sessionId } = { id: '' }] = await sessions.list(ben.id);
    const by = { kind: 'proved', person: 'ben', personId: ben.id, sessionId } as const;
    const cancel = (signed: typeof by) => deferrals.cancel({ deferralId: id, signed, note: '' });
    // Somebody else's session, none, one that is closed; a person who may no more, who is gone.
    await expect(cancel({ ...by, personId: ana.id })).rejects.toMatchObject({ code: 'HF_SIGN_IN' });
    await expect(cancel({ ...by, sessionId: 'session_none' })).rejects.toMatchObject({
      code: 'HF_SIGN_IN',
    });
    await world.rooms.people.setRoles('ben', ['auditor']);
    await expect(cancel(by)).rejects.toMatchObject({ code: 'HF_FORBIDDEN' });
    await world.rooms.people.setRoles('ben', ['approver']);
    await sessions.close(sessionId, ben.id);
    await expect(cancel(by)).rejects.toMatchObject({ code: 'HF_SIGN_IN' });
    await ana.browser.ask(`/v1/people/${ben.id}`, { method: 'DELETE' });
    await expect(cancel(by)).rejects.toMatchObject({ code: 'HF_NOT_FOUND' });
    expect(await deferrals.show(id)).toMatchObject({ state: 'scheduled' });
  });
});
