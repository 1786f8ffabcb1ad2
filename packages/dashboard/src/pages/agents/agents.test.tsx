import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { type AgentToken, agentFindingsQuery } from '../../api/agents.ts';
import { sessionQuery } from '../../api/queries.ts';
import type { Permission } from '../../shell/session.ts';
import { AgentFindings } from './findings.tsx';
import { StopAgent } from './stop-agent.tsx';
import { Tokens } from './tokens.tsx';

const HOSTILE = '<img src=x onerror=alert(1)>\u202ex';

const TOKEN: AgentToken = {
  id: 'token_1',
  environment: 'production',
  targets: [HOSTILE],
  issuedAt: '2026-11-01T00:00:00.000Z',
  expiresAt: '2026-11-02T00:00:00.000Z',
  lastUse: { at: '2026-11-01T01:00:00.000Z', source: HOSTILE, protocol: 'postgres' },
};

function shown(page: ReactNode, may: readonly Permission[], more?: (of: QueryClient) => void) {
  const queries = new QueryClient();
  queries.setQueryData(sessionQuery.queryKey, {
    person: null,
    may: [...may],
    isNew: false,
    sso: null,
  });
  more?.(queries);
  return renderToStaticMarkup(<QueryClientProvider client={queries}>{page}</QueryClientProvider>);
}

describe('the tokens of an agent', () => {
  it('say when and from where each was last used, with nothing of strangers alive', () => {
    const html = shown(<Tokens tokens={[TOKEN]} />, []);
    expect(html).not.toContain('<img');
    expect(html).not.toContain('\u202e');
    expect(html).toContain('dateTime="2026-11-01T01:00:00.000Z"');
    expect(html).toContain('postgres');
    expect(shown(<Tokens tokens={[{ ...TOKEN, lastUse: null }]} />, [])).toContain('never');
  });

  it('are taken back by those only who may stop agents', () => {
    expect(shown(<Tokens tokens={[TOKEN]} />, ['agents.manage'])).not.toContain('<button');
    expect(shown(<Tokens tokens={[TOKEN]} />, ['agents.stop'])).toContain(
      'Revoke the token token_1',
    );
  });
});

describe('beside a hold', () => {
  const stop = <StopAgent name="cursor" note="seen at hold_1" />;
  it('the agent is paused by one button, for those only who may stop agents', () => {
    expect(shown(stop, ['agents.stop'])).toMatch(/<button[^>]*>Pause this agent<\/button>/);
    expect(shown(stop, ['holds.decide', 'agents.manage'])).toBe('');
  });
});

it('shows nothing where nothing was found, and what to do where something was', () => {
  expect(shown(<AgentFindings />, [])).toBe('');
  const html = shown(<AgentFindings />, [], (queries) =>
    queries.setQueryData(agentFindingsQuery.queryKey, {
      items: [
        { code: 'agent.no-owner', severity: 'warn', subject: 'x', about: HOSTILE, fix: 'do it' },
      ],
    }),
  );
  expect(html).toContain('1 finding to be done');
  expect(html).toContain('do it');
  expect(html).not.toContain('<img');
});
