/**
 * Texts of strangers, cut into pieces that can be shown inert: what has no look of its own (control
 * characters, direction marks, joiners, look-alike blanks) becomes a piece with a name. Nothing here
 * makes HTML: pieces become text nodes.
 */

export interface Piece {
  readonly kind: 'plain' | 'odd';
  readonly text: string;
}

/** Line breaks and tabs stay; CR LF counts as a line break. */
const ODD =
  /(?!\n|\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u00a0\u2000-\u200a\u202f\u205f\u3000\u3164\u115f\u1160\uffa0]/gu;

export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  const whole = text.replaceAll('\r\n', '\n');
  let at = 0;
  for (const match of whole.matchAll(ODD)) {
    if (match.index > at) found.push({ kind: 'plain', text: whole.slice(at, match.index) });
    found.push({ kind: 'odd', text: nameOf(match[0]) });
    at = match.index + match[0].length;
  }
  if (at < whole.length) found.push({ kind: 'plain', text: whole.slice(at) });
  return found;
}

/** As `pieces`, in one string: for titles, labels and names. */
export function inert(text: string): string {
  return pieces(text)
    .map((piece) => piece.text)
    .join('');
}

/** `inert`, on one line. */
export function oneLine(text: string): string {
  return inert(text.replaceAll(/[\n\r\t ]+/g, ' ').trim());
}

/** `⟨U+202E⟩`. */
function nameOf(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `⟨U+${code}⟩`;
}

/** Never between the halves of a surrogate pair. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const last = text.charCodeAt(charsMax - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? charsMax - 1 : charsMax);
}
