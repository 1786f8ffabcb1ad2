/**
 * `holdfast recovery undelete`: undoes a mass delete in an S3 vault, for programs that see newest versions only;
 * Holdfast itself reads as of a time and needs none of it. By the restorer's keys: where holdfast.yaml says they
 * lie, else asked for, and kept nowhere. A look that counts comes first, always; --apply goes on from there.
 */
import type { Command } from 'commander';
import type { Config, Env } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { resolveSecret } from '../../config/upstream.ts';
import { momentOf } from '../../protection/undo/selection.ts';
import type { S3Keys } from '../../recovery/vaults/s3/place.ts';
import { type Undeleted, type UndeleteOrder, undelete } from '../../recovery/vaults/s3/undelete.ts';
import { type Context, NO, onThisMachine, type Run } from '../command.ts';
import { type Answer, oneLine, type Paint, visible } from '../print.ts';
import { readHidden } from '../read-code.ts';
import { usageError } from '../usage.ts';
import { withRooms } from '../with-rooms.ts';

interface UndeleteWords {
  readonly asOf: string;
  readonly prefix?: string;
  readonly apply?: boolean;
}

const KEEP_MS_MIN = 7 * 24 * 60 * 60 * 1000;
const SHOWN_MS = 250;

export function addUndelete(recovery: Command, run: Run): void {
  const command = recovery
    .command('undelete')
    .description('Undo a mass delete in an S3 vault; a look that changes nothing, unless --apply')
    .argument('<vault>', 'a vault of kind s3 in holdfast.yaml')
    .requiredOption('--as-of <time>', 'how it was then: 14:00 or 2026-11-21T14:00:00Z (UTC)')
    .option('--prefix <keys>', 'only keys that begin so: shop/')
    .option('--apply', 'remove the delete markers set since, and put old versions on top again')
    .addHelpText(
      'after',
      '\nWith the keys of the restorer: as holdfast.yaml says, else asked for as "ID SECRET" on one line, and\n' +
        'kept nowhere. Exit code 1 when something could not be brought back. It can be run again.',
    )
    .action((vault: string, words: UndeleteWords) =>
      run(command, (context) => undeleteIn(context, vault, words)),
    );
  onThisMachine(command);
}

async function undeleteIn(context: Context, vault: string, words: UndeleteWords): Promise<Answer> {
  const { clock, configPath, env, interrupt } = context;
  const config = loadConfig(configPath, env);
  const place = placeOf(config, vault);
  const asOf = momentOf(words.asOf, clock.now());
  if (asOf === null) {
    throw usageError('--as-of as 14:00 or 2026-11-21T14:00Z', words.asOf, 'Times are UTC.');
  }
  const restorer = await keysOf(context, place.restorer, env);
  const stop = new AbortController();
  void interrupt.happened.then(() => stop.abort(new Error('stopped by Ctrl-C')));
  const prefix = words.prefix ?? '';
  const order = {
    ...{ place, restorer, clock, prefix, asOf, signal: stop.signal },
    retainUntil: new Date(clock.now().getTime() + keepMsOf(config, vault)),
  };
  const looked = await interrupt.race(told(context, { ...order, mode: 'look' }, null));
  const isApplied = words.apply === true;
  const found = isApplied ? await applied(context, vault, order, looked) : looked;
  return {
    json: { vault, asOf: asOf.toISOString(), prefix, applied: isApplied, ...found },
    lines: (paint) => linesOf(found, isApplied, paint),
    ...(found.failures > 0 ? { exit: NO } : {}),
  };
}

