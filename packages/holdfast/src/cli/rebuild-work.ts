/**
 * What of a rebuild is done on the machine where the copy lies: proposing it, putting its rows into the copy,
 * taking a batch back. The copy's server is started for the work, and stopped after it.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { assertionsOf, rebuildPartsOf } from '../act-runners.ts';
import type { Config, TargetConfig } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import type { TargetDatabase } from '../protection/target-database.ts';
import { momentOf } from '../protection/undo/selection.ts';
import {
  type ApplyReport,
  apply,
  capturedFrom,
  countsOf,
  digestOfProposal,
  parseMapping,
  propose,
  rollback,
} from '../recovery/rebuild/index.ts';
import type { Mapping } from '../recovery/rebuild/mapping/mapping.ts';
import { takeBackLive } from '../recovery/rebuild/promotion.ts';
import type { SourceInput } from '../recovery/rebuild/read-sources.ts';
import { outOfView } from '../recovery/rebuild/rebuild-journal.ts';
import type { CopyFacts, Standing } from '../recovery/rebuild/rebuilds.ts';
import type { RollbackReport } from '../recovery/rebuild/rollback.ts';
import { notedOf, putting, settle } from '../recovery/rebuild/settle.ts';
import { checkKept } from '../recovery/rebuild/sources/kept-copy.ts';
import type { RestoreWish } from '../recovery/restore/choose-point.ts';
import { openStandingCopy, viewOfCopy } from '../recovery/restore/standing-copy.ts';
import { rebuildFolder } from '../recovery-room.ts';
import type { Rooms } from '../rooms.ts';
import { adminConnectionOf, openTarget } from '../wiring.ts';
import { type Context, NO } from './command.ts';
import { named, teller } from './commands/recovery.ts';

import { codeOf } from './person-word.ts';
import { type Answer, oneLine } from './print.ts';
import { countWords } from './rebuild-asked.ts';
import { restoreInto } from './rebuild-restore.ts';
import { asOfWish } from './restore-choice.ts';
import { usageError } from './usage.ts';
import { withRooms } from './with-rooms.ts';

export interface ProposeWords {
  readonly mapping?: string;
  readonly source: readonly string[];
  readonly copy?: string;
  readonly at?: string;
  readonly vault?: string;
  readonly asOf?: string;
  readonly captured: boolean;
  readonly except: readonly string[];
}

export interface ApplyWords {
  readonly preview?: boolean;
  readonly apply?: boolean;
}

export interface RollbackWords {
  readonly from: string;
  readonly keepChanged?: boolean;
  readonly as?: string;
  readonly code?: string;
}

const STATEMENT_MS_MAX = 60 * 60 * 1000;
const SOURCES = 'sources';
const MACHINE = 'the command line';

export async function proposeRebuild(
  context: Context,
  name: string,
  words: ProposeWords,
): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const target = targetOf(config, named(config, name));
  if (words.mapping === undefined) {
    throw usageError('--mapping FILE', 'none', 'docs/recovery-rebuild.md has one to begin with.');
  }
  const mapping = parseMapping(textOf(words.mapping), words.mapping);
  const sources = words.source.map((said) => sourceOf(said, mapping));
  const at = momentSaid(words.at, context.clock.now());
  const asOf = asOfWish(words, context.clock.now());
  const copy = words.copy === undefined ? null : resolve(words.copy);
  if (copy !== null && isThere(copy) && asOf !== null) {
    throw usageError(
      '--as-of for a copy that is restored now',
      `one that stands in ${copy}`,
      'As of when its vault was read counts. Leave --as-of out, or restore another copy with it.',
    );
  }
  if (copy !== null && isThere(copy) && at === null) {
    throw usageError(
      '--at TIME beside --copy: the moment that the copy stands at',
      'none',
      'What was captured before it is in the copy already.',
    );
  }
  const tell = teller(context);
  const { id, kept, proposal } = await withRooms(context, async (rooms) => {
    const wished = { at, asOf, copy, vault: words.vault };
    const kept = await standingAt(context, rooms, target, wished, tell.say);
    const captured = words.captured
      ? capturedFrom({
          store: rooms.undoStore,
          target: target.name,
          since: kept.at,
          until: null,
          except: words.except,
        })
      : null;
    const proposal = await inCopy(context, target, kept.copy, (scratch) =>
      propose({
        target: target.name,
        scratch,
        mapping,
        sources,
        captured,
        copies: copiesOf(config, context),
      }),
    );
    const by = MACHINE;
    const id = await rooms.rebuilds.keep(proposal, { ...kept, by });
    return { id, proposal, kept };
  }).finally(() => tell.end());
  const counts = countsOf(proposal);
  return {
    json: {
      rebuild: id,
      target: target.name,
      table: `${proposal.schema}.${proposal.table}`,
      counts,
      loose: proposal.loose.length,
      digest: digestOfProposal(proposal),
      copy: kept.copy,
      at: kept.at.toISOString(),
      asOf: kept.asOf,
    },
    lines: (paint) => [
      `${paint.green('✓')} ${paint.bold(id)}: ${countWords(counts)}.`,
      ...(proposal.loose.length === 0
        ? []
        : [`${proposal.loose.length} records that were read are of no row: look at them.`]),
      `The copy is ${oneLine(kept.copy)}${outOfView(kept.asOf)}.`,
      '',
      `  holdfast recovery rebuild show ${id} --state CONFLICT`,
      `  holdfast recovery rebuild apply ${id} --preview`,
    ],
    ...(counts.READY === 0 ? { exit: NO } : {}),
  };
}

interface CopyWished {
  readonly copy: string | null;
  readonly at: Date | null;
  readonly asOf: string | null;
  readonly vault: string | undefined;
}

/** A copy that stands is used; else one is restored. */
async function standingAt(
  context: Context,
  rooms: Rooms,
  target: TargetConfig,
  { asOf, at, copy, vault }: CopyWished,
  say: Parameters<typeof restoreInto>[3],
): Promise<CopyFacts> {
  if (copy !== null && at !== null && isThere(copy)) return { copy, at, asOf: viewOfCopy(copy) };
  const unique = context.clock.random(6).toString('hex');
  const folder = copy ?? join(rebuildFolder(rooms.config, context.env), `copy-${unique}`);
  const wish: RestoreWish = at === null ? { kind: 'newest' } : { kind: 'at', at };
  const view = asOf === null ? null : new Date(asOf);
  const order = { target: target.name, vault: vault ?? null, wish, asOf: view, folder };
  const restored = await restoreInto(context, rooms, order, say);
  return { copy: folder, at: at ?? restored.until, asOf };
}

