/**
 * A text that strangers wrote. Control and direction characters are shown by their numbers, long texts
 * are cut with a way to see more; never more of it in the page than a person asked for.
 */
import { type ReactNode, useState } from 'react';
import { plural } from '../lib/measures.ts';
import { cutText, oneLine, pieces } from '../lib/visible.ts';

const CHARS_FIRST = 2_000;
const CHARS_MORE = 20_000;

export function Odd({ text }: { readonly text: string }): ReactNode {
  const name = `character ${text.slice(1, -1)}`;
  return (
    <span className="odd-char" title={`${name}, which has no look of its own`}>
      {text}
    </span>
  );
}

export function Pieces({ text }: { readonly text: string }): ReactNode {
  return pieces(text).map((piece, index) =>
    piece.kind === 'odd' ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name
      <Odd key={index} text={piece.text} />
    ) : (
      piece.text
    ),
  );
}

export function Text({
  text,
  className = '',
}: {
  readonly text: string;
  readonly className?: string;
}): ReactNode {
  const [charsMax, setCharsMax] = useState(CHARS_FIRST);
  const shown = cutText(text, charsMax);
  const left = text.length - shown.length;
  return (
    <span className={className}>
      <bdi className="whitespace-pre-wrap">
        <Pieces text={shown} />
      </bdi>
      {left > 0 && <ShowMore left={left} onMore={() => setCharsMax(charsMax + CHARS_MORE)} />}
    </span>
  );
}

/** Of a list: one line, cut by the width; the whole beginning on hover. */
export function Line({
  text,
  className = '',
}: {
  readonly text: string;
  readonly className?: string;
}): ReactNode {
  const line = oneLine(cutText(text, 300));
  return (
    <bdi className={`block truncate ${className}`} title={line}>
      {line}
    </bdi>
  );
}

export function ShowMore({
  left,
  onMore,
}: {
  readonly left: number;
  readonly onMore: () => void;
}): ReactNode {
  return (
    <button type="button" className="link ml-2 text-sm" onClick={onMore}>
      … show more ({plural(left, 'character')} left)
    </button>
  );
}
