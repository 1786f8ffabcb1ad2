/** Agents as pages look them up; news of agents and of their tokens makes them look again. */
import { queryOptions } from '@tanstack/react-query';
import { type Answer, ask } from './client.ts';

export type AgentShown = Answer<'agents.show'>;
export type AgentToken = AgentShown['tokens'][number];
export type IssuedToken = Answer<'agents.issue'>;
export type AgentFinding = Answer<'agents.findings'>['items'][number];

const PAGE_ROWS = 200;

/** All of them, by name: each is offered as a parent, too. */
export const agentsQuery = queryOptions({
  queryKey: ['agents', 'list'],
  queryFn: async ({ signal }) => {
    const all: AgentShown[] = [];
    for (let cursor: string | null = null; ; ) {
      const from: { cursor?: string } = cursor === null ? {} : { cursor };
      const page: Answer<'agents.list'> = await ask('agents.list', {
        query: { limit: PAGE_ROWS, ...from },
        signal,
      });
      all.push(...page.items);
      if (page.next === null || page.next === cursor) return all;
      cursor = page.next;
    }
  },
});

export function agentQuery(name: string) {
  return queryOptions({
    queryKey: ['agents', 'one', name],
    queryFn: ({ signal }) => ask('agents.show', { params: { name }, signal }),
    retry: false,
  });
}

export const agentFindingsQuery = queryOptions({
  queryKey: ['agents', 'findings'],
  queryFn: ({ signal }) => ask('agents.findings', { signal }),
});
