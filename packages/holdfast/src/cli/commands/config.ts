import type { Command } from 'commander';
import { checkConfig, missingSecrets } from '../../config/check-config.ts';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { messageOf } from '../../model/errors.ts';
import { identityWarnings } from '../../recovery/identities.ts';
import { checkTarget, openTarget } from '../../wiring.ts';
import { type Context, onThisMachine, type Run } from '../command.ts';
import { type Answer, facts, table } from '../print.ts';
import { withTarget } from './protect.ts';

export function addConfig(program: Command, run: Run): void {
  const config = program.command('config').description('The configuration file');
  const check = config
    .command('check')
    .description('Read holdfast.yaml and say everything that is wrong or worth knowing in it')
    .option('--targets', 'also ask each target how far it is protected')
    .action((options: { readonly targets?: boolean }) =>
      run(check, (context) => checkFile(context, options.targets === true)),
    );
  onThisMachine(check);
}

/** Its level by name, `none`, or why it could not be asked. */
async function protectionsOf(
  config: Config,
  { clock, env }: Context,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const target of config.targets) {
    try {
      const check = await withTarget(openTarget(target, env), (db) =>
        checkTarget(db, target, clock),
      );
      const drift = check.findings.length === 0 ? '' : ` (${check.findings.length} findings)`;
      found.set(target.name, `${check.level}${drift}`);
    } catch (error) {
      found.set(target.name, `unknown: ${messageOf(error)}`);
    }
  }
  return found;
}

function sealWords({ seal: { key } }: Config): string {
  if (key.kind === 'kept') return 'seal.key in the key folder';
  return key.kind === 'file' ? key.path : `from the program ${key.command[0]}, which was not run`;
}

async function checkFile(context: Context, asks: boolean): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const missing = missingSecrets(config, context.env);
  const identities = await identityWarnings(config, context.env);
  const warnings = [...checkConfig(config), ...identities, ...missing];
  const levels = new Map(config.environments.map(({ name, level }) => [name, level]));
  const protections = asks ? await protectionsOf(config, context) : null;
  const targets = config.targets.map(({ name, environment }) => ({
    name,
    environment,
    level: levels.get(environment) ?? 'sealed',
    ...(protections === null ? {} : { protection: protections.get(name) ?? 'unknown' }),
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
          ['seal key', sealWords(config)],
        ],
        paint,
      ),
      '',
      ...table(
        ['target', 'environment', 'level', ...(asks ? ['protection'] : [])],
        targets.map((one) => [
          one.name,
          one.environment,
          one.level,
          ...(one.protection === undefined ? [] : [one.protection]),
        ]),
        paint,
      ),
      ...warnings.flatMap(({ code, path, found, hint }) => [
        '',
        `${paint.yellow('note')} ${paint.bold(path)}: ${found}${code === undefined ? '' : ` (${code})`}`,
        `     ${hint}`,
      ]),
      '',
      missing.length === 0
        ? `${paint.green('✓')} The configuration can be used.`
        : `${paint.yellow('○')} The file is right; ${missing.length} secret(s) it names are missing in this environment.`,
    ],
  };
}
