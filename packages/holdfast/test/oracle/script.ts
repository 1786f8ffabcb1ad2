/**
 * A psql script taken apart: statements as psql would send them, data of COPY FROM STDIN, and the few
 * backslash commands that change what follows. Only as much psql as the regression tests need.
 */
export type Step =
  | { readonly kind: 'statement'; readonly text: string; readonly data: string | null }
  | { readonly kind: 'connect'; readonly user: string | null };

export type Variables = Map<string, string>;

export function steps(script: string, variables: Variables): Step[] {
  return new Splitter(script, variables).run();
}

class Splitter {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #steps: Step[] = [];
  #at = 0;
  #buffer = '';
  #parens = 0;
  #atomic = 0;
  /** Inside \if ... \endif nothing is run: what the tests ask there is about the platform. */
  #conditions = 0;

  constructor(text: string, variables: Variables) {
    this.#text = text;
    this.#variables = variables;
  }

  run(): Step[] {
    while (this.#at < this.#text.length) this.#one();
    return this.#steps;
  }

  #one(): void {
    const rest = this.#text.slice(this.#at, this.#at + 80);
    const character = rest[0] ?? '';
    const opaque = this.#opaqueEnd(rest, character);
    const word = /^[A-Za-z_]+/.exec(rest)?.[0];
    if (opaque !== null) this.#take(opaque);
    else if (character === '\\') this.#command();
    else if (character === ':' && this.#variable(rest)) return;
    else if (word !== undefined && !/[\w$]$/.test(this.#buffer)) {
      this.#word(word.toLowerCase());
      this.#take(this.#at + word.length);
    } else this.#sign(character);
  }

  /** Where a comment, string, quoted name or dollar quote that opens here ends; null: none does. */
  #opaqueEnd(rest: string, character: string): number | null {
    if (rest.startsWith('--')) return this.#until('\n');
    if (rest.startsWith('/*')) return this.#comment();
    if (character === "'") {
      return this.#quoted("'", /(^|[^a-z0-9_])e$/i.test(this.#buffer.slice(-2)));
    }
    if (character === '"') return this.#quoted('"', false);
    const dollar = /^\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(rest);
    if (dollar === null || /[\w$]$/.test(this.#buffer)) return null;
    const close = this.#text.indexOf(dollar[0], this.#at + dollar[0].length);
    return close < 0 ? this.#text.length : close + dollar[0].length;
  }

  #sign(character: string): void {
    if (character === '(') this.#parens += 1;
    if (character === ')') this.#parens = Math.max(0, this.#parens - 1);
    if (character === ';' && this.#parens === 0 && this.#atomic === 0) {
      this.#at += 1;
      this.#flush(`${this.#buffer};`);
    } else this.#take(this.#at + 1);
  }

  #word(word: string): void {
    const routine = /^\s*create\s+(or\s+replace\s+)?(function|procedure)/i.test(this.#buffer);
    if (!routine) return;
    if (word === 'atomic' && /begin\s*$/i.test(this.#buffer)) this.#atomic = 1;
    else if (this.#atomic > 0 && word === 'case') this.#atomic += 1;
    else if (this.#atomic > 0 && word === 'end') this.#atomic -= 1;
  }

  #take(to: number): void {
    this.#buffer += this.#text.slice(this.#at, to);
    this.#at = to;
  }

  #until(mark: string): number {
    const found = this.#text.indexOf(mark, this.#at);
    return found < 0 ? this.#text.length : found;
  }

  #comment(): number {
    let depth = 0;
    for (let at = this.#at; at < this.#text.length; at += 1) {
      if (this.#text.startsWith('/*', at)) {
        depth += 1;
        at += 1;
      } else if (this.#text.startsWith('*/', at)) {
        depth -= 1;
        at += 1;
        if (depth === 0) return at + 1;
      }
    }
    return this.#text.length;
  }

  #quoted(mark: string, escapes: boolean): number {
    for (let at = this.#at + 1; at < this.#text.length; at += 1) {
      if (escapes && this.#text[at] === '\\') at += 1;
      else if (this.#text[at] === mark) return at + 1;
    }
    return this.#text.length;
  }

  #variable(rest: string): boolean {
    if (this.#text[this.#at - 1] === ':' || rest[1] === ':') return false;
    const found = /^:(?:'(\w+)'|"(\w+)"|(\w+))/.exec(rest);
    const name = found?.[1] ?? found?.[2] ?? found?.[3];
    const value = name === undefined ? undefined : this.#variables.get(name);
    if (found === null || value === undefined) return false;
    if (found[1] !== undefined) this.#buffer += `'${value.replaceAll("'", "''")}'`;
    else if (found[2] !== undefined) this.#buffer += `"${value}"`;
    else this.#buffer += value;
    this.#at += found[0].length;
    return true;
  }

  #command(): void {
    if (this.#text.startsWith('\\;', this.#at)) {
      this.#buffer += ';';
      this.#at += 2;
      return;
    }
    const end = this.#until('\n');
    const [name = '', ...args] = this.#text
      .slice(this.#at + 1, end)
      .trim()
      .split(/\s+/);
    this.#at = end;
    if (/^g/.test(name) && !/^getenv|^gdesc/.test(name)) this.#flush(this.#buffer);
    else if (name === 'gdesc') this.#buffer = '';
    else if (name === 'c' || name === 'connect') this.#connect(args);
    else if (name === 'set') this.#variables.set(args[0] ?? '', this.#joined(args.slice(1)));
    else if (name === 'getenv') this.#getenv(args);
    else if (name === 'r' || name === 'reset') this.#buffer = '';
    else if (name === 'if') this.#conditions += 1;
    else if (name === 'endif') this.#conditions -= 1;
  }

  #getenv(args: readonly string[]): void {
    const value = this.#variables.get(args[1] ?? '');
    if (value !== undefined) this.#variables.set(args[0] ?? '', value);
  }

  /** psql puts the arguments of \set together; `:name` and quotes are opened. */
  #joined(args: readonly string[]): string {
    return args
      .map((arg) => arg.replace(/^'(.*)'$/, '$1'))
      .map((arg) => arg.replaceAll(/:(\w+)/g, (all, name) => this.#variables.get(name) ?? all))
      .join('');
  }

  #connect(args: readonly string[]): void {
    const user = args[1] ?? '-';
    this.#steps.push({ kind: 'connect', user: user === '-' ? null : user });
    this.#buffer = '';
  }

  #flush(text: string): void {
    this.#buffer = '';
    this.#parens = 0;
    this.#atomic = 0;
    const bare = text.replace(/^(\s|--.*\n)+/, '');
    if (this.#conditions > 0 || /^;?$/.test(bare.trim())) return;
    this.#steps.push({ kind: 'statement', text: bare, data: this.#copyData(bare) });
  }

  #copyData(text: string): string | null {
    if (!/^copy\b[^;]*\bfrom\s+stdin\b/i.test(text)) return null;
    const start = this.#until('\n') + 1;
    const close = /^\\\.$/m.exec(this.#text.slice(start));
    const end = close === null ? this.#text.length : start + close.index;
    this.#at = close === null ? end : end + 2;
    return this.#text.slice(start, end);
  }
}
