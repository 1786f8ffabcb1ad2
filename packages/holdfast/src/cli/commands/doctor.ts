import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config, TargetConfig } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { type AgentFinding, findingsOf } from '../../identity/agent-findings.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { DRAIN_BEHIND_MS_MAX } from '../../model/limits.ts';
import { waitingIn } from '../../protection/postgres/waiting.ts';
import type { Check, Finding } from '../../protection/postgres/wall/check.ts';
import { isSameServer, reachOf, urlsIn } from '../../protection/postgres/wall/found-urls.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import { dropSql, orphanedSlots, orphanWords } from '../../recovery/orphaned-slots.ts';
import type { TargetReport } from '../../recovery/target-report.ts';
import { ownSlotsOf } from '../../recovery-slots.ts';
import { keyFolderOf } from '../../rooms.ts';
import type { VaultState } from '../../store/vault-look.ts';
import { adminConnectionOf, checkTarget, openTarget } from '../../wiring.ts';
import { findingLines as agentFindingLines } from '../agent-words.ts';
import { type Context, NO, onThisMachine, type Run } from '../command.ts';
import { type Answer, oneLine, type Paint } from '../print.ts';
import { coloured, withoutLine } from '../recovery-words.ts';
import { bytesWords, vaultLines } from '../vault-words.ts';
import { withRooms } from '../with-rooms.ts';
import { checkLines, withTarget } from './protect.ts';
import { recoverable, reportsOf, unrecoverable } from './recovery.ts';

export function addDoctor(program: Command, run: Run): void {
  const doctor = program
    .command('doctor')
    .description('Look at every target: its level, drift, and credentials in an agent’s reach')
    .option('--folder <path>', 'where an agent works: its .env and config files are read', '.')
    .addHelpText(
      'after',
      '\nExit code 0: every target is protected and nothing was found; 1: something is to be done.\n' +
        'Of a credential that lies around only the name of its role is asked about; it is never tried.',
    )
    .action((options: { readonly folder: string }) =>
      run(doctor, (context) => examine(context, options.folder)),
    );
  onThisMachine(doctor);
}

interface Around {
  readonly file: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly line: number;
}

async function examine(context: Context, folder: string): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const around = credentialsIn(folder);
  const checks: Check[] = [];
  const ownSlots = await ownSlotsOf(config, context.env, context.clock);
  for (const target of config.targets)
    checks.push(await examineTarget(context, config, target, around, ownSlots));
  const vault = await examineVault(context, config);
  const seal = examineSeal(context, config);
  const agents = await examineAgents(context, config);
  const recovery = await examineRecovery(context, config);
  // What nobody answers for is shown; it makes no target less protected.
  const open = agents.filter(({ severity }) => severity === 'act').length;
  const others = vault.findings.length + seal.findings.length + open + recovery.findings.length;
  const isWell =
    others === 0 &&
    checks.every(({ findings, level }) => level !== 'none' && findings.length === 0);
  return {
    json: {
      agents: { findings: agents },
      checks,
      files: filesIn(folder).length,
      levels: levelsOf(config, checks),
      recovery: recovery.reports,
      seal,
      vault,
    },
    lines: (paint) => [
      ...checks.flatMap((check) => [...checkLines(check, paint), '']),
      ...vaultSection(vault, config.limits.vaultFreeBytesMin, context.clock.now(), paint),
      '',
      `${seal.findings.length === 0 ? paint.green('✓') : paint.red('✗')} ${paint.bold('seal key')} from ${oneLine(seal.from)}`,
      ...findingLines(seal.findings, paint),
      '',
      `${open === 0 ? paint.green('✓') : paint.red('✗')} ${paint.bold('agents')}, their tokens and sealed credentials`,
      ...agentFindingLines(agents, paint),
      '',
      ...recoverySection(recovery, paint),
      '',
      isWell ? wellWords(recovery) : `${count(checks) + others} to be done.`,
    ],
    ...(isWell ? {} : { exit: NO }),
  };
}

function count(checks: readonly Check[]): number {
  return checks.reduce(
    (sum, { findings, level }) => sum + Math.max(findings.length, level === 'none' ? 1 : 0),
    0,
  );
}

function levelsOf({ targets }: Config, checks: readonly Check[]) {
  return targets.map(({ environment, name }, at) => ({
    target: name,
    environment,
    level: checks[at]?.level ?? 'none',
  }));
}

