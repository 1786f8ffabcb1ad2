/**
 * Holdfast's own certificate authority, made once for each installation: it signs certificates for the
 * hosts of declared providers, so that a client that cannot be pointed elsewhere can be looked into. Only
 * a client that was told to trust it does; its key never leaves the key folder.
 *
 * It will not sign for any other host, nor start with a key that others can read (P8).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { makeCertificate, type Pair, writeWhole } from '../x509.ts';

const AUTHORITY_LIFE_MS = 5 * 365 * 24 * 60 * 60 * 1000;
/** Made anew at each start, and long before it ends. */
const HOST_LIFE_MS = 30 * 24 * 60 * 60 * 1000;
const HOST_RENEW_MS = 7 * 24 * 60 * 60 * 1000;

export class Authority {
  /** For clients: SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, curl --cacert. */
  readonly certificateFile: string;
  readonly #pair: Pair;
  readonly #clock: Clock;
  readonly #made = new Map<string, { readonly pair: Promise<Pair>; readonly atMs: number }>();

  private constructor(certificateFile: string, pair: Pair, clock: Clock) {
    this.certificateFile = certificateFile;
    this.#pair = pair;
    this.#clock = clock;
  }

  /** Throws HF_CONFIG_INVALID when what is kept cannot be used. */
  static async load(folder: string, clock: Clock): Promise<Authority> {
    const certificateFile = join(folder, 'authority.crt');
    const keyFile = join(folder, 'authority.key');
    if (!existsSync(keyFile) || !existsSync(certificateFile)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const made = await makeCertificate(
        {
          name: `CN=Holdfast authority ${clock.random(4).toString('hex')}`,
          lifeMs: AUTHORITY_LIFE_MS,
          hosts: [],
          isAuthority: true,
          clock,
        },
        null,
      );
      writeWhole(keyFile, made.key, clock);
      writeWhole(certificateFile, made.certificate, clock);
      // Agents read it; only the key is a secret.
      chmodSync(certificateFile, 0o644);
    }
    return new Authority(certificateFile, kept(certificateFile, keyFile, clock), clock);
  }

  /** Signed for `host`, which is a provider's; the same until it is soon to end. */
  pairFor(host: string): Promise<Pair> {
    const nowMs = this.#clock.now().getTime();
    const known = this.#made.get(host);
    if (known !== undefined && nowMs - known.atMs < HOST_LIFE_MS - HOST_RENEW_MS) return known.pair;
    const pair = this.#make(host);
    this.#made.set(host, { pair, atMs: nowMs });
    return pair;
  }

  async #make(host: string): Promise<Pair> {
    const { certificate, key } = await makeCertificate(
      {
        name: `CN=${host}`,
        lifeMs: HOST_LIFE_MS,
        hosts: [host],
        isAuthority: false,
        clock: this.#clock,
      },
      this.#pair,
    );
    return { certificate: `${certificate}${this.#pair.certificate}`, key };
  }
}

function kept(certificateFile: string, keyFile: string, clock: Clock): Pair {
  const hint = `Remove ${certificateFile} and ${keyFile}; a new pair is made, and clients must be told.`;
  if ((statSync(keyFile).mode & 0o077) !== 0) {
    throw unusable('a key that only its owner can read', `${keyFile} open to others`, hint);
  }
  const pair = {
    certificate: readFileSync(certificateFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
  };
  try {
    const parsed = new X509Certificate(pair.certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(pair.key))) {
      throw unusable('a key that belongs to the certificate', 'another one', hint);
    }
    if (new Date(parsed.validTo) <= clock.now()) {
      throw unusable('a certificate that is still valid', `one until ${parsed.validTo}`, hint);
    }
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const found = messageOf(cause);
    throw unusable('a certificate and its private key', found, hint, cause);
  }
  return pair;
}

function unusable(expected: string, found: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { expected, found, hint, cause });
}
