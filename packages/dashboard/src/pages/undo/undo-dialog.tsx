/** Taking one act back: first what that would do, row by row where something stands against it, then one click. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask, type Body } from '../../api/client.ts';
import { plural } from '../../lib/measures.ts';
import { useMay } from '../../shell/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/code.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Diff } from '../../ui/diff.tsx';
import { Select } from '../../ui/field.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { say } from '../../ui/toast.tsx';

type Item = Answer<'undo.list'>['items'][number];
type Report = Answer<'undo.preview'>;
type Decisions = NonNullable<Body<'undo.preview'>['decisions']>;

export function UndoDialog({
  item,
  isListed,
  onClose,
}: {
  readonly item: Item;
  /** False: it left the list while this is open; somebody else was quicker. */
  readonly isListed: boolean;
  readonly onClose: () => void;
}): ReactNode {
  const queries = useQueryClient();
  const may = useMay('undo.apply');
  const [decisions, setDecisions] = useState<Decisions>([]);
  const [isApplying, setIsApplying] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wish = { ids: [item.id], decisions };
  const query = useQuery({
    queryKey: ['undo', 'preview', item.id, decisions],
    queryFn: ({ signal }) => ask('undo.preview', { body: wish, signal }),
    placeholderData: (before) => before,
  });
  const apply = async (): Promise<void> => {
    setIsApplying(true);
    setError(null);
    try {
      const { applied } = await ask('undo.apply', { body: wish });
      say(
        applied ? 'Taken back.' : 'Nothing was changed: conflicts are not decided yet.',
        !applied,
      );
      if (applied) onClose();
    } catch (caught) {
      setError(caught);
    } finally {
      setIsApplying(false);
      void queries.invalidateQueries({ queryKey: ['undo'] });
    }
  };
  const decide = (conflict: Report['conflicts'][number], choice: string): void => {
    const found = conflict.choices.find((one) => one === choice);
    if (found === undefined) return;
    const others = decisions.filter(
      (one) => one.table !== conflict.table || one.key !== conflict.key,
    );
    setDecisions([...others, { table: conflict.table, key: conflict.key, choice: found }]);
  };
  const canApply = may && isListed && item.state === 'kept';
  const lastWords = (undecided: number): string => {
    if (!isListed)
      return 'It was taken back meanwhile, or its time is over. Nothing is left to do.';
    if (item.state === 'undone') {
      return 'It was taken back already. To do it again, take back the act that took it back.';
    }
    if (item.state !== 'kept') return `It is ${item.state}: it cannot be taken back from here.`;
    if (!may) return 'You may see this, not take it back. An owner or an operator may.';
    if (undecided > 0) {
      return `Decide the ${undecided === 1 ? 'conflict' : `${undecided} conflicts`} first. Nothing is written before that.`;
    }
    return 'In one transaction, as it is said here. This can itself be taken back.';
  };
  return (
    <Dialog title="What taking it back would do" onClose={onClose} wide>
      <Loaded query={query} what="what it would do">
        {(report) => (
          <>
            <ReportView report={report} onDecide={decide} />
            {error !== null && <ProblemNote error={error} />}
            <p className="text-[0.87rem] text-muted">{lastWords(report.undecided)}</p>
            <DialogButtons>
              <Button onClick={onClose}>Close</Button>
              {canApply && (
                <Button
                  tone="primary"
                  isBusy={isApplying}
                  disabled={report.undecided > 0 || query.isPlaceholderData}
                  onClick={() => void apply()}
                >
                  Take it back
                </Button>
              )}
            </DialogButtons>
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

interface ReportViewProps {
  readonly report: Report;
  readonly onDecide: (conflict: Report['conflicts'][number], choice: string) => void;
}

function ReportView({ report, onDecide }: ReportViewProps): ReactNode {
  return (
    <div className="grid gap-4">
      {report.tables.map((table) => (
        <div key={table.table}>
          <Text text={table.table} className="font-mono font-medium" />
          <ul className="text-[0.93rem]">
            {LINES.map(([name, words]) =>
              table[name] > 0 ? (
                <li key={name}>
                  {plural(table[name], 'row')} {words}
                </li>
              ) : null,
            )}
            {report.conflictsTotal > 0 && LINES.every(([name]) => table[name] === 0) && (
              <li className="text-muted">no row, until the conflicts below are decided</li>
            )}
          </ul>
        </div>
      ))}
      {report.acts.map((act) => (
        <div key={act.about}>
          <Text text={act.about} className="font-medium" />
          <ol className="list-decimal pl-5 text-[0.93rem]">
            {act.steps.map((step) => (
              <li key={step}>
                <Text text={step} />
              </li>
            ))}
          </ol>
        </div>
      ))}
      {report.tables.length === 0 && report.acts.length === 0 && (
        <p className="text-muted">Nothing would change.</p>
      )}
      {report.conflictsTotal > 0 && (
        <section className="grid gap-3">
          <h3 className="text-warn">
            <span aria-hidden="true">● </span>
            {plural(report.conflictsTotal, 'conflict')}: somebody changed the same things since
          </h3>
          {report.conflicts.map((conflict) => (
            <div
              key={`${conflict.table} ${conflict.key}`}
              className="grid gap-2 rounded-lg border border-line p-3"
            >
              <p className="flex flex-wrap items-baseline gap-2">
                <Badge tone="warn">{conflict.kind}</Badge>
                <Text text={conflict.about} />
              </p>
              {(conflict.kept !== null || conflict.now !== null) && (
                <Diff kept={conflict.kept} now={conflict.now} />
              )}
              <Select
                label="What to do"
                value={conflict.choice ?? ''}
                onChange={(event) => onDecide(conflict, event.target.value)}
              >
                <option value="">decide …</option>
                {conflict.choices.map((choice) => (
                  <option key={choice} value={choice}>
                    {choiceWords(choice, conflict)}
                  </option>
                ))}
              </Select>
            </div>
          ))}
        </section>
      )}
      {report.notes.length > 0 && (
        <ul className="list-disc pl-5 text-[0.93rem] text-muted">
          {report.notes.map((note) => (
            <li key={note}>
              <Text text={note} />
            </li>
          ))}
        </ul>
      )}
      {report.sql.length > 0 && (
        <details>
          <summary className="text-[0.87rem] text-muted">The SQL that would run</summary>
          <Code
            text={report.sql.join(';\n')}
            language="sql"
            label="The SQL that would run"
            className="mt-2"
          />
        </details>
      )}
    </div>
  );
}

/** `ours`, `theirs` and `skip` of the command line, as what each does. */
function choiceWords(
  choice: Report['conflicts'][number]['choice'],
  { kept, key }: Report['conflicts'][number],
): string {
  if (choice === 'theirs') return 'Leave it as it is now';
  if (choice === 'skip') return 'Leave it now, decide another time';
  if (key === null) return 'Take it back all the same';
  return kept === null ? 'Remove the row all the same' : 'Put the kept row back over it';
}

const LINES = [
  ['insertedBack', 'put back'],
  ['changedBack', 'changed back'],
  ['removedAgain', 'removed again'],
  ['already', 'already as before'],
  ['leftOut', 'left out'],
] as const;
