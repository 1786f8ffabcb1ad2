/** Who works here: for what, who answers for it, what it may, with which tokens. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import {
  type AgentShown,
  type AgentToken,
  agentsQuery,
  pauseAgent,
  resumeAgent,
  revokeToken,
  revokeTokens,
} from '../api/agents.ts';
import { plural } from '../lib/measures.ts';
import { useMay } from '../shell/session.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Area } from '../ui/field.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Fact, Facts, Page, Panel } from '../ui/page.tsx';
import { Text } from '../ui/text.tsx';
import { Time } from '../ui/time.tsx';
import { say } from '../ui/toast.tsx';

export function AgentsPage(): ReactNode {
  const query = useQuery(agentsQuery);
  return (
    <Page
      title="Agents"
      lead="Each works with a token of its own: one agent, one environment, hours at most. None holds a real credential."
    >
      <Loaded query={query} what="the agents">
        {({ items, next }) =>
          items.length === 0 ? (
            <EmptyState
              title="No agent yet"
              command="holdfast agents add cursor-backend && holdfast agents token cursor-backend"
            >
              An agent gets in with a token that Holdfast makes, and with nothing else. Add one on
              the command line:
            </EmptyState>
          ) : (
            <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
              {items.map((agent) => (
                <AgentView key={agent.id} agent={agent} />
              ))}
              {next !== null && (
                <p className="text-muted">
                  These are the first {items.length}; the command line lists all (holdfast agents).
                </p>
              )}
            </div>
          )
        }
      </Loaded>
    </Page>
  );
}

type Asking = 'pause' | 'resume' | 'revoke' | null;

const STATE_TONES = {
  active: 'ok',
  paused: 'warn',
  expired: 'plain',
  'off-hours': 'plain',
} as const;

function AgentView({ agent }: { readonly agent: AgentShown }): ReactNode {
  const mayStop = useMay('agents.stop');
  const [asking, setAsking] = useState<Asking>(null);
  const state = agent.state ?? 'active';
  return (
    <Panel
      title={
        <span className="flex flex-wrap items-center gap-2">
          <Text text={agent.name} />
          <Badge tone={STATE_TONES[state]}>{state}</Badge>
          {agent.parent != null && (
            <span className="text-[0.87rem] font-normal text-muted">
              sub-agent of {agent.parent}
            </span>
          )}
        </span>
      }
      aside={
        <Link to="/trail" search={{ agent: agent.name }} className="link text-[0.87rem]">
          What it did
        </Link>
      }
    >
      {agent.stop != null && (
        <p className="rounded-lg bg-warn-soft p-2.5 text-[0.93rem] text-warn">
          <span aria-hidden="true">● </span>
          <Text text={agent.stop} />
        </p>
      )}
      <Facts>
        <Fact name="is for">{agent.purpose ? <Text text={agent.purpose} /> : <Unsaid />}</Fact>
        <Fact name="answers for it">
          {agent.owner == null ? (
            <Unsaid words="nobody: give it an owner" />
          ) : (
            <Text text={`${agent.owner.name}${agent.owner.isRemoved ? ' (removed since)' : ''}`} />
          )}
        </Fact>
        <Fact name="may work in">{listed(agent.environments, 'whichever its tokens name')}</Fact>
        <Fact name="on">{listed(agent.targets, 'whichever its tokens name')}</Fact>
        <Fact name="may ask for">
          {listed(agent.effectKinds ?? undefined, 'each kind of effect; policy decides')}
        </Fact>
        <Fact name="works">{agent.workingHours ?? 'at any hour'}</Fact>
        {agent.expiresAt != null && (
          <Fact name="ends">
            <Time at={agent.expiresAt} />
          </Fact>
        )}
        {(agent.children ?? []).length > 0 && (
          <Fact name="sub-agents">{listed(agent.children, '')}</Fact>
        )}
      </Facts>
      <Tokens tokens={agent.tokens} />
      {mayStop && (
        <div className="flex flex-wrap gap-2">
          {state === 'paused' ? (
            <Button onClick={() => setAsking('resume')}>Resume</Button>
          ) : (
            <Button tone="danger" onClick={() => setAsking('pause')}>
              Pause
            </Button>
          )}
          {agent.tokens.length > 0 && (
            <Button tone="danger" onClick={() => setAsking('revoke')}>
              Revoke all tokens
            </Button>
          )}
        </div>
      )}
      {asking !== null && (
        <AgentDialog agent={agent} asking={asking} onClose={() => setAsking(null)} />
      )}
    </Panel>
  );
}

function Unsaid({ words = 'nobody said' }: { readonly words?: string }): ReactNode {
  return <span className="text-muted">{words}</span>;
}

function listed(names: readonly string[] | undefined, otherwise: string): ReactNode {
  return names === undefined || names.length === 0 ? (
    <Unsaid words={otherwise} />
  ) : (
    <Text text={names.join(', ')} />
  );
}

const OLD_MS = 30 * 24 * 3_600_000;

function Tokens({ tokens }: { readonly tokens: readonly AgentToken[] }): ReactNode {
  const queries = useQueryClient();
  const mayStop = useMay('agents.stop');
  const [revoking, setRevoking] = useState<string | null>(null);
  if (tokens.length === 0)
    return <p className="text-[0.93rem] text-muted">It has no live token, so it cannot get in.</p>;
  return (
    <div className="relative overflow-x-auto">
      <table className="w-full min-w-lg text-left text-[0.9rem]">
        <caption className="pb-1 text-left text-[0.82rem] text-muted">
          {plural(tokens.length, 'live token')}
        </caption>
        <thead className="text-[0.82rem] text-muted">
          <tr>
            <th className="py-1 pr-3 font-medium">opens</th>
            <th className="py-1 pr-3 font-medium">issued</th>
            <th className="py-1 pr-3 font-medium">ends</th>
            <th className="py-1 pr-3 font-medium">last used</th>
            <th className="py-1">
              <span className="sr-only">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id} className="border-t border-line">
              <th scope="row" className="py-1.5 pr-3 font-normal">
                <Text
                  text={`${token.environment}: ${token.targets.length === 0 ? 'every target' : token.targets.join(', ')}`}
                />
              </th>
              <td className="py-1.5 pr-3">
                <Time at={token.issuedAt} relative />
                {new Date(token.expiresAt).getTime() - new Date(token.issuedAt).getTime() >
                  OLD_MS && <Badge tone="danger">over 30 days</Badge>}
              </td>
              <td className="py-1.5 pr-3">
                <Time at={token.expiresAt} relative />
              </td>
              <td className="py-1.5 pr-3">
                {token.lastUse == null ? (
                  <Unsaid words="never" />
                ) : (
                  <>
                    <Time at={token.lastUse.at} relative />{' '}
                    <span className="text-muted">from {token.lastUse.source}</span>
                  </>
                )}
              </td>
              <td className="py-1.5 text-right">
                {mayStop && (
                  <Button
                    size="small"
                    tone="quiet"
                    onClick={() => setRevoking(token.id)}
                    aria-label={`Revoke the token for ${token.environment}`}
                  >
                    Revoke
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {revoking !== null && (
        <ConfirmDialog
          title="Revoke this token"
          action="Revoke"
          onClose={() => setRevoking(null)}
          onConfirm={async () => {
            await revokeToken(revoking);
            await queries.invalidateQueries({ queryKey: ['agents'] });
            say('Revoked. Its sessions are cut.');
          }}
        >
          <p>
            Whoever holds it is cut at once, what runs included. It cannot be given back; issue
            another one instead.
          </p>
        </ConfirmDialog>
      )}
    </div>
  );
}

interface AgentDialogProps {
  readonly agent: AgentShown;
  readonly asking: Exclude<Asking, null>;
  readonly onClose: () => void;
}

function AgentDialog({ agent, asking, onClose }: AgentDialogProps): ReactNode {
  const queries = useQueryClient();
  const [note, setNote] = useState('');
  const words = DIALOGS[asking];
  const act = {
    pause: () => pauseAgent(agent.name, note),
    resume: () => resumeAgent(agent.name),
    revoke: () => revokeTokens(agent.name),
  };
  return (
    <ConfirmDialog
      title={`${words.title} ${agent.name}`}
      action={words.action}
      tone={asking === 'resume' ? 'primary' : 'danger'}
      onClose={onClose}
      onConfirm={async () => {
        await act[asking]();
        await queries.invalidateQueries({ queryKey: ['agents'] });
        say(words.done);
      }}
    >
      <p>{words.words}</p>
      {asking === 'pause' && (
        <Area
          label="Why"
          className="min-h-16"
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
      )}
    </ConfirmDialog>
  );
}

const DIALOGS = {
  pause: {
    title: 'Pause',
    action: 'Pause',
    done: 'Paused. Its sessions are cut.',
    words:
      'It is cut at once, what runs included, and refused until somebody resumes it. Its tokens stay.',
  },
  resume: {
    title: 'Resume',
    action: 'Resume',
    done: 'Resumed.',
    words: 'Its tokens let it in again.',
  },
  revoke: {
    title: 'Revoke all tokens of',
    action: 'Revoke all',
    done: 'Revoked. Its sessions are cut.',
    words: 'It is cut at once and cannot get in until it is given a new token.',
  },
} as const;
