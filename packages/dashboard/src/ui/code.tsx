/** A statement or an operation, highlighted: text nodes in spans, whatever it holds. */
import { type ReactNode, useMemo, useState } from 'react';
import { type Language, languageOf, tokensOf } from '../lib/highlight.ts';
import { cutText } from '../lib/visible.ts';
import { Pieces, ShowMore } from './text.tsx';

const CHARS_FIRST = 4_000;
const CHARS_MORE = 20_000;

export interface CodeProps {
  readonly text: string;
  readonly language?: Language;
  readonly label: string;
  readonly className?: string;
}

export function Code({ text, language, label, className = '' }: CodeProps): ReactNode {
  const [charsMax, setCharsMax] = useState(CHARS_FIRST);
  const shown = cutText(text, charsMax);
  const tokens = useMemo(
    () => tokensOf(shown, language ?? languageOf(text)),
    [shown, language, text],
  );
  const left = text.length - shown.length;
  return (
    <section
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
      className={`max-h-96 overflow-auto rounded-lg border border-line bg-sunken p-3 ${className}`}
    >
      <pre dir="ltr" className="font-mono text-[0.87rem] leading-relaxed whitespace-pre-wrap">
        <code>
          {tokens.map((token, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: tokens of one text have no other name
            <span key={index} className={token.kind === 'plain' ? undefined : `tok-${token.kind}`}>
              <Pieces text={token.text} />
            </span>
          ))}
        </code>
      </pre>
      {left > 0 && <ShowMore left={left} onMore={() => setCharsMax(charsMax + CHARS_MORE)} />}
    </section>
  );
}
