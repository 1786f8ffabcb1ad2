import type { Command } from 'commander';
import { checkConfig, missingSecrets } from '../../config/check-config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { HoldfastError } from '../../model/errors.ts';
import { type Context, onThisMachine, type Run } from '../command.ts';
import { createLog } from '../log.ts';
import type { Answer, Streams } from '../print.ts';

export function addUp(program: Command, run: Run): void {
  const up = program
    .command('up')
    .description('Run the gateway on your holdfast.yaml, until Ctrl-C')
    .addHelpText(
      'after',
      '\nCtrl-C ends sessions, writes the last entries and stops what it started; a second one ends\n' +
        'the process at once. The log goes to stderr: lines on a terminal, JSON otherwise.',
    )
    .action(() => run(up, runGateway));
  onThisMachine(up);
}

async function runGateway(context: Context): Promise<Answer> {
  const { clock, configPath, env, interrupt, streams } = context;
  const config = loadConfig(configPath, env);
  const log = createLog(streams.err, env, clock);
  for (const { path, found, hint } of checkConfig(config)) log.warn(`${path}: ${found}. ${hint}`);
  // Before anything is made or started: what is missing is named at once, and all of it.
  const missing = missingSecrets(config, env);
  if (missing.length > 0) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: 'the secrets that holdfast.yaml names to be there',
      found: missing.map(({ found, path }) => `${path}: ${found}`).join('; '),
      hint: 'Set them for the process that runs Holdfast, and start again.',
    });
  }
  // The whole gateway, which no other command needs.
  const { createHoldfast } = await import('../../holdfast.ts');
  const holdfast = await createHoldfast({
    config,
    env,
    clock,
    say: (level, message) => log[level](message),
  });
  try {
    const address = await interrupt.race(holdfast.start());
    log.info(`Holdfast listens on ${address.host}:${address.port}. Ctrl-C stops it.`);
    if (holdfast.dashboardUrl !== null) log.info(`Dashboard: ${holdfast.dashboardUrl}`);
    if (holdfast.firstOwnerUrl !== null) inviteFirst(holdfast.firstOwnerUrl, streams, log);
    const http = holdfast.httpAddress;
    if (http !== null) {
      const names = config.providers.map(({ name }) => `http://${http.host}:${http.port}/${name}`);
      log.info(`Providers are reached at ${names.join(', ')}.`);
    }
    await interrupt.happened;
    log.info('Stopping: sessions end, the last entries are written.');
  } finally {
    await holdfast.stop();
  }
  return { json: { stopped: true }, lines: () => ['Stopped.'] };
}

/** To the operator's terminal only: what a log keeps would be a key to the house. */
function inviteFirst(
  url: string,
  { err }: Streams,
  log: { readonly warn: (message: string) => void },
): void {
  if (err.isTTY === true) {
    err.write(
      `\nNobody can sign in yet. The first owner enrols here, once, within a day:\n  ${url}\n\n`,
    );
    return;
  }
  log.warn(
    'Nobody can sign in yet. Run `holdfast up` on a terminal to be shown the link for the first owner, or add them with `holdfast people add`.',
  );
}
