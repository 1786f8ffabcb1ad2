/**
 * What browsers and we say to each other about passkeys: the JSON of WebAuthn Level 3, §5.1 and §6.
 * Made for `startRegistration` and `startAuthentication` of @simplewebauthn/browser, which take `options`
 * and give `response`.
 */
import { z } from 'zod';

/** base64url without padding; what an authenticator makes is far shorter than this. */
const BYTES_CHARS_MAX = 16_384;
const BYTES = z
  .string()
  .max(BYTES_CHARS_MAX)
  .regex(/^[A-Za-z0-9_-]+$/, 'base64url');

const TRANSPORT = z.enum(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']);
export const DESCRIPTOR = z.object({
  id: z.string(),
  type: z.literal('public-key'),
  transports: z.array(TRANSPORT),
});

export const CEREMONY = z.string().regex(/^ceremony_[0-9a-z]{16}$/, 'the id of a ceremony');

/** For `navigator.credentials.create`. */
export const CREATION = z.object({
  ceremony: CEREMONY,
  options: z.object({
    rp: z.object({ name: z.string(), id: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    challenge: z.string(),
    pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.number().int() })),
    timeout: z.number().int(),
    excludeCredentials: z.array(DESCRIPTOR),
    authenticatorSelection: z.object({
      residentKey: z.literal('preferred'),
      requireResidentKey: z.literal(false),
      userVerification: z.literal('required'),
    }),
    attestation: z.literal('none'),
  }),
});

/** For `navigator.credentials.get`; no `allowCredentials`: the browser offers what it has. */
export const REQUEST = z.object({
  ceremony: CEREMONY,
  options: z.object({
    challenge: z.string(),
    rpId: z.string(),
    timeout: z.number().int(),
    allowCredentials: z.array(DESCRIPTOR),
    userVerification: z.literal('required'),
  }),
});

const KIND = {
  id: BYTES,
  rawId: BYTES,
  type: z.literal('public-key'),
};

/** What `create` gave. What a browser adds beside it is left out. */
export const CREATED = z.object({
  ...KIND,
  response: z.object({
    clientDataJSON: BYTES,
    attestationObject: BYTES,
    transports: z.array(z.string().max(32)).max(16).optional(),
  }),
});

/** What `get` gave. */
export const ASSERTED = z.object({
  ...KIND,
  response: z.object({
    clientDataJSON: BYTES,
    authenticatorData: BYTES,
    signature: BYTES,
    userHandle: BYTES.nullish(),
  }),
});