function isThere(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'root', 'data', 'PG_VERSION'), 'utf8') !== '';
  } catch {
    return false;
  }
}

export async function applyRebuild(
  context: Context,
  id: string,
  words: ApplyWords,
): Promise<Answer> {
  if (words.apply === true && words.preview === true) {
    throw usageError('--preview or --apply', 'both', 'Say one of them.');
  }
  const isDryRun = words.apply !== true;
  const report = await withRooms(context, async (rooms) => {
    const { rebuilds } = rooms;
    const standing = await rebuilds.show(id);
    const { digest, proposal, rebuild } = standing;
    const target = targetOf(rooms.config, rebuild.target);
    await checkKept(rebuild.facts.sources, copiesOf(rooms.config, context));
    const applying = (whenThere: 'refuse' | 'recognise'): Promise<ApplyReport> =>
      inCopy(context, target, rebuild.facts.copy, (scratch) =>
        apply({
          scratch,
          proposal,
          digest,
          assertions: assertionsOf(target),
          isDryRun,
          whenThere,
          person: MACHINE,
          clock: context.clock,
        }),
      );
    if (isDryRun) return await applying('refuse');
    // The journal has none there: what stands was cut off before it was written down.
    const report = await putting(rebuilds, standing, 'copy', MACHINE, () => applying('recognise'));
    await rebuilds.done(id, 'copy', report, MACHINE);
    return report;
  });
  return {
    json: { rebuild: id, isDryRun, report },
    lines: (paint) => [
      isDryRun
        ? `${paint.bold(String(report.inserted))} rows would go into the copy; all checks passed, and it was taken back.`
        : `${paint.green('✓')} ${report.inserted} rows are in the copy, as ${paint.bold(report.batch ?? '')}.`,
      ...(report.isRecognised
        ? ['They were there before: who put them in was cut off. It is noted now.']
        : []),
      ...applyLines(report),
      '',
      isDryRun
        ? `  holdfast recovery rebuild apply ${oneLine(id)} --apply`
        : `  holdfast recovery rebuild promote ${oneLine(id)}`,
    ],
  };
}

function applyLines({ assertions, defaulted, money, skipped, skippedRows }: ApplyReport): string[] {
  return [
    ...money.map(({ column, currency, minor, rows }) =>
      oneLine(`${column}: ${minor} ${currency} in the smallest unit, in ${rows} rows`),
    ),
    ...(defaulted.length === 0
      ? []
      : [oneLine(`Left to the table's default in some rows: ${defaulted.join(', ')}`)]),
    ...assertions.map((says) => oneLine(`Holds: ${says}`)),
    ...(skipped === 0 ? [] : [`${skipped} rows are not put in:`]),
    ...skippedRows.map(({ key, why }) => oneLine(`  ${key}: ${why}`)),
  ];
}

