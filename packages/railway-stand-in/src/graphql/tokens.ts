/**
 * The words of a GraphQL document (specification of October 2021, section 2.1, with the braced escapes
 * that came after it). Written from the specification and from nothing else: the gateway reads with
 * another implementation, and where the two differ somebody is wrong.
 */
export type Token =
  | { readonly kind: 'mark'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'int' | 'float'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string; readonly isBlock: boolean }
  | { readonly kind: 'end' };

export class SyntaxFault extends Error {}

const IGNORED = /[\t\n\r ,\uFEFF]/y;
const MARK = /\.\.\.|[!$&()[\]{|}:=@]/y;
const NAME = /[A-Za-z_]\w*/y;
const NUMBER = /(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;
const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const reader = new Reader(text);
  for (;;) {
    const token = reader.next();
    tokens.push(token);
    if (token.kind === 'end') return tokens;
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    this.#skip();
    if (this.#at >= this.#text.length) return { kind: 'end' };
    const mark = this.#take(MARK);
    if (mark !== null) return { kind: 'mark', text: mark };
    const name = this.#take(NAME);
    if (name !== null) return { kind: 'name', text: name };
    if (this.#text[this.#at] === '"') return this.#string();
    const number = this.#match(NUMBER);
    if (number === null) throw this.#fault('a character that nothing begins with');
    this.#at += number[0].length;
    // 3.6.2: a number is not followed at once by a name, a dot or a digit.
    if (/^[\w.]/.test(this.#text.slice(this.#at, this.#at + 1))) throw this.#fault('a bad number');
    return { kind: number[2] === '' ? 'int' : 'float', text: number[0] };
  }

  #skip(): void {
    for (;;) {
      if (this.#take(IGNORED) !== null) continue;
      if (this.#text[this.#at] !== '#') return;
      while (this.#at < this.#text.length && !this.#isLineEnd()) this.#character();
    }
  }

  #string(): Token {
    if (this.#text.startsWith('"""', this.#at)) return this.#block();
    this.#at += 1;
    let value = '';
    while (this.#text[this.#at] !== '"') {
      if (this.#at >= this.#text.length || this.#isLineEnd()) throw this.#fault('an open string');
      value += this.#text[this.#at] === '\\' ? this.#escape() : this.#character();
    }
    this.#at += 1;
    return { kind: 'string', text: value, isBlock: false };
  }

  #block(): Token {
    this.#at += 3;
    let raw = '';
    while (!this.#text.startsWith('"""', this.#at)) {
      if (this.#at >= this.#text.length) throw this.#fault('an open block string');
      if (this.#text.startsWith('\\"""', this.#at)) {
        raw += '"""';
        this.#at += 4;
      } else {
        raw += this.#character();
      }
    }
    this.#at += 3;
    return { kind: 'string', text: blockValue(raw), isBlock: true };
  }

  #escape(): string {
    const next = this.#text[this.#at + 1] ?? '';
    const simple = SIMPLE_ESCAPES.get(next);
    if (simple !== undefined) {
      this.#at += 2;
      return simple;
    }
    const high = this.#codePoint();
    if (high < 0xd800 || high > 0xdfff) return String.fromCodePoint(high);
    // Half of a pair; the other half must follow, and both in the form without braces.
    const low = high < 0xdc00 && this.#text.startsWith('\\u', this.#at) ? this.#codePoint() : 0;
    if (low < 0xdc00 || low > 0xdfff) throw this.#fault('half a character');
    return String.fromCharCode(high, low);
  }

  /** `\uXXXX` or `\u{X...}`. */
  #codePoint(): number {
    const fixed = this.#take(/\\u([0-9A-Fa-f]{4})/y);
    if (fixed !== null) return Number.parseInt(fixed.slice(2), 16);
    const braced = this.#take(/\\u\{[0-9A-Fa-f]+\}/y);
    const value = braced === null ? Number.NaN : Number.parseInt(braced.slice(3, -1), 16);
    if (value >= 0 && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff)) return value;
    throw this.#fault('a bad escape');
  }

  /** Any character of a comment or a string: every one there is, and no half of a pair. */
  #character(): string {
    const point = this.#text.codePointAt(this.#at) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) throw this.#fault('half a character');
    const character = String.fromCodePoint(point);
    this.#at += character.length;
    return character;
  }

  #isLineEnd(): boolean {
    const here = this.#text[this.#at];
    return here === '\n' || here === '\r';
  }

  #take(pattern: RegExp): string | null {
    const match = this.#match(pattern);
    if (match === null) return null;
    this.#at += match[0].length;
    return match[0];
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text);
  }

  #fault(what: string): SyntaxFault {
    return new SyntaxFault(`Syntax Error: ${what} at ${this.#at}.`);
  }
}

/** Common indent off, blank lines at both ends off (2.9.4, BlockStringValue). */
function blockValue(raw: string): string {
  const lines = raw.split(/\r\n|\n|\r/);
  const indentOf = (line: string): number => /^[\t ]*/.exec(line)?.[0].length ?? 0;
  const isBlank = (line: string): boolean => indentOf(line) === line.length;
  const indents = lines
    .slice(1)
    .filter((line) => !isBlank(line))
    .map(indentOf);
  const common = indents.length === 0 ? 0 : Math.min(...indents);
  const cut = lines.map((line, place) => (place === 0 ? line : line.slice(common)));
  while (cut.length > 0 && isBlank(cut[0] ?? '')) cut.shift();
  while (cut.length > 0 && isBlank(cut.at(-1) ?? '')) cut.pop();
  return cut.join('\n');
}
