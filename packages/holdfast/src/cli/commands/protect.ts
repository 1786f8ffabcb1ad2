import type { Command } from 'commander';
import { proposalView } from '../../api/routes/proposals.ts';
import type { ProposedAct } from '../../approvals/proposed-act.ts';
import type { Config, TargetConfig } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { nearest } from '../../model/nearest.ts';
import type { Target } from '../../model/target.ts';
import { applyProtection, previewProtection } from '../../protection/postgres/wall/apply.ts';
import type { Check } from '../../protection/postgres/wall/check.ts';
import { CLOSING_IDS, CLOSINGS } from '../../protection/postgres/wall/closings.ts';
import type { Plan } from '../../protection/postgres/wall/ground.ts';
import { takeDown } from '../../protection/postgres/wall/take-down.ts';
import { previewUnprotect, type Unprotection } from '../../protection/postgres/wall/unprotect.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import { checkTarget, openTarget, protectOptionsOf, targetsOf } from '../../wiring.ts';
import { type Context, NO, onThisMachine, type Run } from '../command.ts';
import { type Answer, facts, oneLine, type Paint } from '../print.ts';
import { usageError } from '../usage.ts';
import { withRooms } from '../with-rooms.ts';
import { proposedAnswer } from './proposals.ts';

interface ProtectWords {
  readonly apply?: boolean;
  readonly check?: boolean;
}

interface UnprotectWords {
  readonly apply?: boolean;
  readonly dropWhatIsKept?: boolean;
}

export function addProtect(program: Command, run: Run): void {
  const protect = program
    .command('protect')
    .description('Make a database refuse what was not approved, and keep what passes')
    .argument('<target>', 'a target of holdfast.yaml')
    .option(
      '--apply',
      'do it, in one transaction; without it the plan is shown and nothing is done',
    )
    .option('--check', 'only look for drift; exit code 1 when there is some')
    .addHelpText(
      'after',
      '\nWithout options: exit code 0 when there is nothing to do, 1 when the plan has steps.\n' +
        'It works as protection.admin of the target (else as the upstream’s user).',
    )
    .action((target: string, words: ProtectWords) =>
      run(protect, (context) => protectTarget(context, target, words)),
    );
  onThisMachine(protect);

  const off = program
    .command('unprotect')
    .description('Take back what `holdfast protect` put into a database')
    .argument('<target>', 'a target of holdfast.yaml')
    .option('--apply', 'do it, in one transaction; without it the SQL is shown')
    .option('--drop-what-is-kept', 'also what was not drained, and the trash, for good')
    .action((target: string, words: UnprotectWords) =>
      run(off, (context) => unprotectTarget(context, target, words)),
    );
  onThisMachine(off);
}

async function protectTarget(context: Context, name: string, words: ProtectWords): Promise<Answer> {
  if (words.apply === true && words.check === true) {
    throw usageError('--apply or --check', 'both', 'Check first, then apply.');
  }
  const { clock, env } = context;
  const { target } = targetNamed(context, name);
  return withTarget(openTarget(target, env), async (db) => {
    const options = protectOptionsOf(target, clock);
    if (words.check === true) return checkAnswer(await checkTarget(db, target, clock));
    if (words.apply !== true) {
      const plan = await previewProtection(db, options);
      const exit = plan.steps.length === 0 && !isImpossible(plan) ? {} : { exit: NO };
      return { json: { plan, applied: false }, lines: (paint) => planLines(plan, paint), ...exit };
    }
    const plan = await withRooms(context, async (rooms) => {
      const applied = await applyProtection(db, options);
      await rooms.wallStore.raised(name, clock.now());
      const { level, steps } = applied;
      if (steps.length > 0) {
        await rooms.note({
          kind: 'target-protected',
          facts: { target: name, level, steps: steps.length },
          message: `Target ${name} is protected, level ${level} (${steps.length} steps).`,
        });
      }
      return applied;
    });
    return { json: { plan, applied: true }, lines: (paint) => appliedLines(plan, paint) };
  });
}

async function unprotectTarget(
  context: Context,
  name: string,
  { apply, dropWhatIsKept }: UnprotectWords,
): Promise<Answer> {
  const { config, target } = targetNamed(context, name);
  const level = config.environments.find((one) => one.name === target.environment)?.level;
  const options = { target: name, dropWhatIsKept: dropWhatIsKept === true };
  return withTarget(openTarget(target, context.env), async (db) => {
    if (apply !== true) {
      const plan = await previewUnprotect(db, options);
      return {
        json: { unprotect: plan, applied: false },
        lines: (paint) =>
          plan === null ? [`${name} is not protected.`] : unprotectLines(plan, paint),
      };
    }
    // An environment that is not declared is sealed.
    if ((level ?? 'sealed') === 'sealed') {
      const act = unprotectAct(targetsOf(config).resolve({ asked: name, searchPath: [] }), options);
      const proposal = await withRooms(context, (rooms) => rooms.proposals.open(act));
      return proposedAnswer(proposalView(proposal));
    }
    const done = await withRooms(context, async (rooms) => {
      const taken = await takeDown(db, rooms.wallStore, options);
      await rooms.note({
        kind: 'target-unprotected',
        facts: { target: name, dropped: options.dropWhatIsKept },
        message: `Target ${name} is not protected any more.`,
      });
      return taken;
    });
    return {
      json: { unprotect: done, applied: true },
      lines: () => [
        `${name} is as it was before holdfast protect.`,
        ...done.rolesLeft.map((role) => `Role ${role} stays: another database still hangs on it.`),
      ],
    };
  });
}