export async function rollbackRebuild(
  context: Context,
  id: string,
  words: RollbackWords,
): Promise<Answer> {
  const place = words.from;
  if (place !== 'copy' && place !== 'live') {
    throw usageError('--from copy or --from live', place, 'Say where it is taken back from.');
  }
  const changed = words.keepChanged === true ? 'keep' : 'refuse';
  const { as, code } = words;
  if (place === 'live' && as === undefined) {
    throw usageError('--as NAME: a person says so', 'nobody', 'It changes the live target.');
  }
  const signed =
    as === undefined
      ? null
      : ({
          kind: 'code',
          person: as,
          code: await codeOf(context, { as, ...(code === undefined ? {} : { code }) }),
        } as const);
  const report = await withRooms(context, async (rooms): Promise<RollbackReport> => {
    const { rebuilds } = rooms;
    if (place === 'live' && signed !== null) {
      const parts = rebuildPartsOf(rooms.config, context.env, context.clock, rebuilds);
      return await takeBackLive(parts, id, changed, signed);
    }
    return await fromCopy(context, rooms, await rebuilds.show(id), changed);
  });
  return {
    json: { rebuild: id, from: place, report },
    lines: (paint) => [
      report.isRecognised
        ? `${paint.green('✓')} ${report.batch} was taken back before, and who did it was cut off. It is noted now.`
        : `${paint.green('✓')} ${report.batch} was taken back: ${report.deleted} rows deleted.`,
      ...(report.gone === 0 ? [] : [`${report.gone} were gone already.`]),
      ...report.kept.map((key) => oneLine(`Changed since, and kept: ${key}`)),
    ],
  };
}

/** What was cut off before is looked for first, and is noted as it is found. */
async function fromCopy(
  context: Context,
  { config, rebuilds }: Rooms,
  standing: Standing,
  changed: 'refuse' | 'keep',
): Promise<RollbackReport> {
  const { facts, id, target: name } = standing.rebuild;
  const target = targetOf(config, name);
  await settle(rebuilds, standing, 'copy', MACHINE, (look) =>
    inCopy(context, target, facts.copy, (scratch) => look({ scratch })),
  );
  const batch = await rebuilds.beginTakingBack(id, 'copy', null);
  const noted = notedOf(standing, batch);
  const report = await inCopy(context, target, facts.copy, (database) =>
    rollback({
      database,
      batch: batch.batch,
      books: batch.books,
      ...(noted === undefined ? {} : { noted }),
      changed,
      person: MACHINE,
    }),
  );
  await rebuilds.takenBack(id, 'copy', report, MACHINE);
  return report;
}

/** In the database of the copy that the live target's is called. */
async function inCopy<T>(
  context: Context,
  target: TargetConfig,
  folder: string,
  work: (database: TargetDatabase) => Promise<T>,
): Promise<T> {
  const { clock, env, interrupt } = context;
  const stop = new AbortController();
  void interrupt.happened.then(() => stop.abort(new Error('stopped by Ctrl-C')));
  const copy = await openStandingCopy({
    folder,
    target: target.name,
    superuser: await superuserOf(context, target),
    binaries: target.recovery?.postgres ?? [],
    clock,
    signal: stop.signal,
  });
  try {
    const database = copy.database(adminConnectionOf(target, env).database, STATEMENT_MS_MAX);
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  } finally {
    await copy.close();
  }
}

/** Of the live server; where it is gone, the name that is usual. */
async function superuserOf({ env }: Context, target: TargetConfig): Promise<string> {
  const live = openTarget(target, env);
  try {
    const [row] = await live.query(
      `select rolname::text as name from pg_roles where rolsuper and rolcanlogin
       order by rolname = current_user desc, oid limit 1`,
    );
    return typeof row?.['name'] === 'string' ? row['name'] : 'postgres';
  } catch {
    return 'postgres';
  } finally {
    await live.close();
  }
}

function copiesOf(config: Config, { env }: Context): string {
  return join(rebuildFolder(config, env), SOURCES);
}

function targetOf({ targets }: Config, name: string): TargetConfig {
  const target = targets.find((one) => one.name === name);
  if (target !== undefined) return target;
  throw new HoldfastError('HF_TARGET_UNKNOWN', {
    expected: `${name} in holdfast.yaml`,
    found: 'no such target',
    hint: 'Run it where the target is declared.',
  });
}

/** NAME=FILE; or KIND=FILE where the mapping has one source of that kind. */
function sourceOf(said: string, { sources }: Mapping): SourceInput {
  const at = said.indexOf('=');
  const name = said.slice(0, Math.max(at, 0));
  const path = said.slice(at + 1);
  const ofKind = [...sources.values()].filter(({ kind }) => kind === name);
  const only = ofKind.length === 1 ? ofKind[0]?.name : undefined;
  const source = sources.has(name) ? name : only;
  if (at > 0 && path !== '' && source !== undefined) return { source, path };
  throw usageError(
    `--source NAME=FILE with a source of the mapping: ${[...sources.keys()].join(', ')}`,
    said,
    'A kind will do where the mapping has one source of it.',
  );
}

function momentSaid(said: string | undefined, now: Date): Date | null {
  if (said === undefined) return null;
  const moment = momentOf(said, now);
  if (moment !== null) return moment;
  throw usageError('--at as 14:00 or 2026-11-21T14:00Z', said, 'Times are UTC.');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw usageError(`a file ${path} that can be read`, messageOf(cause), 'Check --mapping.');
  }
}
