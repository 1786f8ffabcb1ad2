/**
 * Mail (RFC 5322), one message or an mbox, by `postal-mime`: the headers that say who wrote when, and the
 * text. HTML becomes text that runs nothing; attachments and forwarded messages are counted, not opened.
 *
 * It will not: believe a mail more than a mail (anybody can write one in anybody's name), open what is
 * nested deeper or split wider than a person's mail is, or choose between two `From` lines.
 */
import PostalMime, { type Address, type Email } from 'postal-mime';
import {
  REBUILD_MAIL_TEXT_CHARS_MAX,
  REBUILD_MESSAGE_BYTES_MAX,
  REBUILD_RECORDS_MAX,
} from '../../../model/limits.ts';
import type { ReadFile, SourceFile, SourceRecord, UnreadRecord } from '../source-record.ts';
import { readMoment } from '../values/moment.ts';
import { unreadable } from './decode.ts';
import { inertHtml } from './inert-html.ts';
import { isMbox, type MessageBytes, messagesIn } from './mbox.ts';
import { type Place, provenanceOf, unreadAt } from './place.ts';

const NESTING_MAX = 12;
const HEADERS_BYTES_MAX = 128 * 1024;
/** Lines that could divide parts: a real message has some dozens, with its signature. */
const DIVIDERS_MAX = 1_000;
const ONCE: readonly string[] = ['from', 'date', 'subject', 'message-id', 'to', 'content-type'];
const LINE_FEED = 0x0a;
const DASH = 0x2d;

export async function readMail(file: SourceFile): Promise<ReadFile> {
  const records: SourceRecord[] = [];
  const unread: UnreadRecord[] = [];
  let record = 0;
  for (const message of messagesOf(file)) {
    record += 1;
    if (record > REBUILD_RECORDS_MAX) {
      throw unreadable(
        file,
        `at most ${REBUILD_RECORDS_MAX} messages`,
        'more',
        'Export less at a time.',
      );
    }
    const place = { record, offset: message.offset, text: message.bytes.toString('utf8') };
    const read = await messageOf(message.bytes);
    if (typeof read === 'string') unread.push(unreadAt(file, place, read));
    else records.push({ by: provenanceOf(file, shown(place, read)), ...read });
  }
  return { records, unread };
}

function messagesOf(file: SourceFile): Iterable<MessageBytes> {
  if (!isMbox(file.bytes)) return [{ bytes: file.bytes, offset: 0 }];
  return messagesIn(file.bytes);
}

type Fields = Pick<SourceRecord, 'fields' | 'troubled'>;

/** What a person recognizes: who, when, what about, and the text. */
function shown(place: Place, { fields }: Fields): Place {
  const head = ['from', 'date', 'subject'].map((name) => `${name}: ${fields.get(name) ?? '?'}`);
  return { ...place, text: [...head, fields.get('text') ?? ''].join('\n') };
}

async function messageOf(bytes: Buffer): Promise<Fields | string> {
  if (bytes.length > REBUILD_MESSAGE_BYTES_MAX) return 'larger than a message may be';
  if (dividersIn(bytes) > DIVIDERS_MAX) return 'more parts than a message may have';
  let mail: Email;
  try {
    mail = await PostalMime.parse(bytes, {
      attachmentEncoding: 'arraybuffer',
      forceRfc822Attachments: true,
      maxNestingDepth: NESTING_MAX,
      maxHeadersSize: HEADERS_BYTES_MAX,
      maxRfc822NestingDepth: 0,
    });
  } catch {
    return 'no message, or parts nested deeper than a message may have them';
  }
  if (mail.headers.length === 0) return 'no headers';
  return fieldsOf(mail);
}

function fieldsOf(mail: Email): Fields {
  const fields = new Map<string, string>();
  const troubled = new Map<string, string>();
  const put = (name: string, text: string | undefined): void => {
    if (text !== undefined) fields.set(name, text);
  };
  put('from', mail.from?.address);
  put('from.name', mail.from?.name);
  put('subject', mail.subject);
  put('message-id', mail.messageId);
  const to = addressesOf(mail.to ?? []);
  for (const [at, address] of to.entries()) put(`to.${at}`, address);
  if (to.length === 1) put('to', to[0]);
  const date = readMoment(mail.date ?? '', { format: 'iso', zone: null });
  if (date.kind === 'value' && date.value.kind === 'moment') fields.set('date', date.value.at);
  else if (mail.date !== undefined) troubled.set('date', 'no date that a message has');
  put('attachments', String(mail.attachments.length));
  const text = mail.text ?? (mail.html === undefined ? '' : inertHtml(mail.html));
  if (text.length > REBUILD_MAIL_TEXT_CHARS_MAX) troubled.set('text', 'longer than a letter is');
  else put('text', text);
  for (const name of ONCE) {
    if (mail.headers.filter(({ key }) => key === name).length < 2) continue;
    for (const one of fields.keys()) {
      if (one === name || one.startsWith(`${name}.`)) fields.delete(one);
    }
    troubled.set(name === 'content-type' ? 'text' : name, 'stands there more than once');
  }
  return { fields, troubled };
}

const ADDRESSES_MAX = 100;

function addressesOf(list: readonly Address[]): readonly string[] {
  const all = list.flatMap((one) => (one.group === undefined ? [one] : one.group));
  return all.slice(0, ADDRESSES_MAX).map(({ address }) => address);
}

/** Lines that begin with `--`. */
function dividersIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    if (bytes[at + 1] === DASH && bytes[at + 2] === DASH) count += 1;
  }
  return count;
}
