/** Who works here: for what, who answers for it, what it may, with which tokens; and stopping it. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type AgentShown, agentsQuery } from '../api/agents.ts';
import { useMay } from '../shell/session.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Fact, Facts, Page, Panel } from '../ui/page.tsx';
import { Text } from '../ui/text.tsx';
import { Time } from '../ui/time.tsx';
import { AgentFindings } from './agents/findings.tsx';
import { IssueDialog } from './agents/issue-dialog.tsx';
import { AddAgentDialog, ChangeAgentDialog } from './agents/settings-dialog.tsx';
import { PauseDialog, ResumeDialog, RevokeAllDialog } from './agents/stop-dialogs.tsx';
import { Tokens } from './agents/tokens.tsx';
import { Unsaid } from './agents/unsaid.tsx';

/** Each is a panel of its own; more come when they are asked for. */
const SHOWN_AT_ONCE = 50;

export function AgentsPage(): ReactNode {
  const query = useQuery(agentsQuery);
  const mayManage = useMay('agents.manage');
  const [isAdding, setIsAdding] = useState(false);
  const [most, setMost] = useState(SHOWN_AT_ONCE);
  return (
    <Page
      title="Agents"
      lead="Each works with a token of its own: one agent, one environment, hours at most. None holds a real credential."
      actions={
        mayManage && (
          <Button tone="primary" onClick={() => setIsAdding(true)}>
            Add an agent
          </Button>
        )
      }
    >
      <AgentFindings />
      <Loaded query={query} what="the agents">
        {(agents) =>
          agents.length === 0 ? (
            <EmptyState
              title="No agent yet"
              command="holdfast agents add cursor-backend --purpose '…' --owner YOU"
            >
              An agent gets in with a token that Holdfast makes, and with nothing else. Add one
              here, or on the command line:
            </EmptyState>
          ) : (
            <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
              {agents.slice(0, most).map((agent) => (
                <AgentView key={agent.id} agent={agent} />
              ))}
              {agents.length > most && (
                <div className="text-center">
                  <Button onClick={() => setMost(most + SHOWN_AT_ONCE)}>
                    Show more of {agents.length}
                  </Button>
                </div>
              )}
            </div>
          )
        }
      </Loaded>
      {isAdding && <AddAgentDialog onClose={() => setIsAdding(false)} />}
    </Page>
  );
}

type Asking = 'pause' | 'resume' | 'revoke' | 'change' | 'issue' | null;

const STATE_TONES = {
  active: 'ok',
  paused: 'warn',
  expired: 'plain',
  'off-hours': 'plain',
} as const;

function AgentView({ agent }: { readonly agent: AgentShown }): ReactNode {
  const mayStop = useMay('agents.stop');
  const mayManage = useMay('agents.manage');
  const [asking, setAsking] = useState<Asking>(null);
  const { effective, state } = agent;
  const close = (): void => setAsking(null);
  return (
    <Panel
      title={
        <span className="flex flex-wrap items-center gap-2">
          <Text text={agent.name} />
          <Badge tone={STATE_TONES[state]}>{state}</Badge>
          {agent.parent !== null && (
            <span className="text-[0.87rem] font-normal text-muted">
              sub-agent of <Text text={agent.parent} />
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
      {agent.stop !== null && (
        <p className="rounded-lg bg-warn-soft p-2.5 text-[0.93rem] text-warn">
          <span aria-hidden="true">● </span>
          <Text text={agent.stop} />
        </p>
      )}
      <Facts>
        <Fact name="is for">
          {agent.purpose === '' ? <Unsaid /> : <Text text={agent.purpose} />}
        </Fact>
        <Fact name="answers for it">
          {agent.owner === null ? (
            <Unsaid words="nobody: give it an owner" />
          ) : (
            <Text text={`${agent.owner.name}${agent.owner.isRemoved ? ' (removed since)' : ''}`} />
          )}
        </Fact>
        <Fact name="may work in">{may(effective.environments, 'whichever its tokens name')}</Fact>
        <Fact name="on">{may(effective.targets, 'whichever its tokens name')}</Fact>
        <Fact name="may ask for">
          {may(effective.effectKinds, 'each kind of effect; policy decides')}
        </Fact>
        <Fact name="works">
          {effective.workingHours.length === 0
            ? 'at any hour'
            : effective.workingHours.join('; and ')}
        </Fact>
        {effective.expiresAt !== null && (
          <Fact name={state === 'expired' ? 'ended' : 'ends'}>
            <Time at={effective.expiresAt} />
          </Fact>
        )}
        {agent.children.length > 0 && (
          <Fact name="sub-agents">
            <Text text={agent.children.join(', ')} />
          </Fact>
        )}
      </Facts>
      <Tokens tokens={agent.tokens} />
      <div className="flex flex-wrap gap-2">
        {mayStop &&
          (agent.paused === null ? (
            <Button tone="danger" onClick={() => setAsking('pause')}>
              Pause
            </Button>
          ) : (
            <Button onClick={() => setAsking('resume')}>Resume</Button>
          ))}
        {mayManage && (
          <>
            <Button onClick={() => setAsking('issue')}>Issue a token</Button>
            <Button onClick={() => setAsking('change')}>Edit</Button>
          </>
        )}
        {mayStop && agent.tokens.length > 0 && (
          <Button tone="danger" onClick={() => setAsking('revoke')}>
            Revoke all tokens
          </Button>
        )}
      </div>
      {asking === 'pause' && <PauseDialog name={agent.name} onClose={close} />}
      {asking === 'resume' && <ResumeDialog name={agent.name} onClose={close} />}
      {asking === 'revoke' && <RevokeAllDialog name={agent.name} onClose={close} />}
      {asking === 'change' && <ChangeAgentDialog agent={agent} onClose={close} />}
      {asking === 'issue' && <IssueDialog agent={agent} onClose={close} />}
    </Panel>
  );
}

/** With what its parents may not taken off; an empty list is nothing at all. */
function may(names: readonly string[] | null, any: string): ReactNode {
  if (names === null) return <Unsaid words={any} />;
  return names.length === 0 ? (
    <span className="text-warn">nothing: its own limits and its parents’ do not meet</span>
  ) : (
    <Text text={names.join(', ')} />
  );
}
