/**
 * One row, cell by cell: every candidate beside the record that says it, to choose from. What goes against a
 * payment, or is backed by none, is taken only with a reason; an amount cannot be typed.
 */
import { type InfiniteData, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask, type Body } from '../../api/client.ts';
import { rebuildQuery, rebuildRowQuery } from '../../api/queries.ts';
import { plural } from '../../lib/measures.ts';
import { useMay } from '../../shell/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';
import { RowState } from './rebuild-grid.tsx';
import { RecordView } from './rebuild-record.tsx';

type Rebuild = Answer<'rebuilds.show'>;
type Row = Answer<'rebuilds.row'>;
type Cell = Row['cells'][number];
type Option = Cell['options'][number];
type Choice = Body<'rebuilds.decide'>['decisions'][number]['choice'];
type Pages = InfiniteData<Answer<'rebuilds.rows'>, string | null>;

/** Shorter is no reason (REBUILD_WHY_CHARS_MIN). */
const WHY_CHARS_MIN = 8;
const WHY_CHARS_MAX = 300;

export interface RowDialogProps {
  readonly rebuild: Rebuild;
  readonly rowKey: string;
  readonly column: string;
  readonly onColumn: (column: string) => void;
  readonly onClose: () => void;
}

export function RowDialog(props: RowDialogProps): ReactNode {
  const { rebuild, rowKey, column, onColumn, onClose } = props;
  const queries = useQueryClient();
  const query = useQuery(rebuildRowQuery(rebuild.id, rowKey));
  const [why, setWhy] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const decide = async (row: Row, choice: Choice): Promise<void> => {
    setIsBusy(true);
    setError(null);
    const params = { id: rebuild.id };
    try {
      const body = { decisions: [{ row: row.key, choice }], seen: row.choices };
      const next = await ask('rebuilds.decide', { params, body });
      queries.setQueryData(rebuildQuery(rebuild.id).queryKey, next);
      const shown = await ask('rebuilds.row', { params, query: { key: row.key } });
      queries.setQueryData(rebuildRowQuery(rebuild.id, rowKey).queryKey, shown);
      queries.setQueriesData<Pages>({ queryKey: ['rebuilds', 'rows', rebuild.id] }, (pages) =>
        withRow(pages, shown),
      );
      setWhy('');
      const isDone = shown.state !== 'CONFLICT' && shown.state !== 'INCOMPLETE';
      say(isDone ? `${row.key} is decided.` : 'Taken. There is more to decide in this row.');
      const open = shown.cells.find(({ state }) => OPEN.has(state));
      if (isDone) onClose();
      else if (open !== undefined) onColumn(open.column);
    } catch (caught) {
      setError(caught);
      void query.refetch();
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <Dialog title={`Row ${rowKey}`} onClose={onClose} wide>
      <Loaded query={query} what="the row">
        {(row) => (
          <>
            <RowAbout
              row={row}
              isBusy={isBusy}
              why={why}
              onChoice={(one) => void decide(row, one)}
            />
            <Tabs
              label="Which cell"
              value={row.cells.some((one) => one.column === column) ? column : ''}
              onChange={(next) => {
                setError(null);
                onColumn(next);
              }}
              tabs={row.cells.map((cell) => ({ id: cell.column, label: <CellTab cell={cell} /> }))}
            >
              {row.cells
                .filter((cell) => cell.column === column)
                .map((cell) => (
                  <CellChoices
                    key={cell.column}
                    rebuild={rebuild}
                    row={row}
                    cell={cell}
                    why={why}
                    onWhy={setWhy}
                    isBusy={isBusy}
                    onChoice={(one) => void decide(row, one)}
                  />
                ))}
            </Tabs>
            {error !== null && <ProblemNote error={error} />}
            <DialogButtons>
              <LeaveOut row={row} isBusy={isBusy} onChoice={(one) => void decide(row, one)} />
              <Button onClick={onClose}>Close</Button>
            </DialogButtons>
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

const OPEN: ReadonlySet<Cell['state']> = new Set(['conflict', 'missing', 'unbacked', 'suggested']);

/** In the lists that are in the page already, so that none of them is asked for anew. */
function withRow(pages: Pages | undefined, row: Row): Pages | undefined {
  if (pages === undefined) return pages;
  const { cells, key, reasons, state, was } = row;
  const line = {
    ...{ key, state, was },
    cells: cells.map(({ column, options, sources, state: cellState, value }) => ({
      ...{ column, sources, value },
      state: cellState,
      options: options.length,
    })),
    reasons: reasons.filter(({ accepted }) => accepted === null).map(({ says }) => says),
  };
  return {
    ...pages,
    pages: pages.pages.map((page) => ({
      ...page,
      items: page.items.map((one) => (one.key === key ? line : one)),
    })),
  };
}

function CellTab({ cell }: { readonly cell: Cell }): ReactNode {
  return (
    <>
      <Text text={cell.column} />
      {OPEN.has(cell.state) && <span className="text-danger"> ▲</span>}
      {cell.state === 'chosen' && <span className="text-ok"> ✓</span>}
    </>
  );
}

interface ChoosingProps {
  readonly isBusy: boolean;
  readonly onChoice: (choice: Choice) => void;
}

function RowAbout({
  row,
  why,
  isBusy,
  onChoice,
}: ChoosingProps & { readonly row: Row; readonly why: string }): ReactNode {
  return (
    <div className="grid gap-2">
      <p className="flex flex-wrap items-center gap-2">
        <RowState state={row.state} />
        {row.leftOut !== null && <Text text={row.leftOut} className="text-muted" />}
      </p>
      {row.reasons.map((reason) => (
        <div key={reason.code} className="grid gap-2 rounded-lg border border-line p-3">
          <div className="flex flex-wrap items-center justify-between gap-2">
            <Text text={reason.says} className="min-w-0 flex-1 basis-60 font-medium" />
            {reason.accepted === null ? (
              <Accept reason={reason} why={why} isBusy={isBusy} onChoice={onChoice} />
            ) : (
              <Badge tone="ok">looked at</Badge>
            )}
          </div>
          {reason.records.map((record) => (
            <RecordView key={`${record.source} ${record.file} ${record.record}`} record={record} />
          ))}
        </div>
      ))}
    </div>
  );
}

function Accept({
  reason: { code, wantsWhy },
  why,
  isBusy,
  onChoice,
}: ChoosingProps & {
  readonly reason: Row['reasons'][number];
  readonly why: string;
}): ReactNode {
  const may = useMay('undo.apply');
  if (!may) return null;
  return (
    <Button
      size="small"
      disabled={wantsWhy && !isReason(why)}
      isBusy={isBusy}
      title={wantsWhy ? 'It is about money: say why below first' : ''}
      onClick={() => onChoice({ kind: 'accept', reason: code, ...whyOf(wantsWhy, why) })}
    >
      It does not hold
    </Button>
  );
}

interface CellChoicesProps extends ChoosingProps {
  readonly rebuild: Rebuild;
  readonly row: Row;
  readonly cell: Cell;
  readonly why: string;
  readonly onWhy: (why: string) => void;
}

function CellChoices(props: CellChoicesProps): ReactNode {
  const { rebuild, row, cell, why, onWhy, isBusy, onChoice } = props;
  const may = useMay('undo.apply') && row.state !== 'EXISTS';
  const kind = rebuild.columns.find(({ name }) => name === cell.column)?.kind;
  const { chosen, column, existing, nothingWantsWhy } = cell;
  const wantsWhy =
    cell.options.some((option) => option.wantsWhy) ||
    nothingWantsWhy === true ||
    row.reasons.some((reason) => reason.wantsWhy && reason.accepted === null);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
      {chosen !== null && (
        <p className="rounded-lg bg-ok-soft p-2 text-[0.93rem]">
          <span aria-hidden="true">✓ </span>
          <Text text={cell.value ?? 'nothing'} className="font-medium" />: <Text text={chosen.by} />{' '}
          {chosen.how} <Time at={chosen.at} relative />
          {chosen.why !== null && (
            <>
              . “<Text text={chosen.why} />”
            </>
          )}
        </p>
      )}
      {existing !== null && (
        <p className="text-[0.93rem] text-muted">
          There it is <Text text={existing.value ?? 'empty'} className="font-medium text-ink" />
          {existing.differs ? ', which differs. Nothing is put over it.' : ', the same.'}
        </p>
      )}
      {cell.options.length === 0 && <p className="text-muted">No source says anything of it.</p>}
      <ul className="grid grid-cols-[minmax(0,1fr)] gap-3 sm:grid-cols-2">
        {cell.options.map((option) => (
          <OptionView
            key={option.option}
            option={option}
            isTaken={option.value !== null && option.value === cell.value}
            why={why}
            isBusy={isBusy}
            {...(may
              ? {
                  onTake: () =>
                    onChoice({
                      kind: 'option',
                      column,
                      option: option.option,
                      ...whyOf(option.wantsWhy, why),
                    }),
                }
              : {})}
          />
        ))}
      </ul>
      {may && wantsWhy && (
        <Field
          label="Why, where it goes against a payment or none backs it"
          hint="Money is never invented. Everybody who signs reads this."
          maxLength={WHY_CHARS_MAX}
          value={why}
          onChange={(event) => onWhy(event.target.value)}
        />
      )}
      {may && (
        <div className="flex flex-wrap items-end gap-2">
          {kind !== undefined && kind !== 'money' && kind !== 'currency' && (
            <Typed key={column} column={column} isBusy={isBusy} onChoice={onChoice} />
          )}
          {nothingWantsWhy !== null && (
            <Button
              disabled={nothingWantsWhy && !isReason(why)}
              isBusy={isBusy}
              onClick={() => onChoice({ kind: 'nothing', column, ...whyOf(nothingWantsWhy, why) })}
            >
              There is nothing
            </Button>
          )}
          {(kind === 'money' || kind === 'currency') && (
            <p className="text-[0.82rem] text-muted">
              An amount and its currency are chosen from what sources say; they cannot be typed.
            </p>
          )}
        </div>
      )}
    </div>
  );
}

function OptionView({
  option,
  isTaken,
  why,
  isBusy,
  onTake,
}: {
  readonly option: Option;
  readonly isTaken: boolean;
  readonly why: string;
  readonly isBusy: boolean;
  /** Left out: they may not. */
  readonly onTake?: () => void;
}): ReactNode {
  const { isSuggested, kind, records, recordsTotal, unread, value, wantsWhy } = option;
  return (
    <li
      className={`grid grid-cols-[minmax(0,1fr)] content-start gap-2 rounded-lg border p-3 ${isTaken ? 'border-accent' : 'border-line'}`}
    >
      <div className="flex flex-wrap items-center gap-1.5">
        <Badge>{kind}</Badge>
        {isSuggested && <Badge tone="warn">suggested only</Badge>}
        {wantsWhy && <Badge tone="warn">wants a reason</Badge>}
      </div>
      {value === null ? (
        <Text
          text={unread === null ? 'It was empty there.' : `Not read: ${unread}`}
          className="text-muted"
        />
      ) : (
        <Text text={value} className="text-[1.05rem] font-semibold wrap-anywhere" />
      )}
      {records.map((record) => (
        <RecordView
          key={`${record.source} ${record.file} ${record.record} ${record.offset}`}
          record={record}
        />
      ))}
      {recordsTotal > records.length && (
        <p className="text-[0.82rem] text-muted">
          and {plural(recordsTotal - records.length, 'more record')} that say so
        </p>
      )}
      {onTake !== undefined && value !== null && (
        <Button
          size="small"
          tone={wantsWhy ? 'plain' : 'primary'}
          className="w-fit"
          disabled={wantsWhy && !isReason(why)}
          isBusy={isBusy}
          onClick={onTake}
        >
          Take this
        </Button>
      )}
    </li>
  );
}

function Typed({
  column,
  isBusy,
  onChoice,
}: ChoosingProps & { readonly column: string }): ReactNode {
  const [text, setText] = useState('');
  return (
    <form
      className="flex min-w-0 flex-1 flex-wrap items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (text !== '') onChoice({ kind: 'typed', column, text });
      }}
    >
      <div className="min-w-40 flex-1">
        <Field label="Or type it" value={text} onChange={(event) => setText(event.target.value)} />
      </div>
      <Button type="submit" disabled={text === ''} isBusy={isBusy}>
        Take what I typed
      </Button>
    </form>
  );
}

function LeaveOut({ row, isBusy, onChoice }: ChoosingProps & { readonly row: Row }): ReactNode {
  const may = useMay('undo.apply');
  if (!may || row.state === 'EXISTS') return null;
  return row.leftOut === null ? (
    <Button tone="danger" isBusy={isBusy} onClick={() => onChoice({ kind: 'leave-out' })}>
      Leave this row out
    </Button>
  ) : (
    <Button isBusy={isBusy} onClick={() => onChoice({ kind: 'keep' })}>
      Put this row back after all
    </Button>
  );
}

function isReason(why: string): boolean {
  return why.trim().length >= WHY_CHARS_MIN;
}

function whyOf(isWanted: boolean, why: string): { readonly why?: string } {
  return isWanted ? { why: why.trim() } : {};
}
