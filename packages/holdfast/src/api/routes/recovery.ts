import type { z } from 'zod';
import type { TargetConfig } from '../../config/config.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { RECOVERY_REPORT_AGE_MS_MAX } from '../../model/limits.ts';
import type { EnvironmentLevel } from '../../model/target.ts';
import { oneLine } from '../../model/text.ts';
import type { DrillResult } from '../../recovery/drills/drill-result.ts';
import type { OrderDesk, Ordered, OrderStanding } from '../../recovery/order-desk.ts';
import { countedOf } from '../../recovery/point-seal.ts';
import { keptNowhere } from '../../recovery/restore/restores.ts';
import type { TargetReport } from '../../recovery/target-report.ts';
import type { RECOVERY_ROUTES } from '../contract/recovery.ts';
import type { Handlers } from '../handler.ts';

export interface RecoveryRouteParts {
  readonly environments: readonly { readonly name: string; readonly level: EnvironmentLevel }[];
  readonly targets: readonly TargetConfig[];
  /** The last that was left on this machine, however old; null: none. */
  readonly reportOf: (target: string) => TargetReport | null;
  /** Null, or answers null: nobody in this process keeps recovery points. */
  readonly orders: (() => OrderDesk | null) | null;
  readonly clock: Clock;
}

type Shown = z.input<(typeof RECOVERY_ROUTES)['recovery.show']['answer']>;
type Item = z.input<(typeof RECOVERY_ROUTES)['recovery.list']['answer']>['items'][number];
type OrderedView = z.input<(typeof RECOVERY_ROUTES)['recovery.order']['answer']>;

const BECAUSE_SHOWN = 5;

export function recoveryRoutes(parts: RecoveryRouteParts): Handlers<typeof RECOVERY_ROUTES> {
  const { targets } = parts;
  const desk = (): OrderDesk | null => parts.orders?.() ?? null;
  const there = (): OrderDesk => {
    const orders = desk();
    if (orders === null) throw keptNowhere();
    return orders;
  };
  const targetOf = (name: string): TargetConfig => {
    const found = targets.find((one) => one.name === name);
    if (found === undefined) throw noTarget(name);
    return found;
  };
  return {
    'recovery.list': async () => ({
      isKeptHere: desk() !== null,
      items: targets.map((target) => itemView(target, parts)),
    }),
    'recovery.show': async ({ params }) => {
      const target = targetOf(params.target);
      const { recovery } = target;
      const report = reportFor(target, parts);
      return {
        ...headView(target, report, parts),
        isKeptHere: desk() !== null,
        vaults: [...(recovery?.vaults ?? [])],
        hasIdentity: (recovery?.identity ?? null) !== null,
        report: report === null ? null : reportView(report),
      };
    },
    'recovery.order': async ({ body, params, principal }) => {
      const target = targetOf(params.target);
      const vaults = target.recovery?.vaults ?? null;
      if (vaults === null) throw noRecovery(target.name);
      if (body.vault !== null && !vaults.includes(body.vault)) {
        throw usage(`a vault of ${target.name}: ${vaults.join(', ')}`, body.vault);
      }
      if (body.kind !== 'drill' && body.point !== null) {
        throw usage('a point for a drill only', `one for ${body.kind}`);
      }
      const by = principal?.kind === 'person' ? principal.name : 'this machine';
      return orderedView(await there().order({ ...body, target: target.name, by }));
    },
    'recovery.orders': async ({ params }) => ({
      items: (desk()?.list(targetOf(params.target).name) ?? []).map(orderedView),
    }),
    'recovery.ordered': async ({ params: { id, target } }) =>
      orderedView(there().show(targetOf(target).name, id)),
  };
}

function reportFor(
  { name, recovery }: TargetConfig,
  parts: RecoveryRouteParts,
): TargetReport | null {
  return recovery === null ? null : parts.reportOf(name);
}

function headView(
  { environment, name, recovery }: TargetConfig,
  report: TargetReport | null,
  { clock, environments }: RecoveryRouteParts,
): Pick<Shown, 'target' | 'environment' | 'level' | 'seen'> {
  const level = environments.find((one) => one.name === environment)?.level ?? 'sealed';
  const head = { target: name, environment, level };
  if (recovery === null) return { ...head, seen: 'not-configured' };
  if (report === null) return { ...head, seen: 'never-looked' };
  const ageMs = clock.now().getTime() - new Date(report.at).getTime();
  // What claims to come from the future is as old: a clock that went back makes nothing fresh.
  const isFresh = ageMs >= -1_000 && ageMs < RECOVERY_REPORT_AGE_MS_MAX;
  return { ...head, seen: isFresh ? 'fresh' : 'old' };
}

function itemView(target: TargetConfig, parts: RecoveryRouteParts): Item {
  const report = reportFor(target, parts);
  const head = headView(target, report, parts);
  if (report === null) return { ...head, standing: null };
  const { at, because, colour, outside, promise, proven, rpoMs, rtoMs, vaults } = report;
  return {
    ...head,
    standing: {
      ...{ at, colour, rpoMs, rtoMs, promise },
      because: because.slice(0, BECAUSE_SHOWN),
      provenAt: (outside ?? proven)?.at ?? null,
      isOutside: outside !== null,
      points: vaults.reduce((sum, { points }) => sum + countedOf(points).length, 0),
      vaults: vaults.length,
    },
  };
}

function reportView(report: TargetReport): NonNullable<Shown['report']> {
  return {
    ...report,
    vaults: report.vaults.map((vault) => ({ ...vault, lastDrill: drillView(vault.lastDrill) })),
  };
}

function drillView(drill: DrillResult | null) {
  return drill === null ? null : { ...drill, checks: [...drill.checks] };
}

function orderedView({ by, standing, ...rest }: Ordered): OrderedView {
  return { ...rest, askedBy: by, standing: standingView(standing) };
}

function standingView(standing: OrderStanding): OrderedView['standing'] {
  if (standing.state !== 'done') return standing;
  const results = standing.results.map((one) => ({ ...one, drill: drillView(one.drill) }));
  return { ...standing, results };
}

function noTarget(name: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'a target in holdfast.yaml',
    found: oneLine(name.slice(0, 100)),
    hint: 'GET /v1/recovery lists them.',
  });
}

function noRecovery(target: string): HoldfastError {
  return usage(`recovery for ${target} in holdfast.yaml`, 'none');
}

function usage(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected,
    found: oneLine(found.slice(0, 100)),
    hint: 'docs/recovery.md says what can be ordered.',
  });
}
