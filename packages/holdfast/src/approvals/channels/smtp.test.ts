/** Mail over TLS, and what a server may do about it; the rest is the contract's. */
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { makeCertificate } from '../../protocols/x509.ts';
import { MailReceiver } from '../../testing/mail-receiver.ts';
import { NOTICE } from '../../testing/notices.ts';
import { SmtpChannel, type SmtpOptions } from './smtp.ts';

const CALM = new AbortController().signal;
const LOGIN = { user: 'holdfast', password: 'mail-password-of-ours' };
const certificate = await makeCertificate(
  {
    name: 'CN=mail',
    lifeMs: 60 * 60 * 1000,
    hosts: ['127.0.0.1'],
    isAuthority: true,
    clock: systemClock,
  },
  null,
);

let receiver: MailReceiver;
afterEach(() => receiver.stop());

function channel(changed: Partial<SmtpOptions> = {}): SmtpChannel {
  return new SmtpChannel({
    name: 'mail',
    host: '127.0.0.1',
    port: receiver.port,
    tls: 'starttls',
    user: LOGIN.user,
    password: () => LOGIN.password,
    from: 'holdfast@example.com',
    to: ['ana@example.com'],
    ca: () => certificate.certificate,
    ...changed,
  });
}

const tls = { key: certificate.key, cert: certificate.certificate };

it('goes over STARTTLS, with the password behind it', async () => {
  receiver = await MailReceiver.start({ tls, login: LOGIN });
  expect(await channel().send(NOTICE, CALM)).toEqual({ kind: 'delivered' });
  expect(receiver.mails).toMatchObject([{ encrypted: true, login: 'holdfast' }]);
});

it('gives nothing to a server that offers no STARTTLS, as one in the middle would', async () => {
  receiver = await MailReceiver.start({ tls: null, login: null });
  expect(await channel().send(NOTICE, CALM)).toMatchObject({ kind: 'failed' });
  expect(receiver.mails).toEqual([]);
});

it('gives nothing to a server whose certificate it cannot check', async () => {
  receiver = await MailReceiver.start({ tls, login: LOGIN });
  expect(await channel({ ca: null }).send(NOTICE, CALM)).toMatchObject({ kind: 'failed' });
  expect(receiver.mails).toEqual([]);
});

it('does not repeat a password that the server says back', async () => {
  receiver = await MailReceiver.start({ tls, login: LOGIN });
  const sent = await channel({ password: () => 'another-password' }).send(NOTICE, CALM);
  expect(sent).toMatchObject({ kind: 'failed', again: 'never' });
  expect(JSON.stringify(sent)).not.toContain('another-password');
});

it('says so when its password or its certificates are not there', async () => {
  receiver = await MailReceiver.start({ tls, login: LOGIN });
  const missing = (): string => {
    throw new Error('ENOENT /etc/secret/path');
  };
  for (const changed of [{ password: missing }, { ca: missing }]) {
    const sent = await channel(changed).send(NOTICE, CALM);
    expect(sent).toMatchObject({ kind: 'failed' });
  }
});
