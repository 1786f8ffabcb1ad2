/**
 * Texts of strangers for places where people read without having asked: a chat, a mail, the screen of
 * a phone. One line, bounded; what would move, hide or turn letters is shown as `\u{202e}`; nothing in
 * it becomes a link by itself.
 */
import { cut } from '../model/text.ts';

/** What chats and mail programs make links of when they meet it bare. */
const ENDINGS =
  'com|net|org|info|biz|io|co|ai|app|dev|cloud|page|site|online|shop|xyz|top|club|link|click|live|' +
  'me|tv|cc|ws|us|uk|de|fr|nl|eu|ch|at|it|es|pl|ru|cn|in|br|jp|zip|mov';

const BARE_HOST = new RegExp(
  `(?<=[\\p{L}\\p{N}])\\.(?=(?:${ENDINGS})(?![\\p{L}\\p{N}_.-]))`,
  'giu',
);

/** At most `charsMax` UTF-16 units, an ellipsis included where it was cut. */
export function inert(text: string, charsMax: number): string {
  // Ten megabytes are not gone through for one line; escaping only makes it longer.
  const start = text.length > charsMax * 8 ? cut(text, charsMax * 8) : text;
  const shown = unlinked(
    start
      .replaceAll(/\s+/gu, ' ')
      .trim()
      .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, (char) => {
        return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
      }),
  );
  if (shown.length <= charsMax && start.length === text.length) return shown;
  return `${cut(shown, charsMax - 1)}…`;
}

/** `https[:]//a[.]com`: still to be read, and no longer to be clicked. */
function unlinked(text: string): string {
  return text
    .replaceAll(/:(?=\/\/)/g, '[:]')
    .replaceAll(/(?<=\b(?:mailto|tel|javascript|data|slack|file)):/gi, '[:]')
    .replaceAll(/(?<=\bwww)\./gi, '[.]')
    .replaceAll(/(?<=[\p{L}\p{N}])\.(?=[\p{L}\p{N}-]{2,63}(?::\d+)?\/)/gu, '[.]')
    .replaceAll(BARE_HOST, '[.]');
}
