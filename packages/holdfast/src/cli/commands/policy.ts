import type { Command } from 'commander';
import { graceMsOf } from '../../config/by-environment.ts';
import { loadConfig } from '../../config/load-config.ts';
import { loadPolicyCases } from '../../config/policy-cases.ts';
import { hasRecovery } from '../../config/recovery-config.ts';
import { createSqlReader } from '../../languages/sql/reader.ts';
import type { SqlReader } from '../../languages/sql/sql-reading.ts';
import { ANYTHING } from '../../model/allowance.ts';
import type { Effect } from '../../model/effect.ts';
import { ALL_PROVEN, notLookedAt, type RecoveryFacts } from '../../model/recovery-facts.ts';
import type { ProtectionLevel, TakingBack } from '../../model/reversal.ts';
import type { Verdict } from '../../model/verdict.ts';
import { CachedJudge } from '../../policy/cached-judge.ts';
import { checkPolicy } from '../../policy/check-policy.ts';
import { explainVerdict } from '../../policy/explain.ts';
import { loadPolicy } from '../../policy/policy.ts';
import { runPolicyTests } from '../../policy/policy-test.ts';
import { type FirstView, firstView } from '../../protocols/index.ts';
import { policySourceOf, targetsOf } from '../../wiring.ts';
import { apiUrlOf } from '../api/api-url.ts';
import { type Context, NO, onThisMachine, type Run } from '../command.ts';
import {
  type KnownProtection,
  knownProtection,
  LEVEL_OPTION,
  levelOf,
  protectionWords,
} from '../known-protection.ts';
import { type Answer, oneLine, type Paint, table, visible } from '../print.ts';
import { takingBackWords } from '../taking-back-words.ts';
import { usageError } from '../usage.ts';
import { graceMsAt, withApi } from '../with-api.ts';

export function addPolicy(program: Command, run: Run): void {
  const policy = program.command('policy').description('The rules: what is held, what is refused');

  const check = policy
    .command('check')
    .description('Check every rule; exit code 1 when one has an error (Holdfast would not start)')
    .option('--rules', 'list the rules in the order in which equal verdicts decide')
    .action((options: { readonly rules?: boolean }) =>
      run(check, (context) => checkRules(context, options.rules === true)),
    );
  onThisMachine(check);

  const explain = policy
    .command('explain')
    .description('Say what would happen to a statement, by which rule, and show its Cedar')
    .argument('<sql>', 'the statement; - reads it from standard input')
    .requiredOption('--target <name>', 'the target it would be sent to')
    .option('--agent <name>', 'the agent that would send it', 'any-agent')
    .option('--search-path <schema...>', 'where unqualified names are looked up', ['public'])
    .option(...LEVEL_OPTION)
    .addHelpText('after', "\nFor example: holdfast policy explain --target main-db 'DELETE FROM t'")
    .action((sql: string, options: ExplainOptions) =>
      run(explain, (context) => explainSql(context, sql, options)),
    );

  const test = policy
    .command('test')
    .description('Run the cases of `policy.tests`; exit code 1 when one comes out differently')
    .argument('[file...]', 'these files instead')
    .option(...LEVEL_OPTION)
    .action((files: readonly string[], { level }: LevelOption) =>
      run(test, (context) => testRules(context, files, levelOf(level))),
    );
  onThisMachine(test);
}

interface LevelOption {
  readonly level?: string;
}

interface ExplainOptions extends LevelOption {
  readonly target: string;
  readonly agent: string;
  readonly searchPath: readonly string[];
}

async function checkRules(context: Context, list: boolean): Promise<Answer> {
  const { findings, rules } = checkPolicy(
    policySourceOf(loadConfig(context.configPath, context.env)),
  );
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return {
    json: { ok: errors === 0, rules, findings },
    exit: errors === 0 ? 0 : NO,
    lines: (paint) => [
      ...findings.flatMap((one) => [
        `${one.severity === 'error' ? paint.red('error') : paint.yellow('note')} ${one.where}`,
        `  expected  ${one.expected}`,
        `  found     ${one.found}`,
        `  do        ${one.hint}`,
      ]),
      ...(list
        ? table(
            ['rule', 'where'],
            rules.map(({ id, where }) => [id, where]),
            paint,
          )
        : []),
      errors === 0
        ? `${paint.green('✓')} ${rules.length} rules can be used.`
        : `${paint.red('✗')} ${errors} error(s): Holdfast would not start.`,
    ],
  };
}

