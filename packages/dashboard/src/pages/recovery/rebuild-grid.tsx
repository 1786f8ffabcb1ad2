/** Rows and cells. Only those in sight are in the page; on a phone each row is a card. */
import { type CSSProperties, type ReactNode, useEffect, useRef, useState } from 'react';
import type { Answer } from '../../api/client.ts';
import { moved } from '../../lib/keys.ts';
import { oneLine } from '../../lib/visible.ts';
import { useKeys } from '../../shell/keyboard.tsx';
import { Badge, type BadgeTone } from '../../ui/badge.tsx';
import { Line, Text } from '../../ui/text.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';
import { RowDialog } from './rebuild-row.tsx';

type Rebuild = Answer<'rebuilds.show'>;
export type Row = Answer<'rebuilds.rows'>['items'][number];
type Cell = Row['cells'][number];

const ROW_PX = 62;

const TONES: Readonly<Record<Row['state'], BadgeTone>> = {
  READY: 'ok',
  CONFLICT: 'danger',
  INCOMPLETE: 'warn',
  EXISTS: 'plain',
  LEFT_OUT: 'plain',
};
const STATE_WORDS: Readonly<Record<Row['state'], string>> = {
  READY: 'ready',
  CONFLICT: 'conflict',
  INCOMPLETE: 'incomplete',
  EXISTS: 'there already',
  LEFT_OUT: 'left out',
};

export function RowState({ state }: Pick<Row, 'state'>): ReactNode {
  return <Badge tone={TONES[state]}>{STATE_WORDS[state]}</Badge>;
}

export function RebuildGrid({
  rebuild,
  rows,
  hasMore,
  onEnd,
}: {
  readonly rebuild: Rebuild;
  readonly rows: readonly Row[];
  readonly hasMore: boolean;
  readonly onEnd: () => void;
}): ReactNode {
  const columns = rebuild.columns.map(({ name }) => name);
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState<{ readonly key: string; readonly column: string } | null>(null);
  const move = (by: number): void => setAt((now) => moved(now, by, columns.length));
  const [left, right] = [() => move(-1), () => move(1)];
  useKeys({ ArrowLeft: left, ArrowRight: right });
  // Custom properties are no part of the type.
  const wide: CSSProperties & Readonly<Record<'--columns', string>> = {
    '--columns': `minmax(7rem, 1fr) 7.5rem repeat(${columns.length}, minmax(0, 1.4fr))`,
  };
  const openCell = (row: Row, column: string): void => setOpen({ key: row.key, column });
  return (
    <div style={wide}>
      <div
        aria-hidden="true"
        className="hidden gap-1 border-b border-line-strong px-1 pb-1.5 text-[0.82rem] font-medium text-muted md:grid md:grid-cols-(--columns)"
      >
        <span>row</span>
        <span>state</span>
        {columns.map((name) => (
          <Line key={name} text={name} className="px-1.5" />
        ))}
      </div>
      <VirtualList
        label="Rows of the rebuild"
        items={rows}
        keyOf={(row) => row.key}
        rowPx={ROW_PX}
        withArrows
        hasMore={hasMore}
        onEnd={onEnd}
        onOpen={(row) => openCell(row, columns[at] ?? '')}
        row={(row, isChosen) => (
          <RowView
            row={row}
            chosen={isChosen ? (columns[at] ?? null) : null}
            onOpen={(column) => {
              setAt(Math.max(0, columns.indexOf(column)));
              openCell(row, column);
            }}
          />
        )}
      />
      {open !== null && (
        <RowDialog
          rebuild={rebuild}
          rowKey={open.key}
          column={open.column}
          onColumn={(column) => setOpen({ key: open.key, column })}
          onClose={() => setOpen(null)}
        />
      )}
    </div>
  );
}

function RowView({
  row,
  chosen,
  onOpen,
}: {
  readonly row: Row;
  /** The cell of it that the keyboard is at; null: it is at another row. */
  readonly chosen: string | null;
  readonly onOpen: (column: string) => void;
}): ReactNode {
  return (
    <div className="grid grid-cols-2 items-stretch gap-1 px-1 py-2 md:grid-cols-(--columns) md:py-1">
      <span className="self-center font-mono text-[0.87rem]">
        <Text text={row.key} className="wrap-anywhere" />
      </span>
      <span className="flex flex-wrap items-center gap-1 self-center justify-self-end md:justify-self-start">
        <RowState state={row.state} />
        {row.was !== row.state && (
          <span className="text-[0.78rem] text-muted">was {STATE_WORDS[row.was]}</span>
        )}
      </span>
      {row.cells.map((cell) => (
        <CellView
          key={cell.column}
          row={row.key}
          cell={cell}
          isChosen={chosen === cell.column}
          onOpen={() => onOpen(cell.column)}
        />
      ))}
      {row.reasons.length > 0 && (
        <Text
          text={row.reasons.join('; ')}
          className="col-span-full px-1.5 text-[0.82rem] text-warn"
        />
      )}
    </div>
  );
}

const LOOKS: Readonly<Record<Cell['state'], string>> = {
  agreed: '',
  constant: '',
  empty: 'text-muted',
  missing: 'bg-warn-soft text-warn',
  conflict: 'bg-danger-soft text-danger',
  unbacked: 'bg-warn-soft text-warn',
  suggested: 'bg-warn-soft text-warn',
  chosen: 'bg-ok-soft',
};

function CellView({
  row,
  cell,
  isChosen,
  onOpen,
}: {
  readonly row: string;
  readonly cell: Cell;
  readonly isChosen: boolean;
  readonly onOpen: () => void;
}): ReactNode {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isChosen) button.current?.focus({ preventScroll: true });
  }, [isChosen]);
  const { words, from } = cellWords(cell);
  return (
    <button
      ref={button}
      type="button"
      tabIndex={isChosen ? 0 : -1}
      aria-label={oneLine(`${cell.column} of ${row}: ${words}, ${from}`)}
      onClick={onOpen}
      className={`grid min-h-11 min-w-0 content-center rounded-md px-1.5 text-left hover:outline hover:outline-line-strong ${LOOKS[cell.state]} ${isChosen ? 'outline-2 outline-accent' : ''}`}
    >
      <span className="text-[0.75rem] text-muted md:hidden">{oneLine(cell.column)}</span>
      <Line text={words} className={cell.state === 'conflict' ? 'font-semibold' : ''} />
      <Line text={from} className="text-[0.75rem] opacity-85" />
    </button>
  );
}

/** What it is, and who says so, or why it is not known. */
function cellWords({ options, sources, state, value }: Cell): { words: string; from: string } {
  const said = value ?? '—';
  const who = sources.join(', ');
  switch (state) {
    case 'conflict':
      return { words: `▲ ${options} say otherwise`, from: 'decide' };
    case 'missing':
      return { words: '● missing', from: options === 0 ? 'nobody says it' : 'not readable' };
    case 'unbacked':
      return { words: `● ${said}`, from: `${who || 'mail'} only: no payment backs it` };
    case 'suggested':
      return { words: `● ${said}`, from: `${who || 'a record'}, suggested only` };
    case 'chosen':
      return { words: `✓ ${value ?? 'nothing'}`, from: who === '' ? 'chosen' : `chosen · ${who}` };
    case 'constant':
      return { words: said, from: 'as the mapping says' };
    case 'empty':
      return { words: '—', from: 'left to the table' };
    case 'agreed':
      return { words: said, from: who };
    default:
      return state satisfies never;
  }
}
