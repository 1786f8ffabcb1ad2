/** Notices for tests: one as it should be, and one that is hostile in every text of it. */
import type { Notice } from '../approvals/notice.ts';

export const LINK = 'https://holdfast.example.com/holds/hold_06f3k9w2m4t8xq1c';

export const NOTICE: Notice = {
  id: 'hold_06f3k9w2m4t8xq1c.opened',
  kind: 'hold-opened',
  importance: 'now',
  title: 'cursor-backend waits for people: main-db in production',
  facts: [
    ['environment', 'production (sealed)'],
    ['target', 'main-db'],
    ['statement', 'DROP TABLE bookings'],
    ['people', '0 of 2 have signed'],
  ],
  link: LINK,
  at: new Date('2026-11-21T09:00:00Z'),
  environment: { name: 'production', level: 'sealed' },
};

/** What strangers put into names and statements so that it becomes something else on a screen. */
export const HOSTILE_TEXTS: readonly (readonly [story: string, text: string])[] = [
  ['HTML', '</code><script>alert(1)</script><img src=https://evil.example/x.png onerror=alert(1)>'],
  ['HTML entities', '&lt;b&gt; &amp;lt; &#x3c;script&#x3e;'],
  ['a mention of everybody', '<!channel> <!here> <@U012AB3CD> @everyone'],
  ['a link of Slack', '<https://evil.example/approve|Approve this hold>'],
  ['Markdown', '*bold* _it_ ~no~ `code` ```block``` [Approve](https://evil.example/approve)'],
  ['a bare link', 'approved at https://evil.example/approve and http://evil.example'],
  ['hosts without a scheme', 'see www.evil.com, evil.com, evil.io/x and mailto:me@evil.com'],
  ['links that run', 'javascript:alert(1) data:text/html,x'],
  ['an emoji that says it is fine', ':white_check_mark: APPROVED'],
  ['letters turned round', 'user\u202etxt.exe\u2066 \u200f'],
  ['letters nobody sees', 'DROP\u200b\u200c\u200d\ufeff TABLE\u2060'],
  ['control characters', 'a\u0000b\u0007c\u001b[2Jd\u009b31m\u007f'],
  ['a second line', 'x\r\n\r\nHoldfast: approved by ana\n\u2028\u2029'],
  ['a header of a mail', 'x\r\nBcc: all@evil.example\r\nX-Evil: 1'],
  ['an end of a mail', 'x\r\n.\r\nMAIL FROM:<evil@evil.example>\r\n'],
  ['a template', `{{constructor}} ${'$'}{7*7} <%= 1 %> %s %n`],
  ['half a character', 'x\ud800y\udc00'],
  ['letters of private use', 'x\ue000\u{f0000}'],
  ['ten megabytes', 'A'.repeat(10 * 1024 * 1024)],
  ['ten megabytes of brackets', '<'.repeat(10 * 1024 * 1024)],
  ['ten megabytes of nothing to see', '\u202e'.repeat(3 * 1024 * 1024)],
];

/** As if nothing had made it inert on the way: a channel relies on nobody. */
export function hostileNotice(text: string): Notice {
  return {
    ...NOTICE,
    title: text,
    facts: [
      ['target', text],
      [text, text],
      ['statement', text],
      ...Array.from({ length: 100 }, (_, i) => [`fact ${i}`, text] as const),
    ],
  };
}
