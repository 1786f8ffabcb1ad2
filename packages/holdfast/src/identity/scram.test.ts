import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { madeUpSalt, SCRAM_SALT_BYTES, scramKeysOf } from './scram.ts';

/** The one exchange of RFC 7677 §3: user `user`, password `pencil`. */
const RFC = {
  password: 'pencil',
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  authMessage: [
    'n=user,r=rOprNGfwEbeRWgbNEkqO',
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  ].join(','),
  proof: Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64'),
  serverSignature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

describe('SCRAM keys', () => {
  const { storedKey, serverKey } = scramKeysOf(RFC.password, RFC.salt);

  it('accept the proof of RFC 7677', () => {
    const signature = createHmac('sha256', storedKey).update(RFC.authMessage).digest();
    const clientKey = RFC.proof.map((byte, at) => byte ^ (signature[at] ?? 0));
    expect(createHash('sha256').update(clientKey).digest()).toEqual(storedKey);
  });

  it('give the server signature of RFC 7677', () => {
    const signature = createHmac('sha256', serverKey).update(RFC.authMessage).digest('base64');
    expect(signature).toBe(RFC.serverSignature);
  });
});

describe('the salt of nobody', () => {
  const key = Buffer.alloc(32, 7);

  it('stays the same, differs by name and by store, and is as long as a real one', () => {
    const salt = madeUpSalt(key, 'ghost');
    expect(madeUpSalt(key, 'ghost')).toEqual(salt);
    expect(madeUpSalt(key, 'spook')).not.toEqual(salt);
    expect(madeUpSalt(Buffer.alloc(32, 8), 'ghost')).not.toEqual(salt);
    expect(salt).toHaveLength(SCRAM_SALT_BYTES);
  });
});
