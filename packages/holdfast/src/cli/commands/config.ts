import type { Command } from 'commander';
import { checkConfig } from '../../config/check-config.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { Context, Run } from '../command.ts';
import { type Answer, facts, table } from '../print.ts';

export function addConfig(program: Command, run: Run): void {
  const config = program.command('config').description('The configuration file');
  const check = config
    .command('check')
    .description('Read holdfast.yaml and say everything that is wrong or worth knowing in it')
    .action(() => run(check, checkFile));
}

async function checkFile(context: Context): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const warnings = checkConfig(config);
  const levels = new Map(config.environments.map(({ name, level }) => [name, level]));
  const targets = config.targets.map(({ name, environment }) => ({
    name,
    environment,
    level: levels.get(environment) ?? 'sealed',
  }));
  const store =
    config.store.kind === 'url'
      ? 'a PostgreSQL of yours'
      : `embedded, in ${config.store.dataFolder}`;
  return {
    json: { path: config.path, listen: config.listen, targets, warnings },
    lines: (paint) => [
      ...facts(
        [
          ['file', config.path ?? ''],
          ['listen', `${config.listen.host}:${config.listen.port}, TLS ${config.listen.tls.kind}`],
          ['store', store],
        ],
        paint,
      ),
      '',
      ...table(
        ['target', 'environment', 'level'],
        targets.map((one) => [one.name, one.environment, one.level]),
        paint,
      ),
      ...warnings.flatMap(({ path, found, hint }) => [
        '',
        `${paint.yellow('note')} ${paint.bold(path)}: ${found}`,
        `     ${hint}`,
      ]),
      '',
      `${paint.green('✓')} The configuration can be used.`,
    ],
  };
}
