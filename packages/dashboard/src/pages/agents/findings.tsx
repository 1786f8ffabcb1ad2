/** What is to be done about agents, tokens and sealed credentials, with the command that does it. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type AgentFinding, agentFindingsQuery } from '../../api/agents.ts';
import { plural } from '../../lib/measures.ts';
import { Badge } from '../../ui/badge.tsx';
import { Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';

const SEVERITIES = {
  act: { tone: 'danger', words: 'to do' },
  warn: { tone: 'warn', words: 'look at' },
} as const;

export function AgentFindings(): ReactNode {
  const items: readonly AgentFinding[] = useQuery(agentFindingsQuery).data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Panel title={`${plural(items.length, 'finding')} to be done`}>
      <ul className="grid gap-2.5">
        {items.map((finding) => {
          const { tone, words } = SEVERITIES[finding.severity];
          return (
            <li key={`${finding.code} ${finding.about}`} className="grid gap-0.5">
              <span>
                <Badge tone={tone} title={finding.code}>
                  {words}
                </Badge>{' '}
                <Text text={finding.about} />
              </span>
              <span className="text-[0.87rem] text-muted">
                <Text text={finding.fix} />
              </span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