/** Written down before and after: the trail has who touched a vault. */
function applied(
  context: Context,
  vault: string,
  order: Omit<UndeleteOrder, 'mode' | 'tell'>,
  { keys }: Undeleted,
): Promise<Undeleted> {
  return withRooms(context, async (rooms) => {
    const facts = { vault, prefix: order.prefix, asOf: order.asOf.toISOString() };
    await rooms.record({
      kind: 'vault-undeleting',
      facts: { ...facts, keys },
      message: `A mass delete in ${vault} is being undone, as of ${facts.asOf}.`,
    });
    const done = await told(context, { ...order, mode: 'apply' }, keys);
    const { copiedBack, failures, markersRemoved, newer } = done;
    await rooms.note({
      kind: 'vault-undeleted',
      facts: { ...facts, keys: done.keys, markersRemoved, copiedBack, newer, failures },
      message: `In ${vault} ${markersRemoved} delete markers were removed and ${copiedBack} versions put on top again; ${failures} failed.`,
    });
    return done;
  });
}

/** One line that is written over, on a terminal only. `total`: keys, once they were counted. */
async function told(
  { clock, json, streams }: Context,
  order: Omit<UndeleteOrder, 'tell'>,
  total: number | null,
): Promise<Undeleted> {
  const { err } = streams;
  const isShown = err.isTTY === true && !json;
  let shownMs = Number.NEGATIVE_INFINITY;
  const done = await undelete({
    ...order,
    tell: ({ keys, keysPerSecond }) => {
      if (!isShown || clock.monotonicMs() - shownMs < SHOWN_MS) return;
      shownMs = clock.monotonicMs();
      const left =
        total === null || keysPerSecond === 0
          ? ''
          : `, ${Math.ceil(Math.max(0, total - keys) / keysPerSecond)} s left`;
      const of = total === null ? '' : ` of ${total}`;
      err.write(`\r\x1b[K${keys}${of} keys, ${keysPerSecond}/s${left}`);
    },
  });
  if (isShown) err.write('\r\x1b[K');
  return done;
}

function linesOf(found: Undeleted, isApplied: boolean, paint: Paint): readonly string[] {
  const { copiedBack, failed, failures, keys, markersRemoved, newer } = found;
  const does = isApplied ? '' : 'would be ';
  return [
    `${keys} keys: ${markersRemoved} delete markers ${does}removed, ${copiedBack} versions ${does}put on top again.`,
    `${newer} came later, and are left as they are.`,
    ...(failures === 0 ? [] : [paint.red(`${failures} could not be brought back:`)]),
    ...failed.map((one) => `  ${oneLine(one)}`),
    ...(isApplied ? [] : ['Nothing was changed; --apply does it.']),
  ];
}

function placeOf({ vaults }: Config, name: string) {
  const stores = vaults.flatMap(({ name: one, way }) =>
    way.kind === 's3' ? [{ name: one, way }] : [],
  );
  const found = stores.find((one) => one.name === name);
  if (found !== undefined) return found.way;
  throw usageError(
    'a vault of kind s3 in holdfast.yaml',
    visible(name),
    `There are ${stores.map((one) => one.name).join(', ') || 'none'}.`,
  );
}

type S3Way = ReturnType<typeof placeOf>;

async function keysOf({ streams }: Context, config: S3Way['restorer'], env: Env): Promise<S3Keys> {
  if (config !== null) {
    return {
      accessKeyId: resolveSecret(config.accessKeyId, env),
      secretAccessKey: resolveSecret(config.secretAccessKey, env),
    };
  }
  const line = await readHidden('ID and secret of the restorer', streams.in, (text) =>
    streams.err.write(text),
  );
  const [accessKeyId = '', secretAccessKey = '', ...more] = line.trim().split(/\s+/);
  if (accessKeyId !== '' && secretAccessKey !== '' && more.length === 0) {
    return { accessKeyId, secretAccessKey };
  }
  throw usageError(
    'the restorer’s access key ID and secret, with a space between',
    'something else',
    'Say it on standard input, or name where it lies under `restorer` of the vault.',
  );
}

/** As long as what targets keep there is kept. */
function keepMsOf({ targets }: Config, vault: string): number {
  const kept = targets.flatMap(({ recovery }) =>
    recovery?.vaults.includes(vault) === true ? [recovery.keepMs] : [],
  );
  return Math.max(KEEP_MS_MIN, ...kept);
}
