/**
 * A request that is tried and never sent: what it would do, where, and what policy would say, as the
 * gateway itself would have it. A request to a provider is read by its provider, which may look up at the
 * API what the request's meaning hangs on; nothing is changed there.
 */
import type { Tried, TryRequest } from './api/routes/policy.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import { ANYTHING } from './model/allowance.ts';
import type { Reading } from './model/effect.ts';
import { HoldfastError } from './model/errors.ts';
import type { RecoveryOf } from './model/recovery-facts.ts';
import { PROVIDER_PROTECTION, type Protection, UNPROTECTED } from './model/reversal.ts';
import type { Target } from './model/target.ts';
import type { CachedJudge } from './policy/cached-judge.ts';
import { explainVerdict } from './policy/explain.ts';
import { firstView } from './protocols/index.ts';
import type { Provider } from './providers/provider.ts';
import type { TargetResolver } from './targets/resolver.ts';

export interface TryingParts {
  readonly judge: () => CachedJudge;
  readonly reader: () => Promise<Pick<SqlReader, 'read'>>;
  readonly providers: () => Promise<ReadonlyMap<string, Provider>>;
  readonly targets: TargetResolver;
  /** As it was seen last; null: nobody has looked. */
  readonly protectionOf: (target: string) => Protection | null;
  readonly recoveryOf: RecoveryOf;
}

export function tryWith(parts: TryingParts): (request: TryRequest) => Promise<Tried> {
  return async (request) => {
    const { protection, reading, searchPath, target } =
      request.request === undefined
        ? await readSql(parts, request)
        : await readCall(parts, request.request);
    const known = protectionFor(request, protection);
    const actor = {
      kind: 'agent',
      id: request.agent,
      name: request.agent,
      tokenId: 'explain',
    } as const;
    const scope = {
      actor,
      target,
      searchPath,
      protection: known.protection,
      recovery: parts.recoveryOf(target.name),
      allowance: ANYTHING,
    };
    return {
      explanation: explainVerdict(parts.judge(), scope, reading),
      target,
      protection: known.words,
      couldNotTell: reading.kind === 'could-not-tell' ? reading.reason.message : null,
    };
  };
}

interface Read {
  readonly reading: Reading;
  readonly searchPath: readonly string[];
  readonly target: Target;
  readonly protection: Protection | null;
}

async function readSql(parts: TryingParts, request: TryRequest): Promise<Read> {
  const sql = request.sql ?? '';
  const bytes = Buffer.from(sql, 'utf8');
  const reader = await parts.reader();
  const seen = firstView(await reader.read(bytes, 0, bytes.length), sql, request.searchPath);
  return {
    ...seen,
    target: parts.targets.resolve({ asked: request.target, searchPath: seen.searchPath }),
    protection: parts.protectionOf(request.target),
  };
}

async function readCall(
  { providers, targets }: TryingParts,
  call: NonNullable<TryRequest['request']>,
): Promise<Read> {
  const provider = (await providers()).get(call.provider);
  if (provider === undefined) {
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: 'a provider that holdfast.yaml declares',
      found: call.provider,
      hint: 'GET /v1/targets shows them.',
    });
  }
  const [path = '/', search] = call.path.split(/\?(.*)/s);
  const { place, reading } = await provider.read({
    method: call.method,
    path,
    search: search === undefined ? '' : `?${search}`,
    mediaType: call.mediaType.split(';')[0]?.trim().toLowerCase() ?? '',
    body: Buffer.from(call.body, 'utf8'),
  });
  const target = targets.resolve(place);
  return { reading, searchPath: [], target, protection: PROVIDER_PROTECTION };
}

function protectionFor(
  { level }: TryRequest,
  seen: Protection | null,
): { readonly protection: Protection; readonly words: Tried['protection'] } {
  if (level !== undefined) {
    const words = { level, source: 'given', why: 'as the request says' } as const;
    return { protection: { level, trouble: null }, words };
  }
  if (seen === null) {
    const why = 'nobody has looked at it: only a gateway that runs does';
    return { protection: UNPROTECTED, words: { level: 'none', source: 'assumed', why } };
  }
  const why = seen.trouble ?? 'at the last look';
  return { protection: seen, words: { level: seen.level, source: 'seen', why } };
}
