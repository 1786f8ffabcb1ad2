/**
 * A long list of rows, of which only those in sight are in the page. The window scrolls, not a box in it,
 * so that a phone behaves like a phone. j and k move, Enter opens; the row that is chosen is told by
 * `aria-current`, and how many there are by `aria-setsize`.
 */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { moved } from '../lib/keys.ts';
import { useKeys } from '../shell/keyboard.tsx';

export interface VirtualListProps<T> {
  readonly label: string;
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  /** What a row is before it is measured, in pixels. */
  readonly rowPx: number;
  readonly row: (item: T, isChosen: boolean) => ReactNode;
  readonly onOpen?: (item: T) => void;
  /** The end came in sight. */
  readonly onEnd?: () => void;
  readonly hasMore?: boolean;
  /** Up and down move, too: in a grid, where left and right do. */
  readonly withArrows?: boolean;
}

export function VirtualList<T>(props: VirtualListProps<T>): ReactNode {
  const {
    label,
    items,
    keyOf,
    rowPx,
    row,
    onOpen,
    onEnd,
    hasMore = false,
    withArrows = false,
  } = props;
  const list = useRef<HTMLUListElement>(null);
  // By its key: what comes in above it must not put another one in its place.
  const [chosenKey, setChosenKey] = useState<string | null>(null);
  const chosen = chosenKey === null ? -1 : items.findIndex((item) => keyOf(item) === chosenKey);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const place = (list.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    if (Math.abs(place - top) > 1) setTop(place);
  });
  const virtual = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => rowPx,
    overscan: 8,
    scrollMargin: top,
    getItemKey: (index) => {
      const item = items[index];
      return item === undefined ? index : keyOf(item);
    },
  });
  const shown = virtual.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    if (hasMore && lastShown >= items.length - 12) onEnd?.();
  }, [hasMore, lastShown, items.length, onEnd]);
  const move = (by: number): void => {
    const next = moved(chosen, by, items.length);
    const item = items[next];
    setChosenKey(item === undefined ? null : keyOf(item));
    if (next >= 0) virtual.scrollToIndex(next, { align: 'auto' });
  };
  const open = (): void => {
    const item = items[chosen];
    // A link or a button that has the focus takes Enter itself.
    const takesIt = document.activeElement?.matches('a, button, summary') ?? false;
    if (item !== undefined && !takesIt) onOpen?.(item);
  };
  const [down, up] = [() => move(1), () => move(-1)];
  const arrows = withArrows ? { ArrowDown: down, ArrowUp: up } : {};
  useKeys({ j: down, k: up, Enter: open, ...arrows });
  return (
    <ul
      ref={list}
      aria-label={label}
      className="relative"
      style={{ height: virtual.getTotalSize() }}
    >
      {shown.map(({ index, key, start }) => {
        const item = items[index];
        if (item === undefined) return null;
        return (
          <li
            key={key}
            data-index={index}
            ref={virtual.measureElement}
            aria-setsize={hasMore ? -1 : items.length}
            aria-posinset={index + 1}
            aria-current={index === chosen ? 'true' : undefined}
            className="absolute inset-x-0 top-0 border-b border-line aria-[current]:bg-accent-soft"
            style={{ transform: `translateY(${start - top}px)` }}
          >
            {row(item, index === chosen)}
          </li>
        );
      })}
    </ul>
  );
}
