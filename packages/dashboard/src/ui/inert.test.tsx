import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { Code } from './code.tsx';
import { Line, Text } from './text.tsx';

const HOSTILE = '<script>alert(1)</script>\u202e"\u0000\' onload=x';

describe('what strangers wrote, on the page', () => {
  it.each([
    ['a text', <Text key="a" text={HOSTILE} />],
    ['a line', <Line key="b" text={HOSTILE} />],
    ['a statement', <Code key="c" text={HOSTILE} label="statement" />],
  ])('%s holds no element and no odd character of theirs', (_story, element) => {
    const html = renderToStaticMarkup(element);
    expect(html).not.toContain('<script');
    for (const char of ['\u202e', '\u0000']) expect(html).not.toContain(char);
    expect(html).toContain('⟨U+202E⟩');
    expect(html).toContain('&lt;');
  });

  it('puts no more than a beginning of 10 MB into the page, and says how much is left', () => {
    const text = 'x'.repeat(10 * 1024 * 1024);
    for (const element of [
      <Text key="a" text={text} />,
      <Code key="b" text={text} label="statement" />,
    ]) {
      const html = renderToStaticMarkup(element);
      expect(html.length).toBeLessThan(20_000);
      expect(html).toMatch(/show more.*characters left/);
    }
  });
});
