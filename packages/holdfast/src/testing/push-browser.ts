/**
 * The far end of web push: a browser's keys, and what a browser and its push service do with a message,
 * by the RFCs and not by the library that sends.
 */
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, verify } from 'node:crypto';

export interface PushBrowser {
  readonly keys: { readonly p256dh: string; readonly auth: string };
  /** RFC 8188 with the keys of RFC 8291 §3.4; throws when it was not encrypted for this browser. */
  decrypt(body: Buffer): string;
}

export function pushBrowser(seed: Buffer): PushBrowser {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  const ours = ecdh.getPublicKey();
  const auth = seed.subarray(0, 16);
  return {
    keys: { p256dh: ours.toString('base64url'), auth: auth.toString('base64url') },
    decrypt: (body) => {
      const salt = body.subarray(0, 16);
      const idLength = body[20] ?? 0;
      const theirs = body.subarray(21, 21 + idLength);
      const shared = ecdh.computeSecret(theirs);
      const info = Buffer.concat([Buffer.from('WebPush: info\0'), ours, theirs]);
      const ikm = Buffer.from(hkdfSync('sha256', shared, auth, info, 32));
      const derive = (what: string, length: number): Buffer =>
        Buffer.from(
          hkdfSync('sha256', ikm, salt, Buffer.from(`Content-Encoding: ${what}\0`), length),
        );
      const sealed = body.subarray(21 + idLength);
      const decipher = createDecipheriv(
        'aes-128-gcm',
        derive('aes128gcm', 16),
        derive('nonce', 12),
      );
      decipher.setAuthTag(sealed.subarray(-16));
      const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
      const end = padded.lastIndexOf(2);
      return padded.subarray(0, end).toString('utf8');
    },
  };
}

/** `vapid t=JWT, k=KEY` (RFC 8292 §3): its claims, when the key in it signed them. */
export function vapidClaims(authorization: string): Readonly<Record<string, unknown>> & {
  readonly key: string;
} {
  const [, token = '', key = ''] = /^vapid t=([^,]+), k=(\S+)$/.exec(authorization) ?? [];
  const [head = '', claims = '', signature = ''] = token.split('.');
  const point = Buffer.from(key, 'base64url');
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  const isSigned = verify(
    'sha256',
    Buffer.from(`${head}.${claims}`),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!isSigned) throw new Error('the token is not signed by the key beside it');
  return { ...JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')), key };
}
