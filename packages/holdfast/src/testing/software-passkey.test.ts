/** Held against the library that servers verify with: the truth passes, and each lie is a lie. */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { describe, expect, it } from 'vitest';
import { type Lies, SoftwarePasskey } from './software-passkey.ts';

const ORIGIN = 'http://localhost:7070';
const RP_ID = 'localhost';

async function registered(passkey: SoftwarePasskey) {
  const options = await generateRegistrationOptions({
    rpName: 'Holdfast',
    rpID: RP_ID,
    userName: 'ada',
    attestationType: 'none',
    supportedAlgorithmIDs: [-7, -8],
  });
  const { registrationInfo, verified } = await verifyRegistrationResponse({
    response: passkey.create(options),
    expectedChallenge: options.challenge,
    expectedOrigin: ORIGIN,
    expectedRPID: RP_ID,
    requireUserVerification: true,
  });
  if (!verified || registrationInfo === undefined) throw new Error('expected a registration');
  return registrationInfo.credential;
}

async function signIn(passkey: SoftwarePasskey, lies: Lies = {}): Promise<boolean> {
  const credential = await registered(passkey);
  const options = await generateAuthenticationOptions({ rpID: RP_ID });
  const { verified } = await verifyAuthenticationResponse({
    response: passkey.get(options, lies),
    expectedChallenge: options.challenge,
    expectedOrigin: ORIGIN,
    expectedRPID: RP_ID,
    credential,
    requireUserVerification: true,
  });
  return verified;
}

describe('the software passkey', () => {
  for (const algorithm of ['ES256', 'EdDSA'] as const) {
    it(`registers and signs with ${algorithm}`, async () => {
      expect(await signIn(new SoftwarePasskey({ algorithm }))).toBe(true);
    });
  }

  it('is kept by its COSE key and its id, as a server that never saw it registers', async () => {
    const passkey = new SoftwarePasskey();
    const credential = await registered(passkey);
    expect(Buffer.from(credential.publicKey)).toEqual(passkey.publicKey);
    expect(credential.id).toBe(passkey.credentialId);
  });

  it('may count nothing', async () => {
    expect(await signIn(new SoftwarePasskey({ counts: false }))).toBe(true);
  });

  const lies: readonly (readonly [string, Lies])[] = [
    ['another origin', { origin: 'http://evil.example' }],
    ['another RP', { rpId: 'evil.example' }],
    ['another challenge', { challenge: 'AAAA' }],
    ['the wrong type', { type: 'webauthn.create' }],
    ['nobody there', { userPresent: false }],
    ['nobody verified', { userVerified: false }],
    ['a counter that stood still', { counter: 1 }],
    ['a frame of another site', { crossOrigin: true, topOrigin: 'http://evil.example' }],
  ];
  it.each(lies)('is caught with %s', async (_, lie) => {
    await expect(signIn(new SoftwarePasskey(), lie)).rejects.toThrow();
  });

  it.each([
    ['the key of another', { key: new SoftwarePasskey() }],
    ['a spoiled signature', { spoiled: true }],
  ])('is not verified with %s', async (_, lie) => {
    expect(await signIn(new SoftwarePasskey({ algorithm: 'ES256' }), lie)).toBe(false);
  });
});
