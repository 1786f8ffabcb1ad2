/**
 * The path of a request as segments, when it has one meaning. Routers differ on a slash at the end, on
 * empty segments, on what is escaped without need, and on bytes that are no UTF-8: a path with any of
 * these is `ambiguous`, because a catalogue cannot know which way the server reads it.
 */
import type { CouldNotTell } from '../../model/effect.ts';

export type Segments =
  | { readonly kind: 'segments'; readonly segments: readonly Segment[] }
  | { readonly kind: 'could-not-tell'; readonly reason: CouldNotTell };

export interface Segment {
  /** As it was sent: what a literal of a template is compared with. */
  readonly raw: string;
  /** Without escapes: what an id is. */
  readonly value: string;
}

/** RFC 3986 unreserved, and what encodeURIComponent leaves, and what is safe besides. Not a colon. */
const PLAIN = /^[A-Za-z0-9\-._~!*'()@$&,=]$/;
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/** `path` begins with a slash. Never throws. */
export function segmentsOf(path: string): Segments {
  if (!path.startsWith('/')) return odd('a path that begins with a slash', path);
  if (path === '/') return { kind: 'segments', segments: [] };
  const segments: Segment[] = [];
  for (const raw of path.slice(1).split('/')) {
    if (raw === '') return odd('a path without empty segments or a slash at its end', path);
    const value = unescaped(raw);
    if (value === null) return odd('a path in which only that is escaped which has to be', path);
    segments.push({ raw, value });
  }
  return { kind: 'segments', segments };
}

/** Null: it is not in the one form that everybody reads alike. */
function unescaped(raw: string): string | null {
  if (raw === '.' || raw === '..') return null;
  for (let at = 0; at < raw.length; at += 1) {
    const sign = raw.charAt(at);
    if (sign === '%') {
      const byte = Number.parseInt(raw.slice(at + 1, at + 3), 16);
      const isHex = /^[0-9A-Fa-f]{2}$/.test(raw.slice(at + 1, at + 3));
      if (!isHex || byte < 0x20 || byte === 0x7f) return null;
      // A slash or a backslash inside would be a way out; what needs no escape has one to hide.
      if (byte === 0x2f || byte === 0x5c || UNRESERVED.test(String.fromCharCode(byte))) return null;
      // Escaped twice: whoever unescapes once more than others sees another path.
      if (byte === 0x25 && /^[0-9A-Fa-f]{2}$/.test(raw.slice(at + 3, at + 5))) return null;
      at += 2;
    } else if (!PLAIN.test(sign)) {
      return null;
    }
  }
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}

function odd(expected: string, path: string): Segments {
  const message = `Expected ${expected}, found ${path.slice(0, 100)}.`;
  return { kind: 'could-not-tell', reason: { code: 'ambiguous', message, position: null } };
}
