/** An error of the API as it came (RFC 9457), or what kept its answer away, in the same three parts. */

export interface ProblemParts {
  readonly code: string;
  readonly title: string;
  readonly status: number;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

export class Problem extends Error implements ProblemParts {
  readonly code: string;
  readonly title: string;
  readonly status: number;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;

  constructor(parts: ProblemParts) {
    super(`${parts.title}: expected ${parts.expected}, found ${parts.found}`);
    this.name = 'Problem';
    this.code = parts.code;
    this.title = parts.title;
    this.status = parts.status;
    this.expected = parts.expected;
    this.found = parts.found;
    this.hint = parts.hint;
  }

  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    return new Problem({
      code: 'PAGE',
      title: 'Something broke in this page',
      status: 0,
      expected: 'the page to do what you asked',
      found: error instanceof Error ? error.message.slice(0, 300) : 'something that is no error',
      hint: 'Load the page again. Nothing was decided by this.',
    });
  }

  /** Of an answer whose status says no; whatever its body is. */
  static ofAnswer(status: number, body: unknown): Problem {
    const facts = typeof body === 'object' && body !== null ? body : {};
    const text = (name: string, otherwise: string): string => {
      const value: unknown = Reflect.get(facts, name);
      return typeof value === 'string' && value !== '' ? value : otherwise;
    };
    return new Problem({
      code: text('code', `HTTP_${status}`),
      title: text('title', `The gateway answered ${status}`),
      status,
      expected: text('expected', 'an answer of the gateway'),
      found: text('found', `status ${status}`),
      hint: text('hint', 'Try again; the log of the gateway says more.'),
    });
  }

  static noAnswer(): Problem {
    return new Problem({
      code: 'NO_ANSWER',
      title: 'The gateway cannot be reached',
      status: 0,
      expected: 'an answer of the gateway',
      found: 'none: the connection failed',
      hint: 'See whether the gateway runs (holdfast up) and this machine has a network; then try again.',
    });
  }

  /** The session is over, or there never was one. */
  get isSignedOut(): boolean {
    return this.code === 'HF_SIGN_IN' && !this.wantsProof;
  }

  /** Signed in, but the proof of being there is too old: prove it again, then repeat. */
  get wantsProof(): boolean {
    const wants = this.code === 'HF_SIGN_IN' || this.code === 'HF_USAGE';
    return wants && /\bolder\b/.test(this.found);
  }
}
