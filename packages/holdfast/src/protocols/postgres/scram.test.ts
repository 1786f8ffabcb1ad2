import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { md5Answer } from './md5.ts';
import { saslprep } from './saslprep.ts';
import { SCRAM, SCRAM_PLUS, type ScramKeys, startScramClient, startScramServer } from './scram.ts';

/** RFC 7677 §3. */
const RFC = {
  clientNonce: 'rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst:
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
    'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

/** Written apart from the code under test: RFC 5802 §3, synchronously. */
function keysOf(password: string, salt: Buffer, iterations: number): ScramKeys {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  return {
    storedKey: createHash('sha256').update(clientKey).digest(),
    serverKey: createHmac('sha256', salted).update('Server Key').digest(),
  };
}

const SALT = Buffer.from('0123456789abcdef');
const ROUNDS = 16;
const BINDING = Buffer.alloc(32, 7);

function serverFor(
  passwords: readonly string[],
  clientFirst: string,
  over: { mechanism?: typeof SCRAM | typeof SCRAM_PLUS; binding?: Buffer | null } = {},
) {
  return startScramServer(
    {
      mechanism: over.mechanism ?? SCRAM,
      salt: SALT,
      iterations: ROUNDS,
      candidates: passwords.map((password) => ({ ...keysOf(password, SALT, ROUNDS), password })),
      nonce: 'server',
      binding: over.binding ?? null,
    },
    clientFirst,
  );
}

describe('SCRAM-SHA-256', () => {
  it('says as a client what RFC 7677 says', async () => {
    const client = startScramClient({
      mechanism: SCRAM,
      user: 'user',
      password: 'pencil',
      nonce: RFC.clientNonce,
      binding: null,
    });
    expect(client.clientFirst).toBe(RFC.clientFirst);
    const answer = await client.answer(RFC.serverFirst);
    expect(answer.clientFinal).toBe(RFC.clientFinal);
    expect(() => answer.verify(RFC.serverFinal)).not.toThrow();
    expect(() => answer.verify(RFC.serverFinal.replace('v=6', 'v=7'))).toThrow(/a wrong one/);
  });

  it('says as a server what RFC 7677 says', () => {
    const server = startScramServer(
      {
        mechanism: SCRAM,
        salt: RFC.salt,
        iterations: 4096,
        candidates: [keysOf('pencil', RFC.salt, 4096)],
        nonce: RFC.serverNonce,
        binding: null,
      },
      RFC.clientFirst,
    );
    expect(server.serverFirst).toBe(RFC.serverFirst);
    expect(server.finish(RFC.clientFinal)).toMatchObject({ serverFinal: RFC.serverFinal });
  });

  it('finds which of several tokens was proven, and none for another', async () => {
    const password = fc.string({ minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(password, { maxLength: 4 }), password, fc.boolean(), run),
      { numRuns: 60 },
    );
    async function run(known: string[], presented: string, plus: boolean): Promise<void> {
      const mechanism = plus ? SCRAM_PLUS : SCRAM;
      const binding = plus ? BINDING : null;
      const client = startScramClient({ mechanism, password: presented, nonce: 'c', binding });
      const server = serverFor(known, client.clientFirst, { mechanism, binding });
      const answer = await client.answer(server.serverFirst);
      const outcome = server.finish(answer.clientFinal);
      if (!known.includes(presented)) {
        expect(outcome).toEqual({ kind: 'wrong' });
        return;
      }
      if (outcome.kind === 'wrong') throw new Error('a right password was called wrong');
      expect(outcome.keys.password).toBe(presented);
      answer.verify(outcome.serverFinal);
    }
  });

  it('tells a channel that somebody cut in two', async () => {
    const client = startScramClient({
      mechanism: SCRAM_PLUS,
      password: 'x',
      nonce: 'c',
      binding: Buffer.alloc(32, 9),
    });
    const server = serverFor(['x'], client.clientFirst, {
      mechanism: SCRAM_PLUS,
      binding: BINDING,
    });
    const { clientFinal } = await client.answer(server.serverFirst);
    expect(() => server.finish(clientFinal)).toThrow(/channel binding/);
  });

  const BAD_FIRST: readonly (readonly [story: string, message: string, binding: Buffer | null])[] =
    [
      ['nothing', '', null],
      ['no nonce', 'n,,n=,r=', null],
      ['an authorisation identity', 'n,a=root,n=,r=abc', null],
      ['a mandatory extension', 'n,,m=x,n=,r=abc', null],
      ['a binding that was not asked for', 'p=tls-unique,,n=,r=abc', null],
      ['-PLUS taken off the list by somebody in between', 'y,,n=,r=abc', BINDING],
      ['a control character in the nonce', 'n,,n=,r=a\u0001b', null],
    ];
  it.each(BAD_FIRST)('does not go on with %s', (_, message, binding) => {
    expect(() => serverFor(['x'], message, { binding })).toThrow(/PostgreSQL protocol/);
  });

  const BAD_SERVER: readonly (readonly [story: string, message: string])[] = [
    ['a nonce that is not ours', 'r=other,s=YWJj,i=4096'],
    ['our nonce with nothing added', 'r=c,s=YWJj,i=4096'],
    ['two thousand million rounds', 'r=cx,s=YWJj,i=2000000000'],
    ['no rounds', 'r=cx,s=YWJj,i=0'],
    ['words', 'e=other-error'],
  ];
  it.each(BAD_SERVER)('as a client refuses a server with %s', async (_, message) => {
    const client = startScramClient({ mechanism: SCRAM, password: 'x', nonce: 'c', binding: null });
    await expect(client.answer(message)).rejects.toMatchObject({ code: 'HF_UPSTREAM_REFUSED' });
  });
});

describe('SASLprep (RFC 4013 §3)', () => {
  it.each([
    ['soft hyphen is dropped', 'I\u00ADX', 'IX'],
    ['ASCII stays', 'user', 'user'],
    ['case stays', 'USER', 'USER'],
    ['feminine ordinal is normalised', '\u00AA', 'a'],
    ['roman numeral nine is normalised', '\u2168', 'IX'],
    ['a control character: used as it is', '\u0007', '\u0007'],
    ['mixed directions: used as they are', '\u0627\u0031', '\u0627\u0031'],
    ['a no-break space becomes a space', 'a\u00A0b', 'a b'],
  ])('%s', (_, given, prepared) => {
    expect(saslprep(given)).toBe(prepared);
  });
});

it('answers an md5 challenge as computed elsewhere', () => {
  const salt = Buffer.of(1, 2, 3, 4);
  expect(md5Answer('alice', 'secret', salt)).toBe('md598a0412b9c31436fc53776e863350083');
});
