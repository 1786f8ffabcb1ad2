import type { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import type { ProtectionLevel } from '../../model/reversal.ts';
import type { Target } from '../../model/target.ts';
import type { Verdict } from '../../model/verdict.ts';
import { type BacktestParts, backtest, type RecordedDecision } from '../../policy/backtest.ts';
import { CachedJudge } from '../../policy/cached-judge.ts';
import { checkPolicy } from '../../policy/check-policy.ts';
import type { Explanation } from '../../policy/explain.ts';
import { loadPolicy, type Policy } from '../../policy/policy.ts';
import type { PolicySource } from '../../policy/policy-source.ts';
import type { TrailFollower, TrailIndex } from '../../trail/trail-finder.ts';
import type { POLICY_ROUTES } from '../contract/policy.ts';
import type { Handlers } from '../handler.ts';
import { recordedDecision } from '../recorded-decision.ts';

/** What is asked of whoever can read SQL and requests. */
export type TryRequest = z.output<(typeof POLICY_ROUTES)['policy.explain']['body']>;

export interface Tried {
  readonly explanation: Explanation;
  readonly target: Target;
  readonly protection: {
    readonly level: ProtectionLevel;
    readonly source: 'seen' | 'given' | 'assumed';
    readonly why: string;
  };
  readonly couldNotTell: string | null;
}

export interface PolicyRouteParts {
  readonly source: PolicySource;
  readonly policy: () => Policy;
  readonly explain: (request: TryRequest) => Promise<Tried>;
  readonly placeOf: BacktestParts['placeOf'];
  readonly index: TrailIndex;
  readonly follower: Pick<TrailFollower, 'freshen'>;
}

type View = z.input<(typeof POLICY_ROUTES)['policy.explain']['answer']>;
type BacktestView = z.input<(typeof POLICY_ROUTES)['policy.backtest']['answer']>;

const PAGE = 500;

export function policyRoutes(parts: PolicyRouteParts): Handlers<typeof POLICY_ROUTES> {
  return {
    'policy.show': async () => {
      const { rules, version, warnings } = parts.policy();
      return {
        version,
        rules: rules.map(({ line, origin, preset, ...rule }) => ({
          ...rule,
          where: `${origin}:${line}`,
          isPreset: preset,
        })),
        files: [...parts.source.files],
        warnings: [...warnings],
      };
    },
    'policy.explain': async ({ body }) => {
      if ((body.sql === undefined) === (body.request === undefined)) {
        throw new HoldfastError('HF_USAGE', {
          expected: 'one of sql and request',
          found: body.sql === undefined ? 'neither' : 'both',
          hint: 'A statement goes to a database, a request to a provider.',
        });
      }
      return view(await parts.explain(body));
    },
    'policy.backtest': async ({ body }) => await tryRules(parts, body),
  };
}

async function tryRules(
  { follower, index, placeOf, policy, source }: PolicyRouteParts,
  { files, newest, replaces }: { files: PolicySource['files']; newest: number; replaces: string[] },
): Promise<BacktestView> {
  const tried = { ...source, files, replaces };
  const { findings } = checkPolicy(tried);
  if (findings.some(({ severity }) => severity === 'error')) {
    return { ...NOTHING_JUDGED, findings: [...findings] };
  }
  await follower.freshen();
  const { decisions, unknown } = await newestDecisions(index, newest);
  const rules = loadPolicy(tried);
  const { changed, changedTotal, judged, notJudged } = await backtest(decisions, {
    inForce: new CachedJudge(policy()),
    tried: new CachedJudge(rules),
    placeOf,
    breathe: () => new Promise((done) => setImmediate(done)),
  });
  return {
    findings: [...findings],
    version: rules.version,
    decisions: decisions.length + unknown,
    from: decisions.at(-1)?.index ?? null,
    to: decisions[0]?.index ?? null,
    judged,
    unchanged: judged - changedTotal,
    changed: changed.map(({ decision, inForce, tried: then }) => ({
      index: decision.index,
      at: decision.at.toISOString(),
      agent: decision.agent.name,
      target: decision.target,
      text: decision.text,
      recorded: decision.verdict,
      inForce: verdictView(inForce),
      tried: verdictView(then),
    })),
    changedTotal,
    notJudged: [
      ...notJudged,
      ...(unknown > 0 ? [{ why: 'it is no entry of this version', count: unknown }] : []),
    ],
    notes: [...NOTES],
  };
}

/** What the answer rests on, said each time. */
const NOTES = [
  'Each decision was judged again from the effects its entry lists, by the rules in force and by those tried.',
  'Targets count as they are declared and protected now; the search path of the session is not recorded, and is taken from holdfast.yaml.',
  'Whether an operation of a provider can be set back is not recorded: such a verdict may be stricter here than it was.',
  'Signatures are left out: what people approved is judged as it was before they did.',
  'Reads that were forwarded are recorded in batches, without their effects, and are not judged again.',
] as const;

const NOTHING_JUDGED: Omit<BacktestView, 'findings'> = {
  version: null,
  decisions: 0,
  from: null,
  to: null,
  judged: 0,
  unchanged: 0,
  changed: [],
  changedTotal: 0,
  notJudged: [],
  notes: [],
};

async function newestDecisions(
  index: TrailIndex,
  most: number,
): Promise<{ readonly decisions: readonly RecordedDecision[]; readonly unknown: number }> {
  const decisions: RecordedDecision[] = [];
  let unknown = 0;
  let before: bigint | null = null;
  while (decisions.length + unknown < most) {
    const limit = Math.min(PAGE, most - decisions.length - unknown);
    const { entries, lookedTo } = await index.find({ ...ANY, kind: 'decision', before, limit });
    for (const { bytes, index: at } of entries) {
      const decision = recordedDecision(at, bytes);
      if (decision === null) unknown += 1;
      else decisions.push(decision);
    }
    if (lookedTo === null) break;
    before = lookedTo;
  }
  return { decisions, unknown };
}

const ANY = {
  agent: null,
  target: null,
  verdict: null,
  hold: null,
  since: null,
  until: null,
  text: null,
} as const;

function view({ couldNotTell, explanation, protection, target }: Tried): View {
  return {
    policyVersion: explanation.policyVersion,
    target: {
      name: target.name,
      environment: target.environment.name,
      level: target.environment.level,
      resolvedBy: target.resolvedBy,
    },
    protection,
    verdict: verdictView(explanation.verdict),
    rule: explanation.rule,
    effects: explanation.effects.map(({ verdict, ...one }) => ({
      ...one,
      verdict: verdictView(verdict),
    })),
    couldNotTell,
    takingBack: explanation.takingBack,
  };
}

function verdictView(verdict: Verdict): View['verdict'] {
  const { kind, reason, rule } = verdict;
  if (verdict.kind === 'hold') return { kind, reason, rule, people: verdict.people };
  return verdict.kind === 'refuse'
    ? { kind, reason, rule, hint: verdict.hint }
    : { kind, reason, rule };
}