async function explainSql(
  context: Context,
  argument: string,
  options: ExplainOptions,
): Promise<Answer> {
  const sql = argument === '-' ? await readAll(context) : argument;
  const isHere = apiUrlOf(context.url, context.env) === null;
  const told = await (isHere ? explainedHere : explainedElsewhere)(context, sql, options);
  const { effects, graceMs, json, on, protection, provenVerdict, rule, takingBack, verdict } = told;
  return {
    json,
    lines: (paint) => [
      `${verdictWord(verdict, paint)}  ${oneLine(verdict.reason)}`,
      '',
      oneLine(`target ${on.name}: ${on.environment}, ${on.level} (${on.resolvedBy})`),
      `protection ${oneLine(protectionWords(protection))}`,
      ...(provenVerdict === null
        ? []
        : [
            `recovery not looked at. With a proven point outside the blast radius: ${ruledWords(provenVerdict)}; without: ${ruledWords(verdict)}.`,
            `  Which it is: holdfast recovery status ${oneLine(on.name)}`,
          ]),
      ...(takingBack === null ? [] : [`undo ${takingBackWords(takingBack, graceMs)}`]),
      '',
      ...table(
        ['does', 'object', 'reach', 'undo', 'verdict', 'rule'],
        effects.map((one) => [
          oneLine(`${one.effect.kind} (${one.effect.verb})`),
          oneLine(objectWords(one.effect.object)),
          one.effect.reach,
          oneLine(one.reversal ?? '-'),
          one.verdict.kind,
          oneLine(one.verdict.rule),
        ]),
        paint,
      ),
      ...(rule === null
        ? []
        : ['', paint.dim(oneLine(rule.where)), ...visible(rule.text).trimEnd().split('\n')]),
    ],
  };
}

type RuledVerdict = Pick<Verdict, 'kind' | 'reason' | 'rule'> & {
  readonly people?: number | undefined;
};

/** An explanation, wherever it was made. */
interface Explained {
  readonly json: object;
  readonly on: {
    readonly name: string;
    readonly environment: string;
    readonly level: string;
    readonly resolvedBy: string;
  };
  readonly protection: Pick<KnownProtection, 'level' | 'source' | 'why'>;
  readonly verdict: RuledVerdict;
  /** What it would be were all of its recovery proven; null: the same, or the recovery was looked at. */
  readonly provenVerdict: RuledVerdict | null;
  readonly rule: { readonly where: string; readonly text: string } | null;
  readonly takingBack: TakingBack | null;
  readonly graceMs: number;
  readonly effects: readonly {
    readonly effect: Pick<Effect, 'kind' | 'verb' | 'object' | 'reach'>;
    readonly verdict: Pick<Verdict, 'kind' | 'rule'>;
    readonly reversal: string | null;
  }[];
}

/** By holdfast.yaml and nothing else: no store is opened. */
async function explainedHere(
  context: Context,
  sql: string,
  options: ExplainOptions,
): Promise<Explained> {
  const config = loadConfig(context.configPath, context.env);
  const { reading, searchPath } = await withReader((reader) =>
    readSql(reader, sql, options.searchPath),
  );
  const target = targetsOf(config).resolve({ asked: options.target, searchPath });
  const judge = new CachedJudge(loadPolicy(policySourceOf(config)));
  const protection = await knownProtection(context, config, options.target, levelOf(options.level));
  const actor = {
    kind: 'agent',
    id: options.agent,
    name: options.agent,
    tokenId: 'explain',
  } as const;
  // What policy says; what an agent itself may is in `holdfast agents show`.
  // What is known of its recovery is known to a gateway that runs.
  const recovery = notLookedAt(hasRecovery(config.targets, target.name));
  const scope = { actor, target, searchPath, protection, recovery, allowance: ANYTHING };
  const explanation = explainVerdict(judge, scope, reading);
  const proven = judge.judge({ ...scope, recovery: provenOr(recovery) }, reading, []);
  const provenVerdict = ruledWords(proven) === ruledWords(explanation.verdict) ? null : proven;
  const { environment, name, resolvedBy } = target;
  return {
    ...explanation,
    provenVerdict,
    json: { sql, target, protection: shown(protection), ...explanation, provenVerdict },
    on: { name, environment: environment.name, level: environment.level, resolvedBy },
    protection,
    graceMs: graceMsOf(config)(environment.name),
  };
}

