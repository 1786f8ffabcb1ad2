/**
 * The members of one JSON object as they stand in its text, and of those that are lists one element after the
 * other: for a text that is too long to be parsed in one go. What stands between the pieces is read here; each
 * piece is parsed by `JSON.parse`.
 *
 * It will not: take blanks between pieces (what it reads is canonical), or look past the end of the text.
 */

export type JsonPiece =
  | { readonly kind: 'value'; readonly name: string; readonly value: unknown }
  /** A list begins; it may have no element. */
  | { readonly kind: 'list'; readonly name: string }
  | {
      readonly kind: 'element';
      readonly name: string;
      readonly at: number;
      readonly value: unknown;
    };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

export class JsonPieces {
  readonly #text: Buffer;
  #place = 0;

  /** UTF-8. */
  constructor(text: Buffer) {
    this.#text = text;
  }

  /** How many bytes of it were read. */
  get place(): number {
    return this.#place;
  }

  /** Throws SyntaxError where the text is no such object. */
  *members(): Generator<JsonPiece, void, void> {
    this.#take(OPEN);
    if (!this.#takes(CLOSE)) {
      do {
        const name = String(this.#parsed());
        this.#take(COLON);
        if (this.#text[this.#place] === OPEN_LIST) yield* this.#elements(name);
        else yield { kind: 'value', name, value: this.#parsed() };
      } while (this.#takes(COMMA));
      this.#take(CLOSE);
    }
    if (this.#place !== this.#text.length) throw this.#broken();
  }

  *#elements(name: string): Generator<JsonPiece, void, void> {
    this.#take(OPEN_LIST);
    yield { kind: 'list', name };
    if (this.#takes(CLOSE_LIST)) return;
    let at = 0;
    do {
      yield { kind: 'element', name, at, value: this.#parsed() };
      at += 1;
    } while (this.#takes(COMMA));
    this.#take(CLOSE_LIST);
  }

  #parsed(): unknown {
    const from = this.#place;
    this.#pass();
    return JSON.parse(this.#text.toString('utf8', from, this.#place));
  }

  /** One value, whatever it holds. */
  #pass(): void {
    let depth = 0;
    do {
      const byte = this.#text[this.#place];
      if (byte === undefined) throw this.#broken();
      if (byte === QUOTE) {
        this.#passString();
        continue;
      }
      const isEnd = byte === COMMA || byte === CLOSE || byte === CLOSE_LIST || byte === COLON;
      if (depth === 0 && isEnd) throw this.#broken();
      this.#place += 1;
      if (byte === OPEN || byte === OPEN_LIST) depth += 1;
      else if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
      else if (depth === 0) this.#passWord();
    } while (depth > 0);
  }

  #passString(): void {
    for (let from = this.#place + 1; ; ) {
      const end = this.#text.indexOf(QUOTE, from);
      if (end < 0) throw this.#broken();
      let before = end - 1;
      while (this.#text[before] === BACKSLASH) before -= 1;
      from = end + 1;
      if ((end - before) % 2 === 0) continue;
      this.#place = from;
      return;
    }
  }

  /** The rest of a number, of `true`, `false` or `null`. */
  #passWord(): void {
    for (;;) {
      const byte = this.#text[this.#place];
      if (byte === undefined || byte === COMMA || byte === CLOSE || byte === CLOSE_LIST) return;
      this.#place += 1;
    }
  }

  #takes(byte: number): boolean {
    if (this.#text[this.#place] !== byte) return false;
    this.#place += 1;
    return true;
  }

  #take(byte: number): void {
    if (!this.#takes(byte)) throw this.#broken();
  }

  #broken(): SyntaxError {
    return new SyntaxError(`no canonical JSON at byte ${this.#place}`);
  }
}
