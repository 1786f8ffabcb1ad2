/** Agents, and what is found about them, as lines for people. A gateway elsewhere is shown inert, too. */
import type { AnswerOf } from './api/api-client.ts';
import { facts, fromNow, oneLine, type Paint, table, when } from './print.ts';

export type AgentShown = AnswerOf<'agents.show'>;
type TokenShown = AgentShown['tokens'][number];

export function agentRows(agents: readonly AgentShown[], now: Date): string[][] {
  const rows = agents.flatMap((agent) => {
    const start = [agent.name, agent.state, agent.owner?.name ?? '-'];
    if (agent.tokens.length === 0) return [[...start, 'no live token', '', '', '', '']];
    return agent.tokens.map((token) => [...start, ...tokenCells(token, now)]);
  });
  return rows.map((cells) => cells.map(oneLine));
}

function tokenCells(token: TokenShown, now: Date): string[] {
  return [
    token.id,
    token.environment,
    token.targets.join(', ') || 'all',
    fromNow(new Date(token.expiresAt), now),
    useWords(token, now),
  ];
}

function useWords({ lastUse }: TokenShown, now: Date): string {
  if (lastUse === null) return 'never used';
  const { at, protocol, source } = lastUse;
  return `${fromNow(new Date(at), now)} from ${source} (${protocol})`;
}

export function agentLines(agent: AgentShown, now: Date, paint: Paint): string[] {
  const { effective, owner, parent } = agent;
  const list = (names: readonly string[] | null, none: string): string =>
    names === null || names.length === 0 ? none : names.join(', ');
  return [
    ...inertFacts(
      [
        ['agent', agent.name],
        ['id', agent.id],
        ['state', agent.stop === null ? agent.state : `${agent.state}: ${agent.stop}`],
        ['purpose', agent.purpose === '' ? '-' : agent.purpose],
        ['owner', owner === null ? '-' : `${owner.name}${owner.isRemoved ? ' (removed)' : ''}`],
        ['parent', parent ?? '-'],
        ['sub-agents', list(agent.children, '-')],
        ['environments', list(agent.environments, 'any of its tokens')],
        ['targets', list(agent.targets, 'any of its tokens')],
        ['effects', list(agent.effectKinds, 'all')],
        ['hours', agent.workingHours ?? 'always'],
        ['expires', agent.expiresAt === null ? 'never' : when(new Date(agent.expiresAt))],
        ['added', when(new Date(agent.addedAt))],
      ],
      paint,
    ),
    ...(parent === null
      ? []
      : [
          '',
          `With what ${oneLine(parent)} may not taken off:`,
          ...inertFacts(
            [
              ['environments', effectiveWords(effective.environments, 'any of its tokens')],
              ['targets', effectiveWords(effective.targets, 'any of its tokens')],
              ['effects', effectiveWords(effective.effectKinds, 'all')],
              ['hours', effective.workingHours.join('; and ') || 'always'],
              [
                'expires',
                effective.expiresAt === null ? 'never' : when(new Date(effective.expiresAt)),
              ],
            ],
            paint,
          ).map((line) => `  ${line}`),
        ]),
    '',
    ...(agent.tokens.length === 0
      ? ['No live token.']
      : table(
          ['token', 'environment', 'targets', 'expires', 'last use'],
          agent.tokens.map((token) => tokenCells(token, now).map(oneLine)),
          paint,
        )),
  ];
}

function inertFacts(pairs: readonly (readonly [string, string])[], paint: Paint): string[] {
  return facts(
    pairs.map(([name, value]) => {
      const line = oneLine(value);
      return [name, name === 'agent' ? paint.bold(line) : line];
    }),
    paint,
  );
}

/** Empty is nothing at all here. */
function effectiveWords(names: readonly string[] | null, any: string): string {
  return names === null ? any : names.join(', ') || 'nothing';
}

export function findingLines(
  findings: readonly AnswerOf<'agents.findings'>['items'][number][],
  paint: Paint,
): string[] {
  return findings.flatMap(({ about, code, fix, severity }) => [
    `  ${severity === 'act' ? paint.red('✗') : paint.yellow('!')} ${oneLine(about)} ${paint.dim(`(${oneLine(code)})`)}`,
    `    ${paint.dim(`do: ${oneLine(fix)}`)}`,
  ]);
}
