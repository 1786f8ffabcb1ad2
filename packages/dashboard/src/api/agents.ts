/**
 * Agents as the API lists them. The contract of agents comes after this page; until then these are the
 * shapes it is built for, and whatever an older gateway leaves out is shown as not said.
 */
import { queryOptions } from '@tanstack/react-query';
import { send } from './client.ts';

export interface AgentToken {
  readonly id: string;
  readonly environment: string;
  /** Empty: every target of the environment. */
  readonly targets: readonly string[];
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly lastUse?: {
    readonly at: string;
    readonly source: string;
    readonly protocol: string;
  } | null;
}

export interface AgentShown {
  readonly id: string;
  readonly name: string;
  readonly addedAt: string;
  readonly tokens: readonly AgentToken[];
  readonly purpose?: string;
  readonly owner?: { readonly name: string; readonly isRemoved: boolean } | null;
  readonly environments?: readonly string[];
  readonly targets?: readonly string[];
  readonly effectKinds?: readonly string[] | null;
  readonly workingHours?: string | null;
  readonly expiresAt?: string | null;
  readonly parent?: string | null;
  readonly children?: readonly string[];
  readonly paused?: { readonly at: string; readonly by: string; readonly note: string } | null;
  readonly state?: 'active' | 'paused' | 'expired' | 'off-hours';
  readonly stop?: string | null;
}

const AGENTS_MAX = 200;

export const agentsQuery = queryOptions({
  queryKey: ['agents'],
  queryFn: ({ signal }) =>
    send<{ items: readonly AgentShown[]; next: string | null }>('GET /v1/agents', {
      query: { limit: AGENTS_MAX },
      signal,
    }),
});

export function revokeTokens(name: string): Promise<unknown> {
  return send('DELETE /v1/agents/:name/tokens', { params: { name } });
}

export function revokeToken(id: string): Promise<unknown> {
  return send('DELETE /v1/tokens/:id', { params: { id } });
}

export function pauseAgent(name: string, note: string): Promise<unknown> {
  return send('POST /v1/agents/:name/pause', { params: { name }, body: { note } });
}

export function resumeAgent(name: string): Promise<unknown> {
  return send('POST /v1/agents/:name/resume', { params: { name }, body: {} });
}
