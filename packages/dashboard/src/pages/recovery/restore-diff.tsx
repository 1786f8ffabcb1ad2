/** What differs between a restored copy and the live target; what of it to write back, in numbers first. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { countWords, plural } from '../../lib/measures.ts';
import { useMay } from '../../shell/session.ts';
import { Button } from '../../ui/button.tsx';
import { Select } from '../../ui/field.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { say } from '../../ui/toast.tsx';
import { type Attempt, useAttempt } from '../../ui/use-attempt.ts';
import {
  type Choice,
  keyName,
  type Row,
  type Table,
  tableName,
  toggled,
  wordsOf,
} from './choice.ts';

type Ready = Extract<Answer<'restores.show'>['standing'], { state: 'ready' }>;
type Diff = Extract<NonNullable<Ready['diff']>, { state: 'done' }>['result'];
type Preview = Answer<'restores.preview'>;

interface DiffProps {
  readonly target: string;
  readonly id: string;
  readonly ready: Ready;
}

export function DiffStep({ id, ready, target }: DiffProps): ReactNode {
  const queries = useQueryClient();
  const attempt = useAttempt();
  const { diff, goal } = ready;
  const compare = (): void =>
    void attempt.run(async () => {
      await ask('restores.diff', { params: { target, id } });
      await queries.invalidateQueries({ queryKey: ['recovery', 'restore', target, id] });
    });
  return (
    <>
      {diff?.state === 'running' && (
        <p role="status" className="tabular-nums">
          {diff.progress === null
            ? 'It is about to be compared.'
            : `Comparing: ${diff.progress.tablesDone} of ${plural(diff.progress.tablesTotal, 'table')}, ${plural(diff.progress.rows, 'row')} so far.`}
        </p>
      )}
      {diff?.state === 'failed' && (
        <p role="alert" className="text-danger">
          <span aria-hidden="true">▲ </span>
          It could not be compared: <Text text={diff.found} />. <Text text={diff.hint} />{' '}
          <span className="font-mono text-[0.8rem]">{diff.code}</span>
        </p>
      )}
      {diff?.state === 'done' && (
        <Choosing
          key={diff.at}
          {...{ target, id }}
          diff={diff.result}
          isPromotable={goal.at !== null || goal.lsn !== null}
        />
      )}
      {attempt.error !== null && <ProblemNote error={attempt.error} />}
      {diff?.state !== 'running' && (
        <p>
          <Button
            tone={diff === null ? 'primary' : 'plain'}
            isBusy={attempt.busy}
            onClick={compare}
          >
            {diff === null ? 'Compare with the live one' : 'Compare again'}
          </Button>
        </p>
      )}
    </>
  );
}

interface ChoosingProps {
  readonly target: string;
  readonly id: string;
  readonly diff: Diff;
  readonly isPromotable: boolean;
}

function Choosing({ diff, id, isPromotable, target }: ChoosingProps): ReactNode {
  const queries = useQueryClient();
  const mayWrite = useMay('undo.apply');
  const mayPropose = useMay('proposals.open');
  const attempt = useAttempt();
  const [choice, setChoice] = useState<Choice>({
    tables: [],
    rows: [],
    changed: 'keep',
    extra: 'keep',
  });
  const [preview, setPreview] = useState<Preview | null>(null);
  const choose = (next: Choice): void => {
    setChoice(next);
    setPreview(null);
  };
  const words = wordsOf(choice, diff.tables);
  const isPartial = words.tables.some(({ keys }) => keys !== null);
  const isAllKeys = words.tables.every(({ keys }) => keys !== null);
  // Whole tables only put rows in again without others; what sets back or deletes them takes several people.
  const canWrite = isAllKeys || (choice.changed === 'keep' && choice.extra === 'keep');
  const look = (): void =>
    void attempt.run(async () => {
      setPreview(await ask('restores.preview', { params: { target, id }, body: words }));
    });
  const write = (): void =>
    void attempt.run(async () => {
      const report = await ask('restores.write-back', { params: { target, id }, body: words });
      const rows = report.tables.reduce(
        (sum, one) => sum + one.inserted + one.setBack + one.deleted,
        0,
      );
      say(`${plural(rows, 'row')} written back. It can be taken back under Undo.`);
      setPreview(null);
      await queries.invalidateQueries({ queryKey: ['recovery', 'restore', target, id] });
    });
  const propose = (): void =>
    void attempt.run(async () => {
      const tables = words.tables.map(({ name, schema }) => ({ schema, name }));
      const { changed, extra } = choice;
      await ask('restores.promotion', { params: { target, id }, body: { tables, changed, extra } });
      say('It is proposed. Others sign it under Holds, Proposals.');
      await queries.invalidateQueries({ queryKey: ['proposals'] });
    });
  return (
    <div className="grid gap-3">
      <DiffWords diff={diff} />
      {diff.tables.length > 0 && (
        // Nothing changes while an answer to what was chosen is under way: what is written is what was previewed.
        <fieldset className="grid gap-2" disabled={attempt.busy}>
          <legend className="mb-1 font-medium">What to write back</legend>
          {diff.tables.map((table) => (
            <TableChoice key={keyName(table, [])} {...{ table, choice }} onChoose={choose} />
          ))}
          <div className="grid gap-2 sm:grid-cols-2">
            <Select
              label="Rows that have other values now"
              value={choice.changed}
              onChange={({ target: { value } }) =>
                choose({ ...choice, changed: value === 'set-back' ? 'set-back' : 'keep' })
              }
            >
              <option value="keep">keep them as they are now</option>
              <option value="set-back">set them back</option>
            </Select>
            <Select
              label="Rows that came since"
              value={choice.extra}
              onChange={({ target: { value } }) =>
                choose({ ...choice, extra: value === 'delete' ? 'delete' : 'keep' })
              }
            >
              <option value="keep">keep them</option>
              <option value="delete">delete them</option>
            </Select>
          </div>
          <p>
            <Button isBusy={attempt.busy} disabled={words.tables.length === 0} onClick={look}>
              Preview
            </Button>
          </p>
        </fieldset>
      )}
      {preview !== null && (
        <PreviewView
          preview={preview}
          attempt={attempt}
          onWrite={mayWrite && canWrite ? write : null}
          onPropose={mayPropose && !isPartial && isPromotable ? propose : null}
          why={whyNot({ canWrite, isPartial, isPromotable })}
        />
      )}
      {attempt.error !== null && <ProblemNote error={attempt.error} />}
    </div>
  );
}

function whyNot(of: {
  readonly canWrite: boolean;
  readonly isPartial: boolean;
  readonly isPromotable: boolean;
}): string {
  if (of.isPartial)
    return 'Chosen rows are written back as one act, which can be taken back under Undo.';
  if (!of.isPromotable)
    return 'All the WAL there was is no moment that people could sign: restore at a moment to propose whole tables.';
  if (!of.canWrite)
    return 'To set back or delete rows of whole tables, several people have to sign.';
  return 'Missing rows are put in again as one act; or propose it, and others sign.';
}

function DiffWords({ diff }: { readonly diff: Diff }): ReactNode {
  const isSame = diff.structureTotal === 0 && diff.loneTotal === 0 && diff.tablesTotal === 0;
  return (
    <section aria-label="What differs" className="grid gap-1 text-[0.93rem]">
      <p className="font-medium">
        {isSame ? 'Nothing differs.' : 'What differs'}{' '}
        <span className="font-normal text-muted">
          {plural(diff.equalTables, 'table')} with {plural(diff.equalRows, 'row')} are the same.
        </span>
      </p>
      <ul className="list-disc pl-5">
        {diff.structure.map(({ kind, live, name, of, restored }) => (
          <li key={`${kind} ${of} ${name}`}>
            <Text text={`${kind} ${name} of ${of}`} />{' '}
            {restored === null ? 'came since' : live === null ? 'is gone' : 'was changed'}
          </li>
        ))}
        {diff.structureTotal > diff.structure.length && (
          <li>
            and {countWords(diff.structureTotal - diff.structure.length)} more of the structure
          </li>
        )}
        {diff.lone.map(({ name, rows, schema, side }) => (
          <li key={`${schema}.${name}`}>
            <Text text={`${schema}.${name}`} className="font-mono" />{' '}
            {side === 'live' ? 'is only in the live one' : 'is gone from the live one'},{' '}
            {plural(rows, 'row')}
          </li>
        ))}
        {diff.loneTotal > diff.lone.length && (
          <li>and {countWords(diff.loneTotal - diff.lone.length)} more tables on one side only</li>
        )}
        {diff.tablesTotal > diff.tables.length && (
          <li>
            {countWords(diff.tablesTotal - diff.tables.length)} more tables differ, not listed
          </li>
        )}
      </ul>
    </section>
  );
}

interface TableChoiceProps {
  readonly table: Table;
  readonly choice: Choice;
  readonly onChoose: (choice: Choice) => void;
}

function TableChoice({ choice, onChoose, table }: TableChoiceProps): ReactNode {
  const { rows } = table;
  const name = tableName(table);
  const canChoose = rows !== null && table.key.length > 0;
  const own = keyName(table, []);
  const isWhole = choice.tables.includes(own);
  return (
    <div className="grid gap-1 rounded-lg border border-line p-3">
      <label className="flex items-start gap-2">
        <input
          type="checkbox"
          className="mt-1"
          disabled={!canChoose}
          checked={isWhole}
          onChange={() => onChoose({ ...choice, tables: toggled(choice.tables, own) })}
        />
        <span>
          <Text text={name} className="font-mono font-medium" />{' '}
          {rows === null ? (
            <span className="text-muted">
              {plural(table.restoredRows, 'row')} then, {plural(table.liveRows, 'row')} now
            </span>
          ) : (
            <span>
              {plural(rows.missing, 'row')} missing, {countWords(rows.changed)} changed,{' '}
              {countWords(rows.extra)} came since
            </span>
          )}
        </span>
      </label>
      {!canChoose && (
        <p className="text-[0.87rem] text-muted">
          It has no primary key, so its rows cannot be told apart, nor written back one by one.
        </p>
      )}
      {canChoose && !isWhole && <RowChoice {...{ table, choice, onChoose }} rows={rows} />}
    </div>
  );
}

function RowChoice({
  choice,
  onChoose,
  rows,
  table,
}: TableChoiceProps & { readonly rows: NonNullable<Table['rows']> }): ReactNode {
  const listed: readonly (readonly [words: string, keys: readonly Row[], total: number])[] = [
    ['missing', rows.missingKeys, rows.missing],
    ['changed', rows.changedKeys, rows.changed],
    ['came since', rows.extraKeys, rows.extra],
  ];
  return (
    <details>
      <summary className="cursor-pointer text-[0.87rem] text-muted">Only some of its rows</summary>
      {listed.map(([words, keys, total]) =>
        keys.length === 0 ? null : (
          <fieldset key={words} className="mt-2">
            <legend className="text-[0.87rem]">
              {words}
              {total > keys.length && `, the first ${keys.length} of ${countWords(total)}`}
            </legend>
            <div className="flex flex-wrap gap-x-4 gap-y-1">
              {keys.map((key) => {
                const id = keyName(table, key);
                return (
                  <label key={id} className="flex items-center gap-1.5">
                    <input
                      type="checkbox"
                      disabled={key.includes(null)}
                      checked={choice.rows.includes(id)}
                      onChange={() => onChoose({ ...choice, rows: toggled(choice.rows, id) })}
                    />
                    <Text
                      text={key.map((part) => part ?? 'null').join(', ')}
                      className="font-mono"
                    />
                  </label>
                );
              })}
            </div>
          </fieldset>
        ),
      )}
    </details>
  );
}

interface PreviewProps {
  readonly preview: Preview;
  readonly attempt: Attempt;
  readonly onWrite: (() => void) | null;
  readonly onPropose: (() => void) | null;
  readonly why: string;
}

function PreviewView({ attempt, onPropose, onWrite, preview, why }: PreviewProps): ReactNode {
  const { notes, tables, wouldFail } = preview;
  return (
    <section aria-label="Preview" className="grid gap-2 rounded-lg bg-sunken p-3">
      <ul>
        {tables.map(({ conflicts, deleted, extraKept, inserted, name, schema, setBack }) => (
          <li key={`${schema}.${name}`}>
            <Text text={`${schema}.${name}`} className="font-mono font-medium" />:{' '}
            {plural(inserted, 'row')} put in again, {countWords(setBack)} set back,{' '}
            {countWords(deleted)} deleted; {countWords(conflicts)} with other values and{' '}
            {countWords(extraKept)} that came since are kept
          </li>
        ))}
      </ul>
      {wouldFail.length > 0 && (
        <div role="alert" className="text-danger">
          <p className="font-medium">
            <span aria-hidden="true">▲ </span>It would be refused, and nothing written:
          </p>
          <ul className="list-disc pl-5">
            {wouldFail.map((sentence) => (
              <li key={sentence}>
                <Text text={sentence} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {notes.length > 0 && (
        <ul className="list-disc pl-5 text-[0.9rem] text-muted">
          {notes.map((note) => (
            <li key={note}>
              <Text text={note} />
            </li>
          ))}
        </ul>
      )}
      <p className="text-[0.87rem] text-muted">{why}</p>
      {wouldFail.length === 0 && (
        <div className="flex flex-wrap gap-2">
          {onWrite !== null && (
            <Button tone="primary" isBusy={attempt.busy} onClick={onWrite}>
              Write back
            </Button>
          )}
          {onPropose !== null && (
            <Button isBusy={attempt.busy} onClick={onPropose}>
              Propose it
            </Button>
          )}
        </div>
      )}
    </section>
  );
}