/** By the rules that are in force at a gateway, and what it sees of its targets. */
async function explainedElsewhere(
  context: Context,
  sql: string,
  { agent, level, searchPath, target: asked }: ExplainOptions,
): Promise<Explained> {
  const given = levelOf(level);
  const body = { target: asked, agent, sql, searchPath: [...searchPath] };
  const { answer, graceMs } = await withApi(context, async (api) => {
    const answer = await api.call('policy.explain', {
      body: { ...body, ...(given === null ? {} : { level: given }) },
    });
    return { answer, graceMs: await graceMsAt(api, answer.target.environment) };
  });
  const { protection, target: on, ...explanation } = answer;
  const { environment: name, level: strict, ...place } = on;
  const target = { ...place, environment: { name, level: strict } };
  return {
    ...explanation,
    provenVerdict: null,
    json: { sql, target, protection, ...explanation, provenVerdict: null },
    on,
    protection,
    graceMs,
  };
}

function shown({ level, source, why }: KnownProtection) {
  return { level, source, why };
}

function objectWords(
  object: { readonly schema: string | null; readonly name: string } | null,
): string {
  if (object === null) return '-';
  return object.schema === null ? object.name : `${object.schema}.${object.name}`;
}

/** Nothing is proven where no recovery is configured. */
function provenOr(recovery: RecoveryFacts): RecoveryFacts {
  return recovery.colour === 'none' ? recovery : ALL_PROVEN;
}

function ruledWords({ kind, people, rule }: RuledVerdict): string {
  const who = people === undefined ? '' : ` for ${people} person(s)`;
  return oneLine(`${kind}${who} (${rule})`);
}

function verdictWord(verdict: Explained['verdict'], paint: Paint): string {
  const word = paint.bold(verdict.kind);
  if (verdict.kind === 'forward') return paint.green(word);
  const people = verdict.kind === 'hold' ? ` for ${verdict.people} person(s)` : '';
  return (verdict.kind === 'refuse' ? paint.red(word) : paint.yellow(word)) + people;
}

async function testRules(
  context: Context,
  given: readonly string[],
  level: ProtectionLevel | null,
): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const files = given.length > 0 ? given : config.policy.tests;
  if (files.length === 0) {
    throw usageError(
      'files with policy tests',
      'none in policy.tests of holdfast.yaml, and none on the command line',
      'Name them under policy.tests, or: holdfast policy test policies/guarded.test.yaml',
    );
  }
  const judge = new CachedJudge(loadPolicy(policySourceOf(config)));
  const targets = targetsOf(config);
  const looks = new Map<string, Promise<KnownProtection>>();
  const look = (name: string): Promise<KnownProtection> => {
    const seen = looks.get(name) ?? knownProtection(context, config, name, level);
    looks.set(name, seen);
    return seen;
  };
  const results = await withReader(async (reader) => {
    const parts = {
      judge,
      resolve: targets.resolve.bind(targets),
      protectionOf: look,
      read: (sql: string, searchPath: readonly string[]) => readSql(reader, sql, searchPath),
    };
    return (
      await Promise.all(files.map((file) => runPolicyTests(loadPolicyCases(file), parts)))
    ).flat();
  });
  const protections = new Map<string, KnownProtection>();
  for (const [name, seen] of looks) protections.set(name, await seen);
  const failed = results.filter(({ differences }) => differences.length > 0);
  return {
    json: {
      ok: failed.length === 0,
      passed: results.length - failed.length,
      failed: failed.length,
      protections: Object.fromEntries([...protections].map(([name, one]) => [name, shown(one)])),
      results,
    },
    exit: failed.length === 0 ? 0 : NO,
    lines: (paint) => [
      ...results.flatMap(({ name, differences }) =>
        differences.length === 0
          ? [`${paint.green('✓')} ${name}`]
          : [`${paint.red('✗')} ${name}`, ...differences.map((one) => `    ${one}`)],
      ),
      ...[...protections].map(([name, seen]) =>
        paint.dim(`${name}: protection ${protectionWords(seen)}`),
      ),
      `${results.length - failed.length} passed, ${failed.length} failed`,
    ],
  };
}

async function withReader<T>(work: (reader: SqlReader) => Promise<T>): Promise<T> {
  const reader = await createSqlReader();
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}

/** As the gateway reads it, the rules of a session that begins with it included. */
async function readSql(
  reader: SqlReader,
  sql: string,
  searchPath: readonly string[],
): Promise<FirstView> {
  const bytes = Buffer.from(sql, 'utf8');
  return firstView(await reader.read(bytes, 0, bytes.length), sql, searchPath);
}

function readAll({ streams }: Context): Promise<string> {
  return new Promise((done) => {
    let text = '';
    streams.in.on('data', (chunk) => {
      text += chunk.toString('utf8');
    });
    streams.in.once('end', () => done(text));
    streams.in.resume();
  });
}
