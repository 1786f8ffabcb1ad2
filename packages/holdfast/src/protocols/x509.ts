/**
 * Certificates that Holdfast makes: of its own gateway, and of its own authority. Node reads X.509 and
 * cannot make it: `@peculiar/x509` 1.14 does (4.9 MB, 19 packages, over WebCrypto; `selfsigned` is the
 * same and twice that, 2.x wants a metadata polyfill of the caller's own).
 *
 * ECDSA P-256: every client in use takes it, and a handshake costs a tenth of RSA's.
 */
import { createPrivateKey, webcrypto } from 'node:crypto';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Clock } from '../model/clock.ts';

export interface Pair {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Wish {
  /** `CN=...` */
  readonly name: string;
  readonly lifeMs: number;
  /** Names and addresses it answers to; none: it is an authority only. */
  readonly hosts: readonly string[];
  /** It may sign others. */
  readonly isAuthority: boolean;
  readonly clock: Clock;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** An agent's clock may be a little behind. */
const BEFORE_MS = 60 * 60 * 1000;

/** Signed by `by`, or by itself. */
export async function makeCertificate(wish: Wish, by: Pair | null): Promise<Pair> {
  const { subtle } = webcrypto;
  const keys = await subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const start = wish.clock.now().getTime();
  const serial = wish.clock.random(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and of full length
  const common = {
    serialNumber: serial.toString('hex'),
    notBefore: new Date(start - BEFORE_MS),
    notAfter: new Date(start + wish.lifeMs),
    signingAlgorithm: ALGORITHM,
    extensions: extensionsOf(wish),
  };
  const made =
    by === null
      ? await X509CertificateGenerator.createSelfSigned(
          { ...common, name: wish.name, keys },
          webcrypto,
        )
      : await X509CertificateGenerator.create(
          {
            ...common,
            subject: wish.name,
            issuer: new X509Certificate(by.certificate).subject,
            publicKey: keys.publicKey,
            signingKey: await subtle.importKey(
              'pkcs8',
              createPrivateKey(by.key).export({ type: 'pkcs8', format: 'der' }),
              ALGORITHM,
              false,
              ['sign'],
            ),
          },
          webcrypto,
        );
  const pkcs8 = Buffer.from(await subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return {
    certificate: `${made.toString('pem')}\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensionsOf({ hosts, isAuthority }: Wish): Extension[] {
  const usages = isAuthority
    ? KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign
    : KeyUsageFlags.digitalSignature;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(isAuthority, isAuthority ? 0 : undefined, true),
    new KeyUsagesExtension(usages, true),
  ];
  if (hosts.length === 0) return extensions;
  return [
    ...extensions,
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(
      hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
    ),
  ];
}

/** Whole or not at all, and never open to others in between. */
export function writeWhole(file: string, text: string, clock: Clock): void {
  const draft = `${file}.${clock.random(6).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