/** A target that cannot be looked at is a finding, not the end: the others are looked at all the same. */
async function examineTarget(
  { clock, env }: Context,
  config: Config,
  target: TargetConfig,
  around: readonly Around[],
  ownSlots: ReadonlySet<string>,
): Promise<Check> {
  try {
    return await withTarget(openTarget(target, env), async (db) => {
      const check = await checkTarget(db, target, clock);
      const server = adminConnectionOf(target, env);
      const findings: Finding[] = check.level === 'none' ? [] : await waitingFindings(db, config);
      findings.push(...(await slotFindings(db, ownSlots)));
      for (const { file, line, user, ...found } of around) {
        if (!isSameServer(found, server)) continue;
        const reach = await reachOf(db, user, target.protection.exempt);
        if (reach === 'role' || reach === 'unknown') continue;
        findings.push({
          code: `reach.${reach}`,
          about: `${file}:${line} has a URL of ${target.name}'s server as ${user}, ${REACH[reach]}`,
          fix: 'Move it out of the agent’s reach and change its password; agents use a Holdfast token.',
        });
      }
      return { ...check, findings: [...check.findings, ...findings] };
    });
  } catch (error) {
    const found = messageOf(error);
    return {
      target: target.name,
      level: 'none',
      levelReason: 'it could not be looked at',
      findings: [
        {
          code: 'unreachable',
          about: found,
          fix: error instanceof HoldfastError ? error.hint : 'See protection.admin of this target.',
        },
      ],
      uncaptured: [],
      lost: [],
      open: [],
    };
  }
}

/** Also of targets without `recovery`: one that lost it keeps its slot. */
async function slotFindings(
  db: TargetDatabase,
  ownSlots: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  try {
    return (await orphanedSlots(db, ownSlots)).map((slot) => ({
      code: 'slot.orphaned',
      about: orphanWords(slot),
      fix: `If no other Holdfast needs it: ${dropSql(slot)}`,
    }));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    return [
      {
        code: 'slot.unknown',
        about: `whether replication slots are left over there is not known: ${messageOf(error)}`,
        fix: 'Let the admin of this target read pg_replication_slots.',
      },
    ];
  }
}

/** What the drain takes within a second, when one runs and the vault takes it. */
async function waitingFindings(db: TargetDatabase, { limits }: Config): Promise<Finding[]> {
  const { ageMs, bytes, statements } = await waitingIn(db);
  if (ageMs <= DRAIN_BEHIND_MS_MAX) return [];
  const more =
    bytes > limits.waitingBytesMax
      ? `, past the limit of ${bytesWords(limits.waitingBytesMax)}: agents change nothing there`
      : '';
  return [
    {
      code: 'vault.behind',
      about: `${statements} captured statement(s) wait for the vault, the oldest for ${Math.round(ageMs / 1000)} s; they take ${bytesWords(bytes)} in the target${more}`,
      fix: 'See that `holdfast up` runs, and what it says in its log and in `holdfast trail tail` (vault-trouble).',
    },
  ];
}

interface VaultExamined {
  /** Null: it could not be looked at, or there is none yet. */
  readonly state: VaultState | null;
  readonly findings: readonly Finding[];
}

/** It makes nothing: where no store was ever made there is nothing to look at. */
async function examineVault(context: Context, config: Config): Promise<VaultExamined> {
  const { store, limits } = config;
  if (store.kind === 'embedded' && !existsSync(join(store.dataFolder, 'store'))) {
    return { state: null, findings: [] };
  }
  try {
    return await withRooms(context, async ({ vault }) => {
      const state = await vault.state();
      const { freeBytes } = state;
      if (freeBytes === null || freeBytes >= limits.vaultFreeBytesMin)
        return { state, findings: [] };
      const about = `only ${bytesWords(freeBytes)} are free on the disk of our store, ${bytesWords(limits.vaultFreeBytesMin)} are wanted (limits.vaultFreeBytesMin): no undo data is taken, and what needs it is refused`;
      const fix = 'Make room there. Nothing that is kept is deleted for it.';
      return { state, findings: [{ code: 'vault.full', about, fix }] };
    });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const about = `our own store cannot be looked at: ${error.found}`;
    return { state: null, findings: [{ code: 'vault.away', about, fix: error.hint }] };
  }
}

/** As for the vault: nothing is made, and a store that is away was said to be so there. */
async function examineAgents(context: Context, config: Config): Promise<readonly AgentFinding[]> {
  const { store } = config;
  if (store.kind === 'embedded' && !existsSync(join(store.dataFolder, 'store'))) return [];
  try {
    const now = context.clock.now();
    return await withRooms(context, ({ agents, credentials, people, proofKeys }) =>
      findingsOf({
        agents,
        credentials,
        foreign: () => proofKeys.rows.foreign(),
        people,
        rotation: config.credentials,
        now,
      }),
    );
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return [];
  }
}

interface RecoveryExamined {
  readonly reports: readonly TargetReport[];
  /** Targets of which Holdfast takes no recovery points. */
  readonly without: readonly string[];
  readonly findings: readonly Finding[];
}

