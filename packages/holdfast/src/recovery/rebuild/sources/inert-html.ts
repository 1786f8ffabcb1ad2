/**
 * The text of an HTML mail, for facts and snippets: tags go, scripts and styles with what is in them, and
 * a block ends a line. One pass, whatever the input; nothing is fetched and nothing is run.
 *
 * It will not tell what a reader would have seen: text that a style hides is text here.
 */

const SKIPPED: readonly string[] = ['script', 'style', 'template', 'title', 'head', 'noscript'];
const BLOCKS: readonly string[] = [
  ...['p', 'br', 'div', 'tr', 'li', 'ul', 'ol', 'table', 'hr', 'blockquote', 'pre', 'section'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
];
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  euro: '€',
  pound: '£',
  yen: '¥',
};

export function inertHtml(html: string): string {
  const parts: string[] = [];
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at);
    if (open < 0) {
      parts.push(html.slice(at));
      break;
    }
    parts.push(html.slice(at, open).replaceAll(/\s+/g, ' '));
    const tag = tagAt(html, open);
    if (tag === null) {
      parts.push('<');
      at = open + 1;
      continue;
    }
    parts.push(BLOCKS.includes(tag.name) ? '\n' : tag.name === 'td' ? ' ' : '');
    at = tag.isOpening && SKIPPED.includes(tag.name) ? endOf(html, tag.name, tag.end) : tag.end;
  }
  return decoded(parts.join(''))
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** Null: no tag begins here. One that does not end takes the rest with it. */
function tagAt(
  html: string,
  open: number,
): { name: string; isOpening: boolean; end: number } | null {
  if (html.startsWith('<!--', open)) {
    const end = html.indexOf('-->', open + 4);
    return { name: '', isOpening: false, end: end < 0 ? html.length : end + 3 };
  }
  const match = /^<(\/?)([a-zA-Z][a-zA-Z0-9]{0,20})|^<[!?]/.exec(html.slice(open, open + 24));
  if (match === null) return null;
  const end = html.indexOf('>', open);
  return {
    name: (match[2] ?? '').toLowerCase(),
    isOpening: match[1] === '',
    end: end < 0 ? html.length : end + 1,
  };
}

function endOf(html: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}`, 'gi');
  closing.lastIndex = from;
  const match = closing.exec(html);
  return match === null ? html.length : match.index;
}

function decoded(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,5}));/g,
    (whole, ...found) => {
      const [decimal, hex, name]: unknown[] = found;
      if (typeof name === 'string') return ENTITIES[name] ?? whole;
      const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
