/** Agents: what they are for, what they may, and stopping them. Tokens: `agent-tokens.ts`. */
import type { Command } from 'commander';
import { agentFindings } from '../../identity/agent-findings.ts';
import type { Rooms } from '../../rooms.ts';
import { type SettingOptions, settingsFrom, withSettings } from '../agent-options.ts';
import { agentLines, agentRows, findingLines } from '../agent-words.ts';
import { type Context, NO, type Run } from '../command.ts';
import { type Answer, oneLine, table } from '../print.ts';
import { usageError } from '../usage.ts';
import { withRooms } from '../with-rooms.ts';
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

/** A short command proves nobody's name. */
const BY = 'the command line';

async function addAgent(context: Context, name: string, options: AddOptions): Promise<Answer> {
  const { parent } = options;
  const added = await withRooms(context, async ({ agents, config }) => {
    const settings = settingsFrom(config, options, context.clock.now());
    await agents.add(name, { ...settings, ...(parent === undefined ? {} : { parent }) }, BY);
    return await agents.show(name);
  });
  return {
    json: { agent: added },
    lines: () => [
      `Added agent ${name} (${added.id}).`,
      ...(added.owner === null
        ? [`Say who answers for it: holdfast agents set ${name} --owner PERSON`]
        : []),
      `Next: holdfast agents token ${name} --env ENVIRONMENT`,
    ],
  };
}

async function setAgent(context: Context, name: string, options: SettingOptions): Promise<Answer> {
  const changed = await withRooms(context, async ({ agents, config }) => {
    const settings = settingsFrom(config, options, context.clock.now());
    if (Object.keys(settings).length === 0) {
      const hint = 'See `holdfast agents set --help`.';
      throw usageError('something to change', 'nothing', hint);
    }
    await agents.change(name, settings, BY);
    return await agents.show(name);
  });
  return {
    json: { agent: changed },
    lines: (paint) => agentLines(changed, context.clock.now(), paint),
  };
}

async function pauseAgent(context: Context, name: string, note: string): Promise<Answer> {
  const { agent, isNew } = await withRooms(context, async ({ agents }) => {
    const isNew = await agents.pause(name, { by: BY, note });
    return { isNew, agent: await agents.show(name) };
  });
  const below = agent.children.length === 0 ? '' : ' and those below it';
  return {
    json: { agent, changed: isNew },
    lines: () => [
      isNew
        ? `Paused ${name}${below}. Live connections end at once.`
        : `${name} was paused already: ${oneLine(agent.stop ?? '')}`,
      `Let it go on with: holdfast agents resume ${name}`,
    ],
  };
}

async function resumeAgent(context: Context, name: string, note: string): Promise<Answer> {
  const { agent, isNew } = await withRooms(context, async ({ agents }) => {
    const isNew = await agents.resume(name, { by: BY, note });
    return { isNew, agent: await agents.show(name) };
  });
  return {
    json: { agent, changed: isNew },
    lines: () => [
      isNew ? `${name} is not paused any more.` : `${name} was not paused.`,
      ...(agent.stop === null ? [] : [`It still may nothing now: ${oneLine(agent.stop)}.`]),
    ],
  };
}

async function listAgents(context: Context): Promise<Answer> {
  const agents = await withRooms(context, (rooms) => rooms.agents.list());
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
  const agent = await withRooms(context, (rooms) => rooms.agents.show(name));
  return { json: { agent }, lines: (paint) => agentLines(agent, context.clock.now(), paint) };
}

export async function findingsIn({ agents, config, credentials, people }: Rooms, now: Date) {
  return agentFindings({
    agents: await agents.list(),
    credentials: await credentials.list(),
    people: await people.list(),
    rotation: config.credentials,
    now,
  });
}

async function showFindings(context: Context): Promise<Answer> {
  const findings = await withRooms(context, (rooms) => findingsIn(rooms, context.clock.now()));
  return {
    json: { findings },
    lines: (paint) =>
      findings.length === 0
        ? ['All is well: nothing to be done about agents, tokens and sealed credentials.']
        : [...findingLines(findings, paint), '', `${findings.length} to be done.`],
    ...(findings.length === 0 ? {} : { exit: NO }),
  };
}
