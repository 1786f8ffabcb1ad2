/** Texts for people: cut in UTF-16 units, never between the halves of a surrogate pair; and made inert. */

/**
 * A text that others wrote: control and direction characters are shown as `\u{1b}`, so that a statement
 * cannot move the cursor, hide a line or turn its letters round on the screen of the person who is to
 * approve it. Line breaks and tabs stay.
 */
export function visible(text: string): string {
  return text.replaceAll('\t', '  ').replaceAll(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** `visible`, and on one line. */
export function oneLine(text: string): string {
  return visible(text.replaceAll(/\s+/g, ' ').trim());
}

export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const last = text.charCodeAt(charsMax - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? charsMax - 1 : charsMax);
}

/** The first `charsMax` UTF-16 units of a UTF-8 text; decodes no more of it than that can need. */
export function startOf(text: Buffer, charsMax: number): string {
  // A UTF-16 unit takes at most three bytes of UTF-8; one character more may be cut in half.
  return cut(text.toString('utf8', 0, charsMax * 3 + 4), charsMax);
}

/** PostgreSQL's text holds neither NUL nor half a surrogate pair; a digest covers the original. */
export function storable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\u2400');
}

/** `1 minute`, `15 minutes`: of what was begun of one, the whole. */
export function minutesWords(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return `${minutes} minute${minutes === 1 ? '' : 's'}`;
}
