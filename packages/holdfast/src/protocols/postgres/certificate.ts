/**
 * The certificate we show to agents: the user's own, or one made once and kept in the data folder.
 *
 * A made one is self-signed, so a client gains privacy and may pin it (`sslrootcert=` the file,
 * `sslmode=verify-full`), but gets no authority's word. Node reads X.509 and cannot make it:
 * `@peculiar/x509` 1.14 does (4.9 MB, 19 packages, over WebCrypto; `selfsigned` is the same and twice
 * that, 2.x wants a metadata polyfill of the caller's own).
 *
 * It will not start with a key that any user of the machine can read, nor with a broken pair (P8).
 */
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';

/** Clients pin this file by hand, so it lives long; made anew when it has run out. */
const LIFE_MS = 5 * 365 * 24 * 60 * 60 * 1000;

export interface CertificateOptions {
  /** Where a made one is kept; made with 0700 when missing. */
  readonly folder: string;
  /** PEM files of the user's own, both or neither. */
  readonly own: { readonly certificateFile: string; readonly keyFile: string } | null;
  /** Names and addresses a made one answers to, besides localhost. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
}

export interface OwnCertificate {
  readonly secureContext: SecureContext;
  /** For `sslrootcert=` in the agent's connection. */
  readonly certificateFile: string;
  readonly fingerprintSha256: string;
  readonly expiresAt: Date;
  readonly made: 'now' | 'earlier' | 'by-others';
}

/** Throws HF_CONFIG_INVALID when the pair cannot be used. */
export async function loadCertificate(options: CertificateOptions): Promise<OwnCertificate> {
  if (options.own) {
    return load(options.own.certificateFile, options.own.keyFile, 'by-others', options.clock);
  }
  const certificateFile = join(options.folder, 'holdfast.crt');
  const keyFile = join(options.folder, 'holdfast.key');
  if (existsSync(certificateFile) && existsSync(keyFile)) {
    const kept = new X509Certificate(readFileSync(certificateFile));
    if (new Date(kept.validTo) > options.clock.now()) {
      return load(certificateFile, keyFile, 'earlier', options.clock);
    }
  }
  const made = await selfSigned(options.hosts, options.clock);
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  writeWhole(keyFile, made.key, options.clock);
  writeWhole(certificateFile, made.certificate, options.clock);
  return load(certificateFile, keyFile, 'now', options.clock);
}

function load(
  certificateFile: string,
  keyFile: string,
  made: OwnCertificate['made'],
  clock: Clock,
): OwnCertificate {
  const hint = `Check ${certificateFile} and ${keyFile}: PEM, belonging together, readable by us.`;
  try {
    if ((statSync(keyFile).mode & 0o007) !== 0) {
      throw invalid(
        'a key that only its owner can read',
        `${keyFile} open to all`,
        `chmod 600 ${keyFile}`,
      );
    }
    const cert = readFileSync(certificateFile);
    const key = readFileSync(keyFile);
    const parsed = new X509Certificate(cert);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) {
      throw invalid('a key that belongs to the certificate', 'the key of another one', hint);
    }
    const expiresAt = new Date(parsed.validTo);
    if (expiresAt <= clock.now()) {
      throw invalid('a certificate that is still valid', `one until ${parsed.validTo}`, hint);
    }
    return {
      secureContext: createSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
      certificateFile,
      fingerprintSha256: parsed.fingerprint256,
      expiresAt,
      made,
    };
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const found = cause instanceof Error ? cause.message : String(cause);
    throw invalid('a certificate and its private key', found, hint, cause);
  }
}

/** ECDSA P-256: every libpq and driver in use takes it, and a handshake costs a tenth of RSA's. */
async function selfSigned(
  hosts: readonly string[],
  clock: Clock,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
  const start = clock.now().getTime();
  const serial = clock.random(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and of full length
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial.toString('hex'),
      name: 'CN=Holdfast gateway',
      notBefore: new Date(start - 60 * 60 * 1000), // an agent's clock may be a little behind
      notAfter: new Date(start + LIFE_MS),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true), // its own authority, for sslrootcert
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
      ],
    },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Whole or not at all, and never open to others in between. */
function writeWhole(file: string, text: string, clock: Clock): void {
  const draft = `${file}.${clock.random(6).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

function invalid(expected: string, found: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { expected, found, hint, cause });
}