/** A red one is to be done; that a target has no recovery points is said. */
async function examineRecovery(context: Context, config: Config): Promise<RecoveryExamined> {
  const names = recoverable(config);
  const without = unrecoverable(config);
  if (names.length === 0) return { reports: [], without, findings: [] };
  try {
    const reports = await reportsOf(context, names);
    const findings = reports
      .filter(({ colour }) => colour === 'red')
      .map(({ because, target }) => ({
        code: 'recovery.red',
        about: `${target} could not be brought back as promised: ${because.join(' ')}`,
        fix: `holdfast recovery status ${target}`,
      }));
    return { reports, without, findings };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const about = `how recovery stands is not known: ${error.found}`;
    const findings = [{ code: 'recovery.unknown', about, fix: error.hint }];
    return { reports: [], without, findings };
  }
}

function wellWords({ without }: RecoveryExamined): string {
  if (without.length === 0) return 'All is well.';
  return `All is well, but if all of it went nothing would bring back ${without.map(oneLine).join(', ')}.`;
}

function recoverySection(
  { findings, reports, without }: RecoveryExamined,
  paint: Paint,
): readonly string[] {
  const open = without.length > 0 ? paint.yellow('○') : paint.green('✓');
  return [
    `${findings.length === 0 ? open : paint.red('✗')} ${paint.bold('recovery')}, as \`holdfast recovery status\` tells it`,
    ...reports.map(({ because, colour, target }) => {
      // Why it is red stands in its finding.
      const why = colour === 'red' ? '' : because.map((one) => ` ${oneLine(one)}`).join('');
      return `  ${coloured(colour, paint)} ${target}: ${colour}${why === '' ? '' : `.${why}`}`;
    }),
    ...without.map((name) => `  ${withoutLine(name, paint)}`),
    ...findingLines(findings, paint),
  ];
}

interface SealExamined {
  readonly kind: Config['seal']['key']['kind'];
  /** The file, or the program without its arguments. */
  readonly from: string;
  readonly findings: readonly Finding[];
}

/** The key itself is not asked for. */
function examineSeal({ env }: Context, config: Config): SealExamined {
  const { key } = config.seal;
  const kept = join(keyFolderOf(config, env), 'seal.key');
  if (key.kind === 'kept') return { kind: 'kept', from: kept, findings: [] };
  const from = key.kind === 'file' ? key.path : `the program ${key.command[0]}`;
  if (from === kept || !existsSync(kept)) return { kind: key.kind, from, findings: [] };
  const about = `${kept} lies there, and is not the key that is used`;
  const fix =
    'If the same key comes from where holdfast.yaml says, remove it; first make sure that it does.';
  return { kind: key.kind, from, findings: [{ code: 'seal.left', about, fix }] };
}

function findingLines(findings: readonly Finding[], paint: Paint): string[] {
  return findings.flatMap(({ about, code, fix }) => [
    `  ${paint.red('✗')} ${oneLine(about)} ${paint.dim(`(${code})`)}`,
    `    ${paint.dim(`do: ${oneLine(fix)}`)}`,
  ]);
}

function vaultSection(
  { findings, state }: VaultExamined,
  freeMin: number,
  now: Date,
  paint: Paint,
) {
  const mark = findings.length === 0 ? paint.green('✓') : paint.red('✗');
  const lines = state === null ? [] : vaultLines({ ...state, freeBytesMin: freeMin }, now);
  if (state === null && findings.length === 0) return ['The vault of undo data: none yet.'];
  return [
    `${mark} ${paint.bold('vault')} of undo data`,
    ...findingLines(findings, paint),
    ...lines.map((line) => `  ${line}`),
  ];
}

const REACH = {
  superuser: 'a superuser: it can take down everything here',
  owner: 'who owns tables: the fence refuses its drops, where there is one',
  exempt: 'who is exempt: what it does is neither captured nor refused',
} as const;

const NAMES =
  /^(\.env.*|.*\.env|\.?mcp\.json|settings(\.local)?\.json|.*\.(ya?ml|toml|ini|cfg|conf|properties|json|sh))$/i;
const SKIPPED = /^(node_modules|\.git|dist|build|coverage|target|vendor|\.venv)$/;
const FILES_MAX = 500;
const FILE_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 3;

function filesIn(folder: string, depth = 0): string[] {
  const found: string[] = [];
  const entries = readdirSync(folder, { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (depth < DEPTH_MAX && !SKIPPED.test(entry.name))
        found.push(...unless(() => filesIn(path, depth + 1)));
    } else if (entry.isFile() && NAMES.test(entry.name)) {
      found.push(path);
    }
  }
  return found.slice(0, FILES_MAX);
}

function credentialsIn(folder: string): Around[] {
  return filesIn(folder).flatMap((file) =>
    unless(() => {
      if (statSync(file).size > FILE_BYTES_MAX) return [];
      return urlsIn(readFileSync(file, 'utf8'))
        .filter(({ hasPassword }) => hasPassword)
        .map(({ host, line, port, user }) => ({ file, host, line, port, user }));
    }),
  );
}

/** What we may not read an agent of the same user may not read either. */
function unless<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
