/** Beside what an agent asks: stopping the agent itself, for whoever does not like the look of it. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { agentQuery } from '../../api/agents.ts';
import { useMay } from '../../shell/session.ts';
import { Button } from '../../ui/button.tsx';
import { Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';
import { PauseDialog } from './stop-dialogs.tsx';

export interface StopAgentProps {
  readonly name: string;
  /** What stands in the note already. */
  readonly note: string;
}

export function StopAgent({ name, note }: StopAgentProps): ReactNode {
  const mayStop = useMay('agents.stop');
  const agent = useQuery(agentQuery(name)).data;
  const [isAsking, setIsAsking] = useState(false);
  if (!mayStop) return null;
  // Not known yet, or not at all: the button is there, and the gateway says what is.
  const isPaused = agent?.state === 'paused';
  return (
    <Panel title="The agent itself">
      {isPaused ? (
        <>
          <p className="rounded-lg bg-warn-soft p-2.5 text-[0.93rem] text-warn">
            <span aria-hidden="true">● </span>
            <Text text={agent.stop ?? 'It is paused.'} />
          </p>
          <Link to="/agents" className="link text-[0.93rem]">
            Resume it under Agents
          </Link>
        </>
      ) : (
        <>
          <p className="text-[0.93rem] text-muted">
            If it should do nothing more for now, whatever becomes of this hold:
          </p>
          <div>
            <Button tone="danger" onClick={() => setIsAsking(true)}>
              Pause this agent
            </Button>
          </div>
        </>
      )}
      {isAsking && <PauseDialog name={name} note={note} onClose={() => setIsAsking(false)} />}
    </Panel>
  );
}
