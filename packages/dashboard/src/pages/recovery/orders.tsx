/** Work by hand: a point, a drill, a proof; how far each order is, and what came of it. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { byteWords } from '../../lib/measures.ts';
import { useMay } from '../../shell/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Select } from '../../ui/field.tsx';
import { Panel } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';
import { isOpen, ordersQuery } from './queries.ts';
import { DRILLED, KINDS, PROVED, progressWords, shortSpan } from './words.ts';

type Shown = Answer<'recovery.show'>;
type Ordered = Answer<'recovery.orders'>['items'][number];
type Kind = Ordered['kind'];
type Result = Extract<Ordered['standing'], { state: 'done' }>['results'][number];

const SHOWN_MAX = 5;

export function Orders({ shown }: { readonly shown: Shown }): ReactNode {
  const { hasIdentity, isKeptHere, target, vaults } = shown;
  const may = useMay('targets.protect');
  const queries = useQueryClient();
  const query = useQuery(ordersQuery(target));
  const [vault, setVault] = useState('');
  const attempt = useAttempt();
  const items = query.data?.items ?? [];
  const order = (kind: Kind): void =>
    void attempt.run(async () => {
      const where = vault === '' ? {} : { vault };
      await ask('recovery.order', { params: { target }, body: { kind, ...where } });
      await queries.invalidateQueries({ queryKey: ['recovery', 'orders', target] });
    });
  const isUnderWay = (kind: Kind): boolean =>
    items.some((one) => one.kind === kind && isOpen(one.standing.state));
  return (
    <Panel title="Do it now">
      {!isKeptHere && (
        <p className="text-warn">
          <span aria-hidden="true">● </span>
          This Holdfast does not keep recovery just now, so nothing can be ordered here.
        </p>
      )}
      {may ? (
        <div className="flex flex-wrap items-end gap-2">
          {vaults.length > 1 && (
            <Select label="Vault" value={vault} onChange={(event) => setVault(event.target.value)}>
              <option value="">each of them</option>
              {vaults.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </Select>
          )}
          <Button
            disabled={!isKeptHere || isUnderWay('backup')}
            isBusy={attempt.busy}
            onClick={() => order('backup')}
          >
            Take a point
          </Button>
          <Button
            disabled={!isKeptHere || !hasIdentity || isUnderWay('drill')}
            isBusy={attempt.busy}
            onClick={() => order('drill')}
          >
            Drill the newest
          </Button>
          <Button
            disabled={!isKeptHere || isUnderWay('prove')}
            isBusy={attempt.busy}
            onClick={() => order('prove')}
          >
            Try to destroy a canary
          </Button>
        </div>
      ) : (
        <p className="text-muted">You may see this. An owner or an operator may order it.</p>
      )}
      {may && !hasIdentity && (
        <p className="text-[0.9rem] text-muted">
          No private key is here (recovery.identity), so nothing can be drilled or restored here.
        </p>
      )}
      {attempt.error !== null && <ProblemNote error={attempt.error} />}
      {items.length > 0 && (
        <ul aria-label="Orders" aria-live="polite" className="grid gap-2">
          {items.slice(0, SHOWN_MAX).map((item) => (
            <OrderView key={item.id} item={item} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function OrderView({ item }: { readonly item: Ordered }): ReactNode {
  const { askedAt, askedBy, kind, point, standing, vault } = item;
  return (
    <li className="grid gap-1 rounded-lg border border-line p-3">
      <p className="flex flex-wrap items-baseline gap-2">
        <StandingBadge standing={standing} />
        <span className="font-medium">{KINDS[kind]}</span>
        <span className="text-[0.87rem] text-muted">
          {point !== null && (
            <>
              of <Text text={point} />{' '}
            </>
          )}
          {vault !== null && (
            <>
              in <Text text={vault} />,{' '}
            </>
          )}
          asked by <Text text={askedBy} /> <Time at={askedAt} relative />
        </span>
      </p>
      {standing.state === 'waiting' && <p>It waits for its turn: this work goes one by one.</p>}
      {standing.state === 'running' && (
        <>
          <p className="tabular-nums">
            {standing.progress === null ? 'It has begun.' : progressWords(standing.progress)}
          </p>
          {standing.progress !== null && standing.progress.totalBytes !== null && (
            <progress
              aria-label={`${KINDS[kind]}: how far`}
              className="w-full"
              value={standing.progress.doneBytes}
              max={Math.max(1, standing.progress.totalBytes)}
            />
          )}
        </>
      )}
      {standing.state === 'done' && (
        <ul className="text-[0.93rem]">
          {standing.results.map((result) => (
            <li key={result.vault}>
              <Text text={resultWords(result)} />
            </li>
          ))}
        </ul>
      )}
      {standing.state === 'failed' && (
        <p>
          Expected <Text text={standing.expected} />; found <Text text={standing.found} />.{' '}
          <Text text={standing.hint} />{' '}
          <span className="font-mono text-[0.8rem]">{standing.code}</span>
        </p>
      )}
    </li>
  );
}

function StandingBadge({ standing }: { readonly standing: Ordered['standing'] }): ReactNode {
  if (standing.state === 'done') {
    return (
      <Badge tone={standing.isWell ? 'ok' : 'warn'}>
        {standing.isWell ? 'done' : 'done, not well'}
      </Badge>
    );
  }
  if (standing.state === 'failed') return <Badge tone="danger">failed</Badge>;
  return <Badge tone="accent">{standing.state}</Badge>;
}

const UNCOUNTED = {
  foreign:
    'it is sealed with a key that is not here, so nobody can vouch for it, and it counts for nothing',
  elsewhere: 'it was taken into another vault, and counts for nothing in this one',
} as const;

function resultWords({ drill, notKept, point, proof, vault }: Result): string {
  const parts = [
    ...(point === null ? [] : [`point ${point.id} lies there, ${byteWords(point.bytes)}`]),
    ...(drill === null
      ? []
      : [
          `${drill.point} ${DRILLED[drill.verdict].word}${drill.rtoMs === null ? '' : ` in ${shortSpan(drill.rtoMs)}`}`,
          ...(drill.seal === undefined ? [] : [UNCOUNTED[drill.seal]]),
          ...drill.checks.filter(({ end }) => end !== 'passed').map(({ said }) => said),
        ]),
    ...(proof === null
      ? []
      : [`what lies there ${PROVED[proof.verdict]?.words ?? ''} (${proof.verdict}): ${proof.why}`]),
    ...(notKept === null ? [] : [`it is in the trail and not in the vault: ${notKept}`]),
  ];
  return `${vault}: ${parts.join('; ')}`;
}
