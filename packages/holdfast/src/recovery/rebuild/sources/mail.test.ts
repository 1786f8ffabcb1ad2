import { describe, expect, it } from 'vitest';
import { inert, mail, sourceFile } from '../../../testing/source-files.ts';
import { inertHtml } from './inert-html.ts';
import { readMail } from './mail.ts';

const HEADERS = [
  'From: Ada <ada@example.com>',
  'To: shop@example.com',
  'Subject: Booking BK-1',
  'Date: Tue, 3 Nov 2026 10:00:00 +0100',
  'Message-ID: <1@example.com>',
];

function read(content: string | Buffer) {
  return readMail(sourceFile('mail', content));
}

async function first(content: string) {
  const { records } = await read(content);
  return { fields: Object.fromEntries(records[0]?.fields ?? []), troubled: records[0]?.troubled };
}

function parts(count: number): string {
  return mail(
    [...HEADERS, 'Content-Type: multipart/mixed; boundary=x'],
    Array.from({ length: count }, () => '--x\r\nContent-Type: text/plain\r\n\r\na').join('\r\n'),
  );
}

function nested(depth: number): string {
  const open = Array.from(
    { length: depth },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`,
  );
  return `${HEADERS.join('\r\n')}\r\n${open.join('')}Content-Type: text/plain\r\n\r\nTotal: 1`;
}

describe('mail', () => {
  it('reads who wrote when, what about, and the text', async () => {
    const { fields } = await first(mail(HEADERS, 'Hello,\r\nTotal: 80.50 EUR'));
    expect(fields).toMatchObject({
      from: 'ada@example.com',
      'from.name': 'Ada',
      to: 'shop@example.com',
      subject: 'Booking BK-1',
      date: '2026-11-03T09:00:00Z',
      'message-id': '<1@example.com>',
    });
    expect(fields['text']).toContain('Total: 80.50 EUR');
  });

  it('makes HTML a text that runs nothing', async () => {
    const html =
      '<p>Total: &euro;80.50</p><script>alert("Total: 1")</script><img src=x onerror=y><b>Bye';
    const { fields } = await first(mail([...HEADERS, 'Content-Type: text/html'], html));
    expect(fields['text']).toBe('Total: €80.50\nBye');
  });

  it('opens neither attachments nor forwarded mail', async () => {
    const forwarded = mail(['From: eve@example.com', 'Subject: BK-666'], 'Total: 1.00 EUR');
    const body = [
      ...[
        '--x',
        'Content-Type: text/plain',
        '',
        'see below',
        '--x',
        'Content-Type: message/rfc822',
        '',
      ],
      ...[
        forwarded,
        '--x',
        'Content-Type: text/plain',
        'Content-Disposition: attachment; filename=a.txt',
      ],
      ...['', 'Total: 2.00 EUR', '--x--'],
    ].join('\r\n');
    const { fields } = await first(
      mail([...HEADERS, 'Content-Type: multipart/mixed; boundary=x'], body),
    );
    expect(fields['text']?.trim()).toBe('see below');
    expect(fields['attachments']).toBe('2');
    expect(fields['subject']).toBe('Booking BK-1');
  });

  it('does not choose between two of a header that stands once', async () => {
    const { fields, troubled } = await first(
      mail([...HEADERS, 'From: eve@example.com', 'Subject: BK-2'], 'x'),
    );
    expect([fields['from'], fields['from.name'], fields['subject']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([...(troubled?.keys() ?? [])].sort()).toEqual(['from', 'subject']);
  });

  it('keeps a header that was injected inside of the one it was put into', async () => {
    const { fields } = await first(
      mail(
        [
          ...HEADERS.filter((one) => !one.startsWith('Subject')),
          'Subject: =?utf-8?q?a=0D=0AFrom:_eve=40x?=',
        ],
        'x',
      ),
    );
    expect(fields['from']).toBe('ada@example.com');
    expect(fields['subject']).toBe('a\r\nFrom: eve@x');
  });

  it.each<readonly [story: string, content: () => string | Buffer, why: RegExp]>([
    ['parts in parts in parts', () => nested(200), /nested deeper/],
    ['more parts than a letter has', () => parts(1_500), /more parts/],
    ['more than a message may have', () => Buffer.alloc(16 * 1024 * 1024 + 1, 'x'), /larger/],
    [
      'headers without end',
      () => mail([...HEADERS, `X-Y: ${'x'.repeat(200_000)}`], 'x'),
      /no message/,
    ],
    ['no headers', () => '\r\n\r\njust words', /no headers/],
    ['nothing', () => '', /no headers/],
  ])('leaves %s unread', async (_story, content, why) => {
    const { records, unread } = await read(content());
    expect(records).toEqual([]);
    expect(unread[0]?.why).toMatch(why);
    expect(unread[0]?.by.snippet.length).toBeLessThan(1_000);
  });

  it('takes no text that is longer than a letter', async () => {
    const { fields, troubled } = await first(mail(HEADERS, 'Total: 80.50 EUR\r\n'.repeat(30_000)));
    expect(fields['text']).toBeUndefined();
    expect(troubled?.get('text')).toContain('longer');
  });

  it('shows the reviewer nothing that could move a cursor or turn letters round', async () => {
    const { records } = await read(mail(HEADERS, '\u001b]0;x\u0007 \u202eevil'));
    expect(inert(records[0]?.by.snippet)).toBe(true);
  });
});

describe('an mbox', () => {
  const separator = 'From ada@example.com Tue Nov  3 10:00:00 2026';
  const message = (subject: string, body: string): string =>
    `${separator}\n${['From: ada@example.com', `Subject: ${subject}`].join('\n')}\n\n${body}\n\n`;

  it('is cut at its separators only', async () => {
    const body =
      'From here on it is text\n>From the start\n>>From twice\n\nFrom nobody in particular';
    const { records, unread } = await read(message('one', body) + message('two', 'x'));
    expect(unread).toEqual([]);
    expect(records.map(({ fields }) => fields.get('subject'))).toEqual(['one', 'two']);
    expect(records[0]?.fields.get('text')).toContain(
      'From here on it is text\nFrom the start\n>From twice\n\nFrom nobody',
    );
  });

  it('says where each message lies', async () => {
    const text = message('one', 'x') + message('two', 'y');
    const { records } = await read(text);
    const second = Buffer.from(text).subarray(records[1]?.by.offset).toString();
    expect(second.startsWith('From: ada@example.com\nSubject: two')).toBe(true);
    expect(records.map(({ by }) => by.record)).toEqual([1, 2]);
  });

  it('takes a separator that nobody quoted for a message, which weighs as a mail does', async () => {
    const { records } = await read(
      message('one', `x\n\n${separator}\nFrom: eve@example.com\nSubject: BK-9\n\ny`),
    );
    expect(records.map(({ fields }) => fields.get('from'))).toEqual([
      'ada@example.com',
      'eve@example.com',
    ]);
  });

  it('reads messages beside one that is a bomb', async () => {
    const bomb = `${separator}\n${nested(200)}\n\n`;
    const { records, unread } = await read(message('one', 'x') + bomb + message('two', 'y'));
    expect(records.map(({ fields }) => fields.get('subject'))).toEqual(['one', 'two']);
    expect(unread).toHaveLength(1);
  });
});

describe('HTML', () => {
  it.each([
    ['<!-- <b>x</b> -->a', 'a'],
    ['a<br>b<div>c</div>', 'a\nb\nc'],
    ['<ScRiPt>x</sCrIpT >y', 'y'],
    ['<style>x', ''],
    ['a < b and c > d', 'a < b and c > d'],
    ['&#60;script&#62;', '<script>'],
    ['&#x202e;&#0;&bogus;', '\u202e&#0;&bogus;'],
    ['<b', ''],
    ['<td>1</td><td>2</td>', '1 2'],
  ])('%s', (html, text) => {
    expect(inertHtml(html)).toBe(text);
  });

  it('goes over a hostile text once', () => {
    const hostile = [
      '<script>'.repeat(50_000),
      '<'.repeat(500_000),
      '<!--'.repeat(100_000),
      '&#'.repeat(200_000),
      ' '.repeat(500_000),
      '<a '.repeat(100_000),
    ];
    for (const one of hostile) expect(inertHtml(one).length).toBeLessThanOrEqual(one.length);
  });
});
