/**
 * A text with the values of its literals taken out, on bytes: `id = 17` and `id = 4` share
 * `id = 0`, 'a' and 'b' share ''. Two texts of one template have the same tree but for constants;
 * template.test.ts and scripts hold that against the parser.
 *
 * It gives up (and the text is parsed) wherever a literal could be more than a value: comments,
 * backslashes, dollar quotes, prefixed strings (E'' B'' U&''), numbers with letters or a leading dot,
 * bytes outside ASCII that are not inside quotes. What it will not do: be clever.
 */
const OTHER = 0;
const LETTER = 1;
const DIGIT = 2;
const QUOTE = 3;
const NAME_QUOTE = 4;
const DOLLAR = 5;
const DOT = 6;
const DASH = 7;
const SLASH = 8;
const STOP = 9;

const CLASS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  const letter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 95;
  if (letter) CLASS[byte] = LETTER;
  else if (byte >= 48 && byte <= 57) CLASS[byte] = DIGIT;
  else if (byte === 0 || byte === 92 || byte >= 128) CLASS[byte] = STOP;
}
CLASS[39] = QUOTE;
CLASS[34] = NAME_QUOTE;
CLASS[36] = DOLLAR;
CLASS[46] = DOT;
CLASS[45] = DASH;
CLASS[47] = SLASH;

const AMPERSAND = 38;
const STAR = 42;
const ZERO = 48;

export class TemplateMaker {
  /** The template of the last text, in `bytes[0, length)`. */
  readonly bytes: Buffer;
  length = 0;
  /** Of those bytes; 31 bits, so that it stays a small integer. */
  hash = 0;
  /** Bytes outside ASCII were passed over inside quotes: they still have to be valid UTF-8. */
  beyondAscii = false;

  constructor(bytesMax: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytesMax);
  }

  /** False when the text has no template. One pass, no allocation. */
  make(text: Uint8Array, start: number, end: number): boolean {
    if (end - start > this.bytes.length) return false;
    const out = this.bytes;
    let length = 0;
    let hash = 17;
    let at = start;
    this.beyondAscii = false;
    while (at < end) {
      const byte = text[at] ?? 0;
      switch (CLASS[byte]) {
        case OTHER:
          out[length++] = byte;
          hash = (Math.imul(hash, 31) + byte) | 0;
          at += 1;
          break;
        case LETTER: {
          let next = byte;
          let kind: number | undefined = LETTER;
          do {
            out[length++] = next;
            hash = (Math.imul(hash, 31) + next) | 0;
            at += 1;
            next = at < end ? (text[at] ?? 0) : 32;
            kind = CLASS[next];
          } while (kind === LETTER || kind === DIGIT);
          if (kind === QUOTE || kind === DOLLAR) return false;
          break;
        }
        case DIGIT: {
          at = afterNumber(text, at, end);
          if (at < 0) return false;
          out[length++] = ZERO;
          hash = (Math.imul(hash, 31) + ZERO) | 0;
          break;
        }
        case QUOTE: {
          if (at > start && text[at - 1] === AMPERSAND) return false;
          at = this.#afterString(text, at, end);
          if (at < 0) return false;
          out[length++] = 39;
          out[length++] = 39;
          hash = (Math.imul(hash, 31) + 39) | 0;
          break;
        }
        case NAME_QUOTE: {
          if (at > start && text[at - 1] === AMPERSAND) return false;
          const close = this.#afterName(text, at, end);
          if (close < 0) return false;
          for (; at < close; at += 1) {
            const part = text[at] ?? 0;
            out[length++] = part;
            hash = (Math.imul(hash, 31) + part) | 0;
          }
          break;
        }
        case DOLLAR: {
          const close = afterParameter(text, at, start, end);
          if (close < 0) return false;
          for (; at < close; at += 1) {
            const part = text[at] ?? 0;
            out[length++] = part;
            hash = (Math.imul(hash, 31) + part) | 0;
          }
          break;
        }
        case DOT:
        case DASH:
        case SLASH: {
          if (opensMore(byte, at + 1 < end ? (text[at + 1] ?? 0) : 32)) return false;
          out[length++] = byte;
          hash = (Math.imul(hash, 31) + byte) | 0;
          at += 1;
          break;
        }
        default:
          return false;
      }
    }
    this.length = length;
    this.hash = hash & 0x3fffffff;
    return true;
  }

  /** Past `'...'`, doubled quotes included; -1 when it is open or holds a backslash. */
  #afterString(text: Uint8Array, open: number, end: number): number {
    for (let at = open + 1; at < end; at += 1) {
      const byte = text[at] ?? 0;
      if (byte === 39) {
        if (at + 1 >= end || text[at + 1] !== 39) return at + 1;
        at += 1;
      } else if (byte === 92 || byte === 0) return -1;
      else if (byte >= 128) this.beyondAscii = true;
    }
    return -1;
  }

  #afterName(text: Uint8Array, open: number, end: number): number {
    for (let at = open + 1; at < end; at += 1) {
      const byte = text[at] ?? 0;
      if (byte === 34) {
        if (at + 1 >= end || text[at + 1] !== 34) return at + 1;
        at += 1;
      } else if (byte === 0) return -1;
      else if (byte >= 128) this.beyondAscii = true;
    }
    return -1;
  }
}

/** Past `12` or `12.5`; -1 for anything a version of the lexer may read otherwise. */
function afterNumber(text: Uint8Array, open: number, end: number): number {
  let at = open;
  while (at < end && CLASS[text[at] ?? 0] === DIGIT) at += 1;
  if (at < end && text[at] === 46) {
    at += 1;
    while (at < end && CLASS[text[at] ?? 0] === DIGIT) at += 1;
  }
  if (at >= end) return at;
  const next = CLASS[text[at] ?? 0];
  return next === LETTER || next === DOT || next === DOLLAR || next === STOP ? -1 : at;
}

/** Past `$1`; -1 for a dollar quote or anything run together with it. */
function afterParameter(text: Uint8Array, open: number, start: number, end: number): number {
  let at = open + 1;
  while (at < end && CLASS[text[at] ?? 0] === DIGIT) at += 1;
  if (at === open + 1) return -1;
  if (open > start && CLASS[text[open - 1] ?? 0] === DIGIT) return -1;
  if (at >= end) return at;
  const next = CLASS[text[at] ?? 0];
  return next === LETTER || next === DOT || next === DOLLAR || next === STOP ? -1 : at;
}

/** `--` and slash-star open comments; a dot before a digit opens a number. */
function opensMore(byte: number, next: number): boolean {
  if (byte === 45) return next === 45;
  if (byte === 47) return next === STAR;
  return CLASS[next] === DIGIT || next === 46;
}
