/** What would happen with a request, by which rule. Nothing is sent anywhere. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { targetsQuery } from '../../api/queries.ts';
import { effectSentence, takingBackSentence } from '../../lib/plain-words.ts';
import { EnvironmentBadge, StateBadge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Area, Field, Select } from '../../ui/field.tsx';
import { Fact, Facts, Panel } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';

type Explanation = Answer<'policy.explain'>;

export function TryRequest(): ReactNode {
  const targets = useQuery(targetsQuery).data?.environments.flatMap((one) => one.targets) ?? [];
  const [target, setTarget] = useState('');
  const [agent, setAgent] = useState('any-agent');
  const [sql, setSql] = useState('');
  const [method, setMethod] = useState('POST');
  const [path, setPath] = useState('/graphql/v2');
  const chosen = targets.find((one) => one.name === (target || targets[0]?.name));
  const provider = chosen?.place?.provider;
  const explain = useMutation({
    mutationFn: () =>
      ask('policy.explain', {
        body: {
          target: chosen?.name ?? target,
          agent: agent.trim() === '' ? 'any-agent' : agent.trim(),
          ...(provider === undefined
            ? { sql }
            : { request: { provider, method, path, body: sql } }),
        },
      }),
  });
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
      <Panel title="The request">
        <form
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            explain.mutate();
          }}
        >
          <div className="grid grid-cols-2 gap-3">
            {targets.length === 0 ? (
              <Field
                label="Target"
                value={target}
                onChange={(event) => setTarget(event.target.value)}
              />
            ) : (
              <Select
                label="Target"
                value={chosen?.name ?? ''}
                onChange={(event) => setTarget(event.target.value)}
              >
                {targets.map((one) => (
                  <option key={one.name}>{one.name}</option>
                ))}
              </Select>
            )}
            <Field label="Agent" value={agent} onChange={(event) => setAgent(event.target.value)} />
          </div>
          {provider !== undefined && (
            <div className="grid grid-cols-[7rem_1fr] gap-3">
              <Select
                label="Method"
                value={method}
                onChange={(event) => setMethod(event.target.value)}
              >
                {['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </Select>
              <Field
                label="Path, with its query"
                className="font-mono"
                value={path}
                onChange={(event) => setPath(event.target.value)}
              />
            </div>
          )}
          <Area
            label={provider === undefined ? 'SQL' : 'Body'}
            className="min-h-40 font-mono text-[0.9rem]"
            placeholder={
              provider === undefined
                ? 'DROP TABLE bookings'
                : '{"query": "mutation { volumeDelete(volumeId: \\"…\\") }"}'
            }
            value={sql}
            onChange={(event) => setSql(event.target.value)}
          />
          <div>
            <Button
              type="submit"
              tone="primary"
              isBusy={explain.isPending}
              disabled={provider === undefined && sql.trim() === ''}
            >
              What would happen?
            </Button>
          </div>
        </form>
      </Panel>
      <div aria-live="polite" className="grid grid-cols-[minmax(0,1fr)] content-start gap-4">
        {explain.isError && <ProblemNote error={explain.error} />}
        {explain.data === undefined && !explain.isError && (
          <Panel title="The answer">
            <p className="text-muted">
              It is judged by the rules in force, as if the agent had sent it. Nothing is sent.
            </p>
          </Panel>
        )}
        {explain.data !== undefined && <Explained explanation={explain.data} />}
      </div>
    </div>
  );
}

function Explained({ explanation }: { readonly explanation: Explanation }): ReactNode {
  const { verdict, target, protection, rule, effects, couldNotTell, takingBack } = explanation;
  return (
    <Panel title="The answer" aside={<StateBadge state={verdict.kind} />}>
      <p className="text-[1.05rem] font-medium">
        <Text text={verdict.reason} />
      </p>
      {verdict.hint !== undefined && <Text className="text-muted" text={verdict.hint} />}
      <Facts>
        <Fact name="target">
          <Text text={target.name} className="font-mono" />{' '}
          <EnvironmentBadge name={target.environment} level={target.level} />
        </Fact>
        <Fact name="resolved">
          <Text text={target.resolvedBy} />
        </Fact>
        {verdict.people !== undefined && <Fact name="must sign">{verdict.people}</Fact>}
        <Fact name="protection">
          {protection.level} ({protection.source}: <Text text={protection.why} />)
        </Fact>
        {takingBack !== null && <Fact name="taken back">{takingBackSentence(takingBack)}</Fact>}
      </Facts>
      {couldNotTell !== null && (
        <p className="text-danger">
          ▲ Could not be read whole: <Text text={couldNotTell} />
        </p>
      )}
      <ul className="grid gap-2">
        {effects.map((one, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: effects of one act have no other name
          <li key={index} className="border-t border-line pt-2">
            <span className="flex flex-wrap items-baseline gap-2">
              <StateBadge state={one.verdict.kind} />
              <Text text={effectSentence(one.effect)} />
            </span>
            {one.rule !== null && (
              <span className="text-[0.85rem] text-muted">
                by <span className="font-mono">{one.rule.id}</span> ({one.rule.where})
              </span>
            )}
          </li>
        ))}
      </ul>
      {rule !== null && (
        <details>
          <summary className="text-[0.87rem] text-muted">The rule that decided, in Cedar</summary>
          <pre className="mt-2 overflow-x-auto rounded-lg border border-line bg-sunken p-3 font-mono text-[0.85rem] whitespace-pre-wrap">
            <Text text={rule.text} />
          </pre>
        </details>
      )}
    </Panel>
  );
}
