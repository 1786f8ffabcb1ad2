/** The map: an environment, what is in it, how far each is protected, and what depends on it. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Answer } from '../api/client.ts';
import { targetsQuery } from '../api/queries.ts';
import { byteWords, plural } from '../lib/measures.ts';
import { ENVIRONMENT_WORDS, LEVEL_WORDS } from '../lib/plain-words.ts';
import { spanWords } from '../lib/times.ts';
import { Badge, EnvironmentBadge } from '../ui/badge.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';
import { Text } from '../ui/text.tsx';

type Environment = Answer<'targets.list'>['environments'][number];
type Target = Environment['targets'][number];

export function TargetsPage(): ReactNode {
  const query = useQuery(targetsQuery);
  return (
    <Page
      title="Targets"
      lead="Each environment, what is in it, and what would go with it. What is not declared counts as sealed."
    >
      <Loaded query={query} what="the map">
        {({ environments, vault }) => (
          <>
            {environments.length === 0 && (
              <EmptyState title="No environment is declared" command="holdfast config check">
                Holdfast guards what holdfast.yaml names. This looks at your repository and writes a
                first one:
              </EmptyState>
            )}
            {environments.map((environment) => (
              <EnvironmentView key={environment.name} environment={environment} />
            ))}
            {vault !== null && (
              <p className="text-[0.9rem] text-muted">
                The vault of undo data holds {byteWords(vault.bytes)}
                {vault.freeBytes === null
                  ? ''
                  : `; ${byteWords(vault.freeBytes)} are free, and below ${byteWords(vault.freeBytesMin)} agents change nothing`}
                .
              </p>
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function EnvironmentView({ environment }: { readonly environment: Environment }): ReactNode {
  const { name, level, people, graceMs, holdLifeMs, targets } = environment;
  const rules = [
    ENVIRONMENT_WORDS[level],
    people === 1 ? 'one person signs' : `${people} people sign`,
    `what passed is kept ${spanWords(graceMs)}`,
    `a hold waits ${spanWords(holdLifeMs)}`,
  ];
  return (
    <section aria-label={`environment ${name}`} className="grid gap-3">
      <header className="flex flex-wrap items-baseline gap-x-3 gap-y-1 border-b border-line pb-2">
        <h2 className="text-lg">
          <EnvironmentBadge name={name} level={level} />
        </h2>
        <p className="text-[0.9rem] text-muted">{rules.join('; ')}</p>
      </header>
      {targets.length === 0 && <p className="text-muted">Nothing is declared in it.</p>}
      <ul className="ml-1 grid gap-3 border-l-2 border-line pl-4">
        {targets.map((target) => (
          <TargetView key={target.name} target={target} />
        ))}
      </ul>
    </section>
  );
}

const TONES: Readonly<Record<string, 'ok' | 'warn' | 'danger'>> = {
  full: 'ok',
  'no-fence': 'warn',
  'capture-only': 'warn',
  none: 'danger',
};

function TargetView({ target }: { readonly target: Target }): ReactNode {
  const { name, protocol, upstream, protection, roles, undo, dependents, place } = target;
  return (
    <li className="panel grid gap-2 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="text-base">
          <Text text={name} className="font-mono" />
        </h3>
        <Badge>{protocol}</Badge>
        <Badge tone={protection.seen ? (TONES[protection.level] ?? 'danger') : 'warn'}>
          {protection.seen ? `protection: ${protection.level}` : 'protection: not seen'}
        </Badge>
        {!protection.seen && protection.wasProtected && (
          <span className="text-[0.87rem] text-muted">was protected when last seen</span>
        )}
      </div>
      {protection.seen && (
        <p className="text-[0.9rem] text-muted">{LEVEL_WORDS[protection.level]}</p>
      )}
      {protection.trouble !== null && (
        <p className="text-danger">
          <span aria-hidden="true">▲ </span>
          <Text text={protection.trouble} />
        </p>
      )}
      <p className="text-[0.9rem]">
        {upstream !== null && (
          <>
            at <Text text={upstream} className="font-mono text-[0.87rem]" />
          </>
        )}
        {place !== null && (
          <>
            {upstream !== null && '; '}
            <Text text={`${place.provider}, project ${place.project}, ${place.at}`} />
          </>
        )}
      </p>
      <p className="text-[0.9rem] text-muted">
        {undo.items === 0
          ? 'Nothing of it can be taken back just now.'
          : `${plural(undo.items, 'act')} can be taken back${undo.nextPurgeMs === null ? '' : `, the first for ${spanWords(undo.nextPurgeMs)} more`}.`}
      </p>
      {roles.length > 0 && (
        <p className="text-[0.9rem] text-muted">
          Agents log in as:{' '}
          <Text text={roles.map(({ agent, role }) => `${agent} (${role})`).join(', ')} />
        </p>
      )}
      {dependents.length > 0 && (
        <div>
          <h4 className="text-[0.87rem] font-medium">What depends on it</h4>
          <ul className="ml-1 grid gap-0.5 border-l-2 border-line pl-3 text-[0.9rem]">
            {dependents.map(({ provider, target: where, service }) => (
              <li key={`${provider} ${where} ${service}`}>
                <Text text={service} className="font-mono" />{' '}
                <span className="text-muted">
                  at {provider} (<Text text={where} />)
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </li>
  );
}
