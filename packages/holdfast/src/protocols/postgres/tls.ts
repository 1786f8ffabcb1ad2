/**
 * TLS on a socket that is already in use, both sides, and the hash that binds a login to it.
 *
 * Order on our side: the wire is detached, then the raw socket goes under the TLS one; bytes read too
 * early are put back first. Nobody reads the raw socket again.
 */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type SecureContext, TLSSocket } from 'node:tls';

/** The name of the protocol in the TLS handshake (RFC 7301; required for direct TLS since 17). */
const ALPN = 'postgresql';

/**
 * Our side. `head`: bytes already read that belong to the handshake. Resolves when TLS stands,
 * rejects when the socket closed before. `alpnRequired`: direct TLS must name the protocol.
 */
export function serveTls(
  raw: Socket,
  secureContext: SecureContext,
  head: Buffer,
  alpnRequired: boolean,
): Promise<TLSSocket> {
  if (head.length > 0) raw.unshift(head);
  const secure = new TLSSocket(raw, { isServer: true, secureContext, ALPNProtocols: [ALPN] });
  return new Promise((done, fail) => {
    const closed = (): void => fail(new Error('The TLS handshake was not finished.'));
    secure.on('error', () => secure.destroy());
    // Without a tls.Server around it, a broken record after the handshake is told only here.
    secure.on('_tlsError', () => secure.destroy());
    secure.once('close', closed);
    secure.once('secure', () => {
      secure.off('close', closed);
      if (alpnRequired && secure.alpnProtocol !== ALPN) {
        secure.destroy();
        fail(new Error(`Direct TLS without the protocol name "${ALPN}" (ALPN).`));
      } else {
        done(secure);
      }
    });
  });
}

export interface TlsWish {
  readonly host: string;
  /** PEM of the authorities to trust; Node's own list when left out. */
  readonly ca: string | null;
  readonly verify: 'nothing' | 'authority' | 'authority-and-host';
}

/** Their side. Rejects with the reason of OpenSSL, or of the check of the host name. */
export function startTls(raw: Socket, wish: TlsWish): Promise<TLSSocket> {
  const options: ConnectionOptions = {
    socket: raw,
    host: wish.host,
    ALPNProtocols: [ALPN],
    rejectUnauthorized: wish.verify !== 'nothing',
    ...(isIP(wish.host) === 0 ? { servername: wish.host } : {}),
    ...(wish.ca === null ? {} : { ca: wish.ca }),
    ...(wish.verify === 'authority-and-host' ? {} : { checkServerIdentity: () => undefined }),
  };
  return new Promise((done, fail) => {
    const secure = connect(options);
    const closed = (): void => fail(new Error('The connection closed during the TLS handshake.'));
    secure.once('error', fail);
    secure.once('close', closed);
    secure.once('secureConnect', () => {
      secure.off('error', fail).off('close', closed);
      done(secure);
    });
  });
}

/**
 * tls-server-end-point (RFC 5929 §4.1): the certificate's hash, by the hash of its own signature, but
 * SHA-256 where that is MD5 or SHA-1. Null when the signature names no hash (Ed25519, RSA-PSS): then
 * -PLUS is neither offered nor used.
 */
export function endPointHash(certificate: Buffer): Buffer | null {
  const algorithm = SIGNATURE_HASHES.get(signatureOid(certificate) ?? '');
  return algorithm ? createHash(algorithm).update(certificate).digest() : null;
}

/** DER content of the object identifiers, in hex. */
const SIGNATURE_HASHES = new Map([
  ['2a864886f70d010104', 'sha256'], // md5WithRSAEncryption
  ['2a864886f70d010105', 'sha256'], // sha1WithRSAEncryption
  ['2a864886f70d01010e', 'sha224'],
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d0401', 'sha256'], // ecdsa-with-SHA1
  ['2a8648ce3d040301', 'sha224'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
]);

/** Certificate ::= SEQUENCE { tbs SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER ... */
function signatureOid(certificate: Buffer): string | null {
  const whole = element(certificate, 0, 0x30);
  const tbs = whole && element(certificate, whole.start, 0x30);
  const algorithm = tbs && element(certificate, tbs.end, 0x30);
  const oid = algorithm && element(certificate, algorithm.start, 0x06);
  return oid ? certificate.toString('hex', oid.start, oid.end) : null;
}

/** One DER element: where its content starts and ends. Null when it is not what it should be. */
function element(
  der: Buffer,
  at: number,
  tag: number,
): { readonly start: number; readonly end: number } | null {
  const short = der[at + 1];
  if (der[at] !== tag || short === undefined) return null;
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  if (lengthBytes > 4 || at + 2 + lengthBytes > der.length) return null;
  const start = at + 2 + lengthBytes;
  const end = start + (lengthBytes === 0 ? short : der.readUIntBE(at + 2, lengthBytes));
  return end <= der.length ? { start, end } : null;
}
