/**
 * What is right in the file and will not bring a target back as somebody hopes: no recovery where it matters
 * most, vaults that go down with the target, nothing proven, and promises that cannot be kept.
 */
import { RECOVERY_RPO_MS_MIN } from '../model/limits.ts';
import type { Config, TargetConfig } from './config.ts';
import type { RecoveryConfig, VaultConfig } from './recovery-config.ts';
import { isLoopback } from './upstream.ts';

export const RECOVERY_WARNING_CODES = [
  'vault-unused',
  'sealed-without-recovery',
  'vaults-all-near',
  'recovery-without-identity',
  'identity-no-key',
  'identity-opens-nothing',
  'identity-read-by-others',
  'rpo-below-engine',
  'proven-age-below-schedule',
  'keep-below-promise',
] as const;
export type RecoveryWarningCode = (typeof RECOVERY_WARNING_CODES)[number];

interface RecoveryWarning {
  readonly code: RecoveryWarningCode;
  readonly path: string;
  readonly found: string;
  readonly hint: string;
}

/** Of a vault that this machine keeps itself. */
const HERE = 'this machine';

export function recoveryWarnings(config: Config): RecoveryWarning[] {
  const { targets, vaults } = config;
  const used = new Set(targets.flatMap(({ recovery }) => recovery?.vaults ?? []));
  const idle = vaults.filter(({ name }) => !used.has(name));
  return [
    ...idle.map(
      ({ name }): RecoveryWarning => ({
        code: 'vault-unused',
        path: `vaults.${name}`,
        found: 'no target has its recovery points there',
        hint: 'Name it under recovery of a target.',
      }),
    ),
    ...targets.flatMap((target) =>
      target.recovery === null
        ? withoutRecovery(config, target)
        : ofRecovery(config, target, target.recovery),
    ),
  ];
}

/** By the rule sealed.recovery of docs/policy.md, which asks for nothing where nothing is configured. */
function withoutRecovery({ environments }: Config, target: TargetConfig): RecoveryWarning[] {
  const declared = environments.find(({ name }) => name === target.environment);
  if ((declared?.level ?? 'sealed') !== 'sealed') return [];
  return [
    {
      code: 'sealed-without-recovery',
      path: `targets.${target.name}.recovery`,
      found: `none, though ${target.name} is sealed: what nothing takes back waits for people, and no proven copy stands behind their yes`,
      hint: 'Declare recovery (docs/recovery.md), or refuse such acts with the rule sealed.no-recovery of docs/policy.md.',
    },
  ];
}

function ofRecovery(
  { vaults }: Config,
  target: TargetConfig,
  recovery: RecoveryConfig,
): RecoveryWarning[] {
  const { backupEveryMs, identity, keepMs, promise } = recovery;
  const path = `targets.${target.name}.recovery`;
  const found: RecoveryWarning[] = [];
  const named = vaults.filter(({ name }) => recovery.vaults.includes(name));
  const near = hostsOf(target, recovery);
  if (named.length > 0 && named.every((vault) => near.has(hostOf(vault)))) {
    found.push({
      code: 'vaults-all-near',
      path: `${path}.vaults`,
      found: `${named.map(({ name }) => name).join(', ')}: nothing but this machine and that of ${target.name}, so what takes the host takes the points`,
      hint: 'Add a vault in an account of its own, better at another provider (docs/recovery.md, "An S3 vault").',
    });
  }
  if (identity === null) {
    found.push({
      code: 'recovery-without-identity',
      path: `${path}.identity`,
      found: 'none, so no drill runs here and nothing counts as proven',
      hint: 'Say where the private key lies, or run `holdfast recovery drill` where it is.',
    });
  }
  if (promise.rpoMs < RECOVERY_RPO_MS_MIN) {
    found.push({
      code: 'rpo-below-engine',
      path: `${path}.promise.rpo`,
      found: `${spanOf(promise.rpoMs)}, which a quiet server alone breaks: it is asked for a sign of life every few seconds`,
      hint: `Promise ${spanOf(RECOVERY_RPO_MS_MIN)} or more.`,
    });
  }
  // Between two points nothing newer can be proven.
  if (promise.provenAgeMsMax < backupEveryMs) {
    found.push({
      code: 'proven-age-below-schedule',
      path: `${path}.promise.provenAge`,
      found: `${spanOf(promise.provenAgeMsMax)}, and a point is taken every ${spanOf(backupEveryMs)}: red between each two`,
      hint: 'Take points more often (backupEvery), or promise more than that and the time of a drill.',
    });
  }
  if (keepMs < promise.provenAgeMsMax) {
    found.push({
      code: 'keep-below-promise',
      path: `${path}.keep`,
      found: `${spanOf(keepMs)}, and a point counts for ${spanOf(promise.provenAgeMsMax)} (promise.provenAge): it may leave the vault before`,
      hint: 'Keep points longer than promise.provenAge.',
    });
  }
  return found;
}

/** Where what hits the target hits: this machine, and that of the target where the file says which. */
function hostsOf({ upstream }: TargetConfig, { connection }: RecoveryConfig): ReadonlySet<string> {
  const urls = [upstream.url, connection?.url].flatMap((url) =>
    url?.kind === 'literal' ? [url.text] : [],
  );
  return new Set([HERE, ...urls.map(hostIn)]);
}

function hostOf({ way }: VaultConfig): string {
  switch (way.kind) {
    case 'local':
      return HERE;
    case 's3':
      return hostIn(way.endpoint);
    case 'restic':
      return hostIn(way.url);
    default:
      return way satisfies never;
  }
}

/** A URL that cannot be read is told elsewhere; it is nowhere near by that. */
function hostIn(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  // A socket, or nothing at all, is this machine (libpq).
  const host = parsed.hostname.replaceAll(/^\[|\]$/g, '').toLowerCase();
  return host === '' || /^%2f/i.test(host) || isLoopback(host) ? HERE : host;
}

/** As the file says it. */
function spanOf(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1_000, 's'],
  ] as const;
  const whole = units.find(([unit]) => ms >= unit && ms % unit === 0);
  return whole === undefined ? `${ms}ms` : `${ms / whole[0]}${whole[1]}`;
}
