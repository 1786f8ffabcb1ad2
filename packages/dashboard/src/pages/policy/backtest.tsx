/** What a change of the rules would have changed, on decisions the trail has recorded. Nothing is changed. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { policyQuery } from '../../api/queries.ts';
import { countWords, plural } from '../../lib/measures.ts';
import { StateBadge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Area, Field, Select } from '../../ui/field.tsx';
import { Panel } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Line, Text } from '../../ui/text.tsx';

type Result = Answer<'policy.backtest'>;
const STARTER = '// Cedar. For instance: nobody drops anything on a Friday.\n';
const HOW_MANY = [200, 1_000, 5_000] as const;

export function Backtest(): ReactNode {
  const policy = useQuery(policyQuery).data;
  const files = policy?.files ?? [];
  const [path, setPath] = useState('policies/new.cedar');
  const [text, setText] = useState(STARTER);
  const [replaces, setReplaces] = useState('');
  const [newest, setNewest] = useState(1_000);
  const first = files[0];
  useEffect(() => {
    if (first === undefined) return;
    setPath(first.path);
    setText(first.text);
  }, [first]);
  const run = useMutation({
    mutationFn: () =>
      ask('policy.backtest', {
        body: {
          files: [...files.filter((file) => file.path !== path), { path, text }],
          replaces: replaces.split(/[\s,]+/).filter((id) => id !== ''),
          newest,
        },
      }),
  });
  const choose = (next: string): void => {
    setPath(next);
    setText(files.find((file) => file.path === next)?.text ?? STARTER);
  };
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
      <Panel title="The change">
        <form
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            run.mutate();
          }}
        >
          <Select label="File" value={path} onChange={(event) => choose(event.target.value)}>
            {files.map((file) => (
              <option key={file.path}>{file.path}</option>
            ))}
            <option value="policies/new.cedar">policies/new.cedar (a new one)</option>
          </Select>
          <Area
            label="Its text, as it would be"
            className="min-h-72 font-mono text-[0.87rem]"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Field
            label="Preset rules that it stands in for"
            hint="Ids, with blanks between; leave empty to add only."
            className="font-mono"
            value={replaces}
            onChange={(event) => setReplaces(event.target.value)}
          />
          <Select
            label="On the newest"
            value={String(newest)}
            onChange={(event) => setNewest(Number(event.target.value))}
          >
            {HOW_MANY.map((count) => (
              <option key={count} value={count}>
                {countWords(count)} decisions
              </option>
            ))}
          </Select>
          <div>
            <Button type="submit" tone="primary" isBusy={run.isPending}>
              Backtest
            </Button>
          </div>
        </form>
      </Panel>
      <div aria-live="polite" className="grid grid-cols-[minmax(0,1fr)] content-start gap-4">
        {run.isError && <ProblemNote error={run.error} />}
        {run.data === undefined && !run.isError && (
          <Panel title="What would have changed">
            <p className="text-muted">
              Every recorded decision is judged again, by the rules in force and by yours. You see
              where the two differ before anything is in force.
            </p>
          </Panel>
        )}
        {run.data !== undefined && <ResultView result={run.data} />}
      </div>
    </div>
  );
}

function ResultView({ result }: { readonly result: Result }): ReactNode {
  const { findings, judged, unchanged, changed, changedTotal, notJudged, notes } = result;
  return (
    <Panel title="What would have changed">
      {findings.map((finding) => (
        <p
          key={`${finding.where} ${finding.found}`}
          className={finding.severity === 'error' ? 'text-danger' : 'text-warn'}
        >
          <span aria-hidden="true">{finding.severity === 'error' ? '▲ ' : '● '}</span>
          {finding.severity}: <span className="font-mono">{finding.where}</span>: expected{' '}
          <Text text={finding.expected} />; found <Text text={finding.found} />.{' '}
          <Text text={finding.hint} />
        </p>
      ))}
      {result.version !== null && (
        <p className="text-[1.05rem] font-medium">
          {changedTotal === 0
            ? 'Nothing.'
            : `${plural(changedTotal, 'decision')} of ${countWords(judged)}.`}{' '}
          <span className="font-normal text-muted">
            {countWords(unchanged)} would have been the same.
          </span>
        </p>
      )}
      <ul className="grid gap-2">
        {changed.map((one) => (
          <li key={one.index} className="grid gap-1 border-t border-line pt-2">
            <Link to="/trail" search={{ at: one.index }} className="block hover:underline">
              <Line text={one.text} className="font-mono text-[0.87rem]" />
            </Link>
            <span className="flex flex-wrap items-center gap-2 text-[0.87rem]">
              <StateBadge state={one.inForce.kind} />
              <span aria-hidden="true">→</span>
              <span className="sr-only">would become</span>
              <StateBadge state={one.tried.kind} />
              <span className="text-muted">
                <Text text={`${one.agent} on ${one.target}`} />
              </span>
            </span>
            <Text className="text-[0.87rem] text-muted" text={one.tried.reason} />
          </li>
        ))}
        {changedTotal > changed.length && (
          <li className="text-muted">and {countWords(changedTotal - changed.length)} more</li>
        )}
      </ul>
      {notJudged.length > 0 && (
        <ul className="text-[0.9rem] text-muted">
          {notJudged.map(({ why, count }) => (
            <li key={why}>
              {countWords(count)} not judged again: <Text text={why} />
            </li>
          ))}
        </ul>
      )}
      {notes.map((note) => (
        <p key={note} className="text-[0.87rem] text-muted">
          <Text text={note} />
        </p>
      ))}
    </Panel>
  );
}
