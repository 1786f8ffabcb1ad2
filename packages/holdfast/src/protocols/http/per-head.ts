/**
 * What hangs on the headers of a request and on nothing else, worked out once for each head. The requests
 * of one client over one connection mostly have the same head, byte by byte; `incoming.ts` then gives them
 * the same object of headers, and this looks up by it. Nothing may be kept so that can change meanwhile:
 * no word of the directory, of the clock or of a body.
 */
import type { Incoming } from './incoming.ts';

export function perHead<Worked>(
  work: (headers: Incoming['headers']) => Worked,
): (headers: Incoming['headers']) => Worked {
  const known = new WeakMap<Incoming['headers'], { readonly worked: Worked }>();
  return (headers) => {
    const found = known.get(headers);
    if (found !== undefined) return found.worked;
    const worked = work(headers);
    known.set(headers, { worked });
    return worked;
  };
}