/** Nobody takes down the wall of a sealed target alone. */
function unprotectAct(
  target: Target,
  { dropWhatIsKept }: { readonly dropWhatIsKept: boolean },
): ProposedAct {
  const kept = dropWhatIsKept
    ? 'What is kept there and not in the vault yet is dropped for good.'
    : 'Refused when something is kept there that is not in the vault yet.';
  return {
    kind: 'unprotect',
    target,
    facts: { dropWhatIsKept },
    words: `Take the wall off ${target.name}: agents' roles, capture and the fence go.\n${kept}`,
    reason: `${target.environment.name} is sealed, and without its wall nothing there can be undone.`,
  };
}

export async function withTarget<T>(
  db: TargetDatabase,
  work: (db: TargetDatabase) => Promise<T>,
): Promise<T> {
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

function targetNamed(context: Context, name: string): { config: Config; target: TargetConfig } {
  const config = loadConfig(context.configPath, context.env);
  const target = config.targets.find((one) => one.name === name);
  if (target !== undefined) return { config, target };
  const names = config.targets.map((one) => one.name);
  const near = nearest(name, names);
  throw usageError(
    'a target that holdfast.yaml declares',
    name,
    `${near ? `Did you mean ${near}? ` : ''}There are ${names.join(', ') || 'none yet'}.`,
  );
}

function headLines(plan: Plan, paint: Paint): string[] {
  return facts(
    [
      ['target', `${plan.target} (database ${plan.database}, ${plan.server}, as ${plan.admin})`],
      ['level', `${paint.bold(plan.level)}: ${plan.levelReason}`],
    ],
    paint,
  );
}

function openLines(open: Plan['open'], paint: Paint): string[] {
  if (open.length === 0) return [];
  return [
    '',
    paint.bold('What stays open'),
    ...open.map(({ about, why }) => `  ${paint.yellow('○')} ${oneLine(about)}: ${oneLine(why)}.`),
  ];
}

/** Grouped by what is closed, each step with its sentence, then its SQL. */
function planLines(plan: Plan, paint: Paint): string[] {
  const lines = headLines(plan, paint);
  for (const id of CLOSING_IDS) {
    const steps = plan.steps.filter(({ closes }) => closes === id);
    if (steps.length === 0) continue;
    lines.push('', paint.bold(CLOSINGS[id]));
    for (const { about, sql } of steps) {
      lines.push(`  ${paint.green('●')} ${oneLine(about)}`);
      lines.push(...sqlLines(sql, paint));
    }
  }
  lines.push(...openLines(plan.open, paint));
  if (plan.notes.length > 0) {
    lines.push('', paint.bold('To know'), ...plan.notes.map((note) => `  ${oneLine(note)}`));
  }
  const next = `Nothing was done. To do it: holdfast protect ${plan.target} --apply`;
  if (isImpossible(plan)) {
    return [
      ...lines,
      '',
      `${paint.red('✗')} Nothing can be put in place as ${plan.admin}: ${plan.levelReason}.`,
      '  Name a role that may create roles (a superuser for level full) under protection.admin.',
    ];
  }
  return [...lines, '', plan.steps.length === 0 ? 'All of it is in place; nothing to do.' : next];
}

/** Not even roles for agents can be made; what has no step is not in place. */
function isImpossible({ level }: Plan): boolean {
  return level === 'capture-only' || level === 'none';
}

const SQL_LINES_SHOWN = 12;

function sqlLines(sql: string, paint: Paint): string[] {
  const all = sql.trim().split('\n');
  const shown = all.slice(0, SQL_LINES_SHOWN).map((line) => paint.dim(`      ${line}`));
  const more = all.length - SQL_LINES_SHOWN;
  return more > 0 ? [...shown, paint.dim(`      … ${more} lines more (--json has all)`)] : shown;
}

function appliedLines(plan: Plan, paint: Paint): string[] {
  return [
    ...headLines(plan, paint),
    ...plan.steps.map(({ about }) => `  ${paint.green('✓')} ${oneLine(about)}`),
    ...openLines(plan.open, paint),
    '',
    plan.steps.length === 0
      ? 'All of it was in place; nothing was done.'
      : 'Done, in one transaction.',
  ];
}

function unprotectLines({ rolesLeft, steps }: Unprotection, paint: Paint): string[] {
  return [
    ...steps.flatMap(({ about, sql }) => [`${paint.green('●')} ${about}`, ...sqlLines(sql, paint)]),
    ...rolesLeft.map((role) => `Role ${role} stays: another database still hangs on it.`),
    '',
    'Nothing was done. To do it: the same with --apply.',
  ];
}

function checkAnswer(check: Check): Answer {
  const isGood = check.findings.length === 0 && check.level !== 'none';
  return {
    json: { check },
    lines: (paint) => checkLines(check, paint),
    ...(isGood ? {} : { exit: NO }),
  };
}

export function checkLines({ findings, level, levelReason, open, target }: Check, paint: Paint) {
  const mark = findings.length === 0 && level !== 'none' ? paint.green('✓') : paint.red('✗');
  return [
    `${mark} ${paint.bold(target)}: level ${paint.bold(level)} (${oneLine(levelReason)})`,
    ...findings.flatMap(({ about, code, fix }) => [
      `  ${paint.red('✗')} ${oneLine(about)} ${paint.dim(`(${code})`)}`,
      `    ${paint.dim(`do: ${oneLine(fix)}`)}`,
    ]),
    ...openLines(level === 'none' ? [] : open, paint),
  ];
}
