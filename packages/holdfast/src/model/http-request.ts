/**
 * A request to a provider as the first of `Intent.acts()`: all that its meaning hangs on besides its body,
 * which is the second. What follows is what was looked up for it (staged changes, variables): it is not
 * sent, but the approval was for it. So what is put off can be sent later to the letter, and from nothing
 * beside what was signed.
 *
 *     NUL "HTTP/1" NUL method NUL provider NUL path NUL search NUL media type
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
  readonly body: Buffer;
}

/** By one of these, as a header or a field, some servers take another method than the request line's. */
export const METHOD_OVERRIDES = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
] as const;

const MARK = '\0HTTP/1\0';

export function httpActs(
  { method, provider, path, search, mediaType, body }: HttpAct,
  evidence: readonly Uint8Array[],
): readonly Uint8Array[] {
  const head = [method, provider, path, search, mediaType].join('\0');
  return [Buffer.from(`${MARK}${head}`), body, ...evidence];
}

/** Null: these are not the acts of a request. */
export function httpActIn(acts: readonly Buffer[]): HttpAct | null {
  const [head, body] = acts;
  if (head === undefined || body === undefined) return null;
  const text = head.toString('utf8');
  if (!text.startsWith(MARK)) return null;
  const [method, provider, path, search, mediaType, ...more] = text.slice(MARK.length).split('\0');
  if (method === undefined || provider === undefined || path === undefined) return null;
  if (search === undefined || mediaType === undefined || more.length > 0) return null;
  return { method, provider, path, search, mediaType, body };
}

/** What people and the trail are shown of it: its first line, and its body. */
export function httpText({ method, path, search, body }: HttpAct): Buffer {
  const line = Buffer.from(`${method} ${path}${search}`);
  return body.length === 0 ? line : Buffer.concat([line, Buffer.from('\n'), body]);
}
