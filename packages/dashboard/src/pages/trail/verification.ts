/** What the stream of a verification says, read strictly: a report that cannot be read is none. */

export interface Finding {
  readonly code: string;
  readonly index: number | null;
  readonly message: string;
}

export interface Report {
  readonly ok: boolean;
  readonly from: number;
  readonly to: number;
  readonly root: string;
  readonly checkpoints: number;
  readonly decisions: number;
  readonly outcomes: number;
  readonly open: number;
  readonly findings: readonly Finding[];
  readonly findingCount: number;
}

export type Checked =
  | { readonly kind: 'begun' }
  | { readonly kind: 'broken' }
  | {
      readonly kind: 'progress';
      readonly done: number;
      readonly total: number;
      readonly perSecond: number;
      readonly leftSeconds: number | null;
    }
  | { readonly kind: 'report'; readonly report: Report };

/** Null: not one of these. */
export function checkedOf(data: unknown): Checked | null {
  const facts = recordOf(data);
  if (facts === null) return null;
  if (facts['kind'] === 'progress') {
    const { done, total, perSecond, leftSeconds } = facts;
    if (!isNumber(done) || !isNumber(total) || !isNumber(perSecond)) return null;
    return {
      kind: 'progress',
      done,
      total,
      perSecond,
      leftSeconds: isNumber(leftSeconds) ? leftSeconds : null,
    };
  }
  if (facts['kind'] !== 'report') return null;
  const report = reportOf(facts['report']);
  return report === null ? { kind: 'broken' } : { kind: 'report', report };
}

function reportOf(value: unknown): Report | null {
  if (typeof value !== 'object' || value === null) return null;
  const facts: Record<string, unknown> = { ...value };
  const { ok, from, to, root, checkpoints, decisions, outcomes, open, findings, findingCount } =
    facts;
  if (typeof ok !== 'boolean' || typeof root !== 'string' || !Array.isArray(findings)) return null;
  if (!isNumber(from) || !isNumber(to) || !isNumber(checkpoints) || !isNumber(decisions))
    return null;
  if (!isNumber(outcomes) || !isNumber(open) || !isNumber(findingCount)) return null;
  const found = findings.map(findingOf);
  // Fine only when nothing at all was found.
  const isFine = ok && findingCount === 0 && found.length === 0;
  return {
    ok: isFine,
    from,
    to,
    root,
    checkpoints,
    decisions,
    outcomes,
    open,
    findings: found,
    findingCount,
  };
}

function findingOf(value: unknown): Finding {
  const facts: Record<string, unknown> =
    typeof value === 'object' && value !== null ? { ...value } : {};
  const { code, index, message } = facts;
  return {
    code: typeof code === 'string' ? code : 'unknown',
    index: isNumber(index) ? index : null,
    message: typeof message === 'string' ? message : 'a finding without words',
  };
}

function recordOf(data: unknown): Record<string, unknown> | null {
  if (typeof data !== 'string') return null;
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null;
  } catch {
    return null;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
