import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../model/clock.ts';
import { type CertificateOptions, loadCertificate } from './certificate.ts';
import { endPointHash } from './tls.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const options = (more: Partial<CertificateOptions> = {}): CertificateOptions => ({
  folder: join(folder, 'tls'),
  own: null,
  hosts: ['gateway.example', '10.1.2.3'],
  clock: systemClock,
  ...more,
});

describe('our certificate', () => {
  it('is made once, for the names it is reached by, with a key only we can read', async () => {
    const made = await loadCertificate(options());
    expect(made.made).toBe('now');
    const parsed = new X509Certificate(readFileSync(made.certificateFile));
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.checkHost('localhost')).toBe('localhost');
    expect(parsed.checkHost('gateway.example')).toBe('gateway.example');
    expect(parsed.checkHost('other.example')).toBeUndefined();
    expect(parsed.checkIP('10.1.2.3')).toBe('10.1.2.3');
    expect(parsed.checkIP('::1')).toBe('::1');
    expect(statSync(join(folder, 'tls/holdfast.key')).mode & 0o777).toBe(0o600);
    expect(endPointHash(parsed.raw)?.toString('hex')).toBe(
      parsed.fingerprint256.replaceAll(':', '').toLowerCase(),
    );
    const again = await loadCertificate(options());
    expect(again).toMatchObject({ made: 'earlier', fingerprintSha256: made.fingerprintSha256 });
  });

  it('is made anew when it has run out', async () => {
    const past: Clock = { ...systemClock, now: () => new Date('2001-01-01T00:00:00Z') };
    const old = await loadCertificate(options({ clock: past }));
    expect(old.expiresAt.getUTCFullYear()).toBe(2005);
    const fresh = await loadCertificate(options());
    expect(fresh.made).toBe('now');
    expect(fresh.fingerprintSha256).not.toBe(old.fingerprintSha256);
  });

  it("may be the user's own", async () => {
    await loadCertificate(options());
    const own = {
      certificateFile: join(folder, 'tls/holdfast.crt'),
      keyFile: join(folder, 'tls/holdfast.key'),
    };
    expect(await loadCertificate(options({ own }))).toMatchObject({ made: 'by-others' });
  });

  it.each([
    ['a key that all can read', (key: string) => chmodSync(key, 0o644), /open to all/],
    ['no key', (key: string) => rmSync(key), /ENOENT/],
    ['rubbish', (key: string) => writeFileSync(key, 'hello'), /certificate and its private key/],
  ])('does not start with %s', async (_, spoil, words) => {
    await loadCertificate(options());
    const keyFile = join(folder, 'tls/holdfast.key');
    spoil(keyFile);
    const own = { certificateFile: join(folder, 'tls/holdfast.crt'), keyFile };
    await expect(loadCertificate(options({ own }))).rejects.toThrow(words);
  });

  it('does not start with the key of another certificate', async () => {
    await loadCertificate(options());
    await loadCertificate(options({ folder: join(folder, 'other') }));
    const own = {
      certificateFile: join(folder, 'tls/holdfast.crt'),
      keyFile: join(folder, 'other/holdfast.key'),
    };
    await expect(loadCertificate(options({ own }))).rejects.toThrow(/key of another one/);
  });
});

it('hashes public authorities as RFC 5929 says: by the hash of their signature, SHA-1 lifted', () => {
  const lengths = rootCertificates.map((pem) => endPointHash(new X509Certificate(pem).raw)?.length);
  expect(new Set(lengths)).toEqual(new Set([32, 48, 64]));
});

it('hashes for channel binding only what it understands', () => {
  expect(endPointHash(Buffer.alloc(0))).toBeNull();
  expect(endPointHash(Buffer.from('3082ffff00', 'hex'))).toBeNull();
  expect(endPointHash(Buffer.from('308400', 'hex'))).toBeNull();
});
