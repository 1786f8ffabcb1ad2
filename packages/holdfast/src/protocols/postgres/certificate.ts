/**
 * The certificate we show to agents: the user's own, or one made once and kept in the data folder.
 *
 * A made one is self-signed, so a client gains privacy and may pin it (`sslrootcert=` the file,
 * `sslmode=verify-full`), but gets no authority's word.
 *
 * It will not start with a key that any user of the machine can read, nor with a broken pair (P8).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { makeCertificate, writeWhole } from '../x509.ts';

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
  const { clock } = options;
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...options.hosts])];
  // Its own authority, for sslrootcert.
  const wish = { name: 'CN=Holdfast gateway', lifeMs: LIFE_MS, hosts, isAuthority: true, clock };
  const made = await makeCertificate(wish, null);
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
    const found = messageOf(cause);
    throw invalid('a certificate and its private key', found, hint, cause);
  }
}

function invalid(expected: string, found: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { expected, found, hint, cause });
}
