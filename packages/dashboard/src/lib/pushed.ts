/**
 * What is made of a message that was pushed: words of one line or a few, and a place in this dashboard. A
 * message that is not as it should be still says that there was one; an address of anybody else leads home.
 */

export interface Heard {
  readonly title: string;
  readonly body: string;
  /** A later one of the same takes its place. */
  readonly tag: string;
  /** A path of ours, with what follows it. */
  readonly place: string;
}

const TITLE_CHARS_MAX = 200;
const BODY_CHARS_MAX = 2_000;
const TAG_CHARS_MAX = 64;

export function heard(message: string, origin: string): Heard {
  const facts = factsIn(message);
  const text = (name: string, charsMax: number): string => {
    const value: unknown = Reflect.get(facts, name);
    return typeof value === 'string' ? inert(value).slice(0, charsMax) : '';
  };
  return {
    title: text('title', TITLE_CHARS_MAX) || 'Holdfast has something for you',
    body: text('body', BODY_CHARS_MAX),
    tag: text('tag', TAG_CHARS_MAX) || 'holdfast',
    place: placeOf(Reflect.get(facts, 'url'), origin),
  };
}

function factsIn(message: string): object {
  try {
    const value: unknown = JSON.parse(message);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** No letter that turns, hides or moves others; lines stay lines. */
function inert(text: string): string {
  return text.replaceAll(/\r\n?|[\u2028\u2029\u0085]/g, '\n').replaceAll(/[^\P{C}\n]/gu, '');
}

function placeOf(url: unknown, origin: string): string {
  if (typeof url !== 'string' || !URL.canParse(url, origin)) return '/';
  const { hash, href, origin: where, pathname, search } = new URL(url, origin);
  if (where !== origin || !/^https?:/.test(href) || pathname.startsWith('//')) return '/';
  return `${pathname}${search}${hash}`;
}
