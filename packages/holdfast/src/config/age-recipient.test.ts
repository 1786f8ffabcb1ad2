/** Held against the library that writes and reads them. */
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { recipientFault } from './age-recipient.ts';

const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

function libraryTakes(recipient: string): boolean {
  try {
    new Encrypter().addRecipient(recipient);
    return true;
  } catch {
    return false;
  }
}

describe('a public key of age', () => {
  let plain: string;
  let hybrid: string;
  beforeAll(async () => {
    plain = await identityToRecipient(await generateX25519Identity());
    hybrid = await identityToRecipient(await generateHybridIdentity());
  });

  it('is one when it is whole', () => {
    expect([plain, hybrid].map(recipientFault)).toEqual([null, null]);
  });

  it('is none with any one letter of it another, left out or doubled, as the library has it', () => {
    for (let at = 'age1'.length; at < plain.length; at += 1) {
      const [before, here, after] = [plain.slice(0, at), plain.charAt(at), plain.slice(at + 1)];
      const other = LETTERS.charAt((LETTERS.indexOf(here) + 1 + (at % 31)) % 32);
      for (const wrong of [`${before}${other === here ? 'q' : other}${after}`, before + after]) {
        if (wrong === plain) continue;
        expect([wrong, libraryTakes(wrong)]).toEqual([wrong, false]);
        expect([wrong, recipientFault(wrong)]).toEqual([wrong, expect.any(String)]);
      }
      expect(recipientFault(`${before}${here}${here}${after}`)).toEqual(expect.any(String));
    }
    const cut = `${hybrid.slice(0, 500)}${hybrid.slice(501)}`;
    expect(recipientFault(cut)).toContain('checksum');
  });

  it.each([
    ['the placeholder of the example', `age1${'q'.repeat(58)}`, 'a placeholder'],
    [
      'a key of nothing, which nothing can be encrypted to',
      `age1${'q'.repeat(52)}5cu47z`,
      'a placeholder',
    ],
    ['a letter that looks like another', `age1${'q'.repeat(57)}b`, 'the letter b'],
    [
      'a key of a plugin',
      'age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t',
      'plugin',
    ],
  ])('is none: %s', (_story, recipient, said) => {
    expect(recipientFault(recipient)).toContain(said);
  });
});
