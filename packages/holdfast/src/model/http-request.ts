/**
 * A request to a provider as the first of `Intent.acts()`: all that its meaning may hang on besides its body,
 * which is the second; headers that only carry it are not among that. What follows is what was looked up for it (staged changes, variables): it is not
 * sent, but the approval was for it. So what is put off can be sent later to the letter, and from nothing
 * beside what was signed.
 *
 *     NUL "HTTP/1" NUL method NUL provider NUL path NUL search NUL media type { NUL name ":" value }
 *
 * A NUL comes first: no search path of a SQL session (pipeline/path-mark.ts) begins so with these letters.
 */
export interface HttpAct {
  /** Upper case. */
  readonly method: string;
  readonly provider: string;
  readonly path: string;
  readonly search: string;
  readonly mediaType: string;
  /**
   * Name in lower case, and value; sorted by name, those of one name as they were sent. What looks like a secret is
   * not kept: HEADER_HASHED and its hash stand for it.
   */
  readonly headers: readonly HttpHeader[];
  readonly body: Buffer;
}

export type HttpHeader = readonly [name: string, value: string];

/** How a value begins that stands for one that is not kept; no value that was sent has such a letter. */
export const HEADER_HASHED = '\x01sha256:';

/** By one of these, as a header or a field, some servers take another method than the request line's. */
export const METHOD_OVERRIDES = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
] as const;

const MARK = '\0HTTP/1\0';

export function httpActs(
  { method, provider, path, search, mediaType, headers, body }: HttpAct,
  evidence: readonly Uint8Array[],
): readonly Uint8Array[] {
  const lines = headers.map(([name, value]) => `${name}:${value}`);
  const head = [method, provider, path, search, mediaType, ...lines].join('\0');
  return [Buffer.from(`${MARK}${head}`), body, ...evidence];
}

/** Null: these are not the acts of a request. */
export function httpActIn(acts: readonly Buffer[]): HttpAct | null {
  const [head, body] = acts;
  if (head === undefined || body === undefined) return null;
  const text = head.toString('utf8');
  if (!text.startsWith(MARK)) return null;
  const [method, provider, path, search, mediaType, ...lines] = text.slice(MARK.length).split('\0');
  if (method === undefined || provider === undefined || path === undefined) return null;
  if (search === undefined || mediaType === undefined) return null;
  const headers: HttpHeader[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return null;
    headers.push([line.slice(0, colon), line.slice(colon + 1)]);
  }
  return { method, provider, path, search, mediaType, headers, body };
}

/** What people and the trail are shown of it: its first line, headers that its meaning may hang on, and its body. */
export function httpText({ method, path, search, headers, body }: HttpAct): Buffer {
  const lines = headers.map(([name, value]) =>
    value.startsWith(HEADER_HASHED) ? `${name}: (${value.slice(1)})` : `${name}: ${value}`,
  );
  // An empty line ends them, so that no body is taken for a header.
  const head = [`${method} ${path}${search}`, ...lines, ...(lines.length > 0 ? [''] : [])];
  const line = Buffer.from(head.join('\n'));
  return body.length === 0 ? line : Buffer.concat([line, Buffer.from('\n'), body]);
}
