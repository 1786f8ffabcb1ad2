/**
 * Mail by SMTP: one message with a plain text and an HTML alternative that say the same. In the HTML every
 * text is escaped, nothing is loaded from anywhere, and the one link is the notice's own. No header is made
 * of a stranger's text but the subject, which is one line and is encoded (RFC 2047).
 *
 * It will not read a file or fetch a URL for a message, nor give a password to a server whose certificate
 * it cannot check, unless that server is this machine.
 */
import { createTransport, type SendMailOptions } from 'nodemailer';
import { CHANNEL_MS_MAX } from '../../model/limits.ts';
import type { Importance } from '../../model/notice-kind.ts';
import { inert } from '../inert.ts';
import type { Notice } from '../notice.ts';
import {
  type Channel,
  DELIVERED,
  type Delivered,
  type Failed,
  failed,
  settled,
  within,
} from './channel.ts';
import { factLines, type Words, wordsOf } from './words.ts';

export interface SmtpOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `starttls`: begins in clear, and goes on only once it is encrypted. */
  readonly tls: 'starttls' | 'implicit' | 'off';
  readonly user: string | null;
  readonly password: (() => string) | null;
  readonly from: string;
  readonly to: readonly string[];
  /** Certificates to trust besides those of Node, as PEM; null: none. */
  readonly ca: (() => string) | null;
  /** CHANNEL_MS_MAX when left out. */
  readonly msMax?: number;
}

const PRIORITIES: Readonly<Record<Importance, 'high' | 'normal' | 'low'>> = {
  now: 'high',
  soon: 'normal',
  digest: 'low',
};
/** Longer than any answer of a server that says why. */
const REASON_CHARS_MAX = 160;

export class SmtpChannel implements Channel {
  readonly kind = 'smtp';
  readonly name: string;
  readonly #options: SmtpOptions;

  constructor(options: SmtpOptions) {
    this.name = options.name;
    this.#options = options;
  }

  send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    return settled(() => this.#send(notice, signal));
  }

  async #send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    const { ca, host, msMax = CHANNEL_MS_MAX, password, port, tls, user } = this.#options;
    const secret = password?.() ?? null;
    const transport = createTransport({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'off',
      ...(user === null || secret === null ? {} : { auth: { user, pass: secret } }),
      ...(ca === null ? {} : { tls: { ca: ca() } }),
      connectionTimeout: msMax,
      greetingTimeout: msMax,
      socketTimeout: msMax,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const limit = within(signal, msMax);
    const ended = new Promise<Failed>((done) => {
      const end = (): void => {
        transport.close();
        done(
          failed(
            signal.aborted
              ? 'Holdfast stopped before it answered'
              : `it did not answer within ${msMax / 1000} s`,
          ),
        );
      };
      if (limit.signal.aborted) end();
      else limit.signal.addEventListener('abort', end, { once: true });
    });
    const sent = transport
      .sendMail(messageOf(notice, this.#options))
      .then(() => DELIVERED)
      .catch((error: unknown) => whyNot(error, secret, msMax));
    try {
      return await Promise.race([sent, ended]);
    } finally {
      limit.end();
      transport.close();
    }
  }
}

function messageOf(notice: Notice, { from, to, name }: SmtpOptions): SendMailOptions {
  const words = wordsOf(notice);
  const host = /@([A-Za-z0-9.-]+)>?$/.exec(from)?.[1] ?? 'holdfast.invalid';
  return {
    from,
    to: [...to],
    subject: words.title,
    text: textOf(words),
    html: htmlOf(words),
    messageId: `<${notice.id.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.${name}@${host}>`,
    date: notice.at,
    priority: PRIORITIES[notice.importance],
    // RFC 3834: nobody's holiday answers it.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

const FOOT =
  'To decide, open it and sign in. Nothing in this mail decides anything, and no answer is read.';

function textOf(words: Words): string {
  const link = words.link === '' ? [] : ['', words.link];
  return [words.title, '', ...factLines(words), ...link, '', FOOT, ''].join('\n');
}

function htmlOf({ facts, link, title }: Words): string {
  const rows = facts.map(
    ([name, text]) =>
      `<tr><td style="padding:2px 12px 2px 0;color:#666;vertical-align:top">${escaped(name)}</td>` +
      `<td style="padding:2px 0"><code>${escaped(text)}</code></td></tr>`,
  );
  const open = link === '' ? '' : `<p><a href="${escaped(link)}">Open in Holdfast</a></p>`;
  return (
    '<!doctype html><html><head><meta charset="utf-8"></head>' +
    '<body style="font-family:sans-serif;font-size:15px">' +
    `<h1 style="font-size:18px">${escaped(title)}</h1><table>${rows.join('')}</table>` +
    `${open}<p style="color:#666;font-size:13px">${escaped(FOOT)}</p></body></html>`
  );
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** 5xx of the server, and a login that is not taken, do not pass by waiting (RFC 5321 §4.2.1). */
function whyNot(error: unknown, secret: string | null, msMax: number): Failed {
  if (!(error instanceof Error)) return failed('it could not be sent');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ETIMEDOUT') return failed(`it did not answer within ${msMax / 1000} s`);
  const status =
    'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : 0;
  const isNever = status > 0 ? status >= 500 : ['EAUTH', 'EENVELOPE', 'ENOAUTH'].includes(code);
  const said = inert(error.message, REASON_CHARS_MAX);
  const isTelling = secret !== null && (said.includes(secret) || said.includes(base64(secret)));
  return failed(
    `the mail was not taken (${isTelling ? code || 'no reason that can be shown' : said})`,
    isNever ? 'never' : 'later',
  );
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64').replace(/=+$/, '');
}
