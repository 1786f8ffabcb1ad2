/** What people cannot do about agents, and in which words they are told. */
import type { Stop } from '../model/allowance.ts';
import { HoldfastError } from '../model/errors.ts';
import { TOKEN_LIFE_MS_MAX } from '../model/limits.ts';
import { type EffectiveScope, tokenTargets, widerThan } from './agent-scope.ts';
import type { AgentSettings } from './agent-store.ts';

export function scopedTargets(
  agent: string,
  scope: EffectiveScope,
  { environment, targets }: { readonly environment: string; readonly targets: readonly string[] },
): readonly string[] {
  const wanted = [...new Set(targets)];
  const beyond = widerThan(scope, {
    environments: [environment],
    targets: wanted,
    effectKinds: null,
    expiresAt: null,
  });
  const found = tokenTargets(scope, environment, wanted);
  if (beyond.length === 0 && found !== null) return found;
  throw new HoldfastError('HF_AGENT_SCOPE', {
    expected: `what agent ${agent} may, with its parents: ${scopeWords(scope)}`,
    found: beyond.join(', ') || 'nothing that is left',
    hint: `See \`holdfast agents show ${agent}\`; a person may change it with \`holdfast agents set\`.`,
  });
}

function scopeWords({ environments, targets }: EffectiveScope): string {
  const words = (what: string, names: ReadonlySet<string> | null): string =>
    names === null ? `any ${what}` : `${what} ${[...names].join(', ') || 'none'}`;
  return `${words('environment', environments)}; ${words('target', targets)}`;
}

export function refuseWider(parent: string, scope: EffectiveScope, settings: AgentSettings): void {
  const beyond = widerThan(scope, settings);
  if (beyond.length === 0) return;
  throw new HoldfastError('HF_AGENT_SCOPE', {
    expected: `no more than its parent ${parent} may`,
    found: beyond.join(', '),
    hint: `A sub-agent can only narrow. See \`holdfast agents show ${parent}\`.`,
  });
}

export function stopped({ code, reason: why }: Stop): HoldfastError {
  return new HoldfastError(code, {
    expected: 'an agent that may work',
    found: why,
    hint: 'Resume it with `holdfast agents resume`, or set another expiry with `holdfast agents set`.',
  });
}

export function checkLife(lifeMs: number): number {
  if (Number.isFinite(lifeMs) && lifeMs > 0 && lifeMs <= TOKEN_LIFE_MS_MAX) return lifeMs;
  throw new HoldfastError('HF_LIMIT', {
    expected: `a token life above 0 and up to ${TOKEN_LIFE_MS_MAX / 86_400_000} days`,
    found: `${lifeMs / 86_400_000} days`,
    hint: 'Issue a shorter one; a new token is one command away.',
  });
}

export function unknownAgent(name: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the name of an agent',
    found: `no agent named ${name}`,
    hint: 'See `holdfast agents list`, or add it with `holdfast agents add`.',
  });
}

export function unknownToken(id: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the id of a token (token_…, not the token itself)',
    found: `no token ${id.startsWith('hf_') ? 'by that text' : id}`,
    hint: 'See `holdfast agents list`.',
  });
}
