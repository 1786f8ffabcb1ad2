/** The rules in force; what they would say to a request; what other rules would have said so far. */
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { Answer } from '../api/client.ts';
import { policyQuery } from '../api/queries.ts';
import { plural } from '../lib/measures.ts';
import { Badge, StateBadge } from '../ui/badge.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Field } from '../ui/field.tsx';
import { Loaded, Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { Text } from '../ui/text.tsx';

const route = getRouteApi('/inside/policy');
const TryRequest = lazy(async () => ({
  default: (await import('./policy/try-request.tsx')).TryRequest,
}));
const Backtest = lazy(async () => ({ default: (await import('./policy/backtest.tsx')).Backtest }));

export function PolicyPage(): ReactNode {
  const { show: tab = 'rules' } = route.useSearch();
  const navigate = useNavigate();
  return (
    <Page
      title="Policy"
      lead="What passes, what is made reversible, what waits for people, what is refused. It is kept in files; here it is read and tried."
    >
      <Tabs
        label="Policy"
        value={tab}
        onChange={(next) => void navigate({ to: '/policy', search: { show: next } })}
        tabs={[
          { id: 'rules', label: 'Rules in force' },
          { id: 'try', label: 'Try a request' },
          { id: 'backtest', label: 'Backtest a change' },
        ]}
      >
        <Suspense fallback={<Loading what="this" />}>
          {tab === 'rules' && <Rules />}
          {tab === 'try' && <TryRequest />}
          {tab === 'backtest' && <Backtest />}
        </Suspense>
      </Tabs>
    </Page>
  );
}

function Rules(): ReactNode {
  const query = useQuery(policyQuery);
  const [wanted, setWanted] = useState('');
  return (
    <Loaded query={query} what="the rules">
      {({ version, rules, warnings }) => {
        const found = rules.filter((rule) =>
          `${rule.id} ${rule.reason} ${rule.text}`.toLowerCase().includes(wanted.toLowerCase()),
        );
        return (
          <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
            <div className="flex flex-wrap items-end justify-between gap-3">
              <p className="text-[0.9rem] text-muted">
                {plural(rules.length, 'rule')}, version{' '}
                <span className="font-mono break-all">{version.slice(0, 16)}</span>, in the order in
                which equal verdicts decide.
              </p>
              <div className="w-full sm:w-72">
                <Field
                  label="Find a rule"
                  type="search"
                  value={wanted}
                  onChange={(event) => setWanted(event.target.value)}
                />
              </div>
            </div>
            {warnings.map((warning) => (
              <p key={warning.where} className="rounded-lg bg-warn-soft p-3 text-[0.93rem]">
                <span className="font-mono">{warning.where}</span>: expected{' '}
                <Text text={warning.expected} />; found <Text text={warning.found} />.{' '}
                <Text text={warning.hint} />
              </p>
            ))}
            {found.length === 0 ? (
              <EmptyState title="No rule says that">Take something off the search.</EmptyState>
            ) : (
              <ul className="panel divide-y divide-line">
                {found.map((rule) => (
                  <RuleRow key={rule.id} rule={rule} />
                ))}
              </ul>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

function RuleRow({ rule }: { readonly rule: Answer<'policy.show'>['rules'][number] }): ReactNode {
  return (
    <li className="p-3">
      <details className="group">
        <summary className="grid list-none gap-1">
          <span className="flex flex-wrap items-center gap-2">
            <span
              aria-hidden="true"
              className="w-3 text-muted transition-transform group-open:rotate-90"
            >
              ▸
            </span>
            <StateBadge state={rule.verdict} />
            <span className="font-mono text-[0.9rem] font-medium">{rule.id}</span>
            {rule.verdict === 'hold' && (
              <span className="text-[0.87rem] text-muted">
                {plural(rule.people, 'person', 'people')}
              </span>
            )}
            {rule.isPreset && <Badge>preset</Badge>}
            <span className="text-[0.85rem] text-muted">{rule.where}</span>
          </span>
          <Text className="pl-5 text-[0.93rem]" text={rule.reason} />
        </summary>
        <div className="mt-2 grid gap-2">
          {rule.hint !== '' && (
            <p className="text-[0.9rem] text-muted">
              Instead: <Text text={rule.hint} />
            </p>
          )}
          {rule.fixed !== null && (
            <p className="text-[0.9rem] text-muted">
              It cannot be replaced: <Text text={rule.fixed} />
            </p>
          )}
          <pre className="overflow-x-auto rounded-lg border border-line bg-sunken p-3 font-mono text-[0.85rem] whitespace-pre-wrap">
            <Text text={rule.text} />
          </pre>
        </div>
      </details>
    </li>
  );
}
