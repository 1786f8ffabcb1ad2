/** Agents: what they are for, what they may, and stopping them. Tokens: `agent-tokens.ts`. */
import type { Command } from 'commander';
import { type SettingOptions, settingsFrom, withSettings } from '../agent-options.ts';
import { agentLines, agentRows, findingLines } from '../agent-words.ts';
import { allOf } from '../api/api-client.ts';
import { type Context, NO, type Run } from '../command.ts';
import { type Answer, oneLine, table } from '../print.ts';
import { withApi } from '../with-api.ts';
import { addAgentTokens } from './agent-tokens.ts';

export function addAgents(program: Command, run: Run): void {
  const agents = program.command('agents').description('Agents and their tokens');

  const add = withSettings(
    agents
      .command('add')
      .description('Add an agent: one piece of software, never shared')
      .argument('<name>', 'what it is called in holds and in the trail, for example cursor-backend')
      .requiredOption('--purpose <text>', 'what it is for, in one sentence')
      .option('--parent <agent>', 'it is a sub-agent of that one, and may no more than it'),
  );
  add.action((name: string, options: AddOptions) =>
    run(add, (context) => addAgent(context, name, options)),
  );

  const set = withSettings(
    agents
      .command('set')
      .description('Change what an agent is for and what it may; counts at once')
      .argument('<agent>', 'its name')
      .option('--purpose <text>', 'what it is for, in one sentence'),
  );
  set.action((name: string, options: SettingOptions) =>
    run(set, (context) => setAgent(context, name, options)),
  );

  const list = agents
    .command('list')
    .description('Agents, and the tokens of theirs that are live, with their last use')
    .action(() => run(list, listAgents));

  const show = agents
    .command('show')
    .description('One agent: what it may, with its parents, and its tokens')
    .argument('<agent>', 'its name')
    .action((name: string) => run(show, (context) => showAgent(context, name)));

  const findings = agents
    .command('findings')
    .description('What is to be done about agents, tokens and sealed credentials')
    .addHelpText('after', '\nExit code 0: nothing was found; 1: something is to be done.')
    .action(() => run(findings, showFindings));

  const pause = agents
    .command('pause')
    .description('Stop an agent and those below it: live connections end at once')
    .argument('<agent>', 'its name')
    .requiredOption('--note <text>', 'why; the agent is told')
    .action((name: string, options: { readonly note: string }) =>
      run(pause, (context) => pauseAgent(context, name, options.note)),
    );

  const resume = agents
    .command('resume')
    .description('Let a paused agent go on')
    .argument('<agent>', 'its name')
    .option('--note <text>', 'why', '')
    .action((name: string, options: { readonly note: string }) =>
      run(resume, (context) => resumeAgent(context, name, options.note)),
    );

  addAgentTokens(agents, run);
}

interface AddOptions extends SettingOptions {
  readonly purpose: string;
  readonly parent?: string;
}

async function addAgent(context: Context, name: string, options: AddOptions): Promise<Answer> {
  const { parent, purpose, ...said } = options;
  const settings = settingsFrom(said, context.clock.now());
  const above = parent === undefined ? {} : { parent };
  const agent = await withApi(context, (api) =>
    api.call('agents.add', { body: { name, ...settings, purpose, ...above } }),
  );
  return {
    json: { agent },
    lines: () => [
      `Added agent ${name} (${oneLine(agent.id)}).`,
      ...(agent.owner === null
        ? [`Say who answers for it: holdfast agents set ${name} --owner PERSON`]
        : []),
      `Next: holdfast agents token ${name} --env ENVIRONMENT`,
    ],
  };
}

async function setAgent(context: Context, name: string, options: SettingOptions): Promise<Answer> {
  const body = settingsFrom(options, context.clock.now());
  const agent = await withApi(context, (api) =>
    api.call('agents.change', { params: { name }, body }),
  );
  return {
    json: { agent },
    lines: (paint) => agentLines(agent, context.clock.now(), paint),
  };
}

async function pauseAgent(context: Context, name: string, note: string): Promise<Answer> {
  const { agent, changed } = await withApi(context, (api) =>
    api.call('agents.pause', { params: { name }, body: { note } }),
  );
  const below = agent.children.length === 0 ? '' : ' and those below it';
  return {
    json: { agent, changed },
    lines: () => [
      changed
        ? `Paused ${name}${below}. Live connections end at once.`
        : `${name} was paused already: ${oneLine(agent.stop ?? '')}`,
      `Let it go on with: holdfast agents resume ${name}`,
    ],
  };
}

async function resumeAgent(context: Context, name: string, note: string): Promise<Answer> {
  const { agent, changed } = await withApi(context, (api) =>
    api.call('agents.resume', { params: { name }, body: { note } }),
  );
  return {
    json: { agent, changed },
    lines: () => [
      changed ? `${name} is not paused any more.` : `${name} was not paused.`,
      ...(agent.stop === null ? [] : [`It still may nothing now: ${oneLine(agent.stop)}.`]),
    ],
  };
}

async function listAgents(context: Context): Promise<Answer> {
  const agents = await withApi(context, (api) =>
    allOf((page) => api.call('agents.list', { query: page })),
  );
  const rows = agentRows(agents, context.clock.now());
  const head = [
    'agent',
    'state',
    'owner',
    'token',
    'environment',
    'targets',
    'expires',
    'last use',
  ];
  return {
    json: { agents },
    lines: (paint) =>
      agents.length === 0
        ? ["No agents yet. Add one: holdfast agents add NAME --purpose '…'"]
        : table(head, rows, paint),
  };
}

async function showAgent(context: Context, name: string): Promise<Answer> {
  const agent = await withApi(context, (api) => api.call('agents.show', { params: { name } }));
  return { json: { agent }, lines: (paint) => agentLines(agent, context.clock.now(), paint) };
}

async function showFindings(context: Context): Promise<Answer> {
  const { items: findings } = await withApi(context, (api) => api.call('agents.findings', {}));
  return {
    json: { findings },
    lines: (paint) =>
      findings.length === 0
        ? ['All is well: nothing to be done about agents, tokens and sealed credentials.']
        : [...findingLines(findings, paint), '', `${findings.length} to be done.`],
    ...(findings.length === 0 ? {} : { exit: NO }),
  };
}
