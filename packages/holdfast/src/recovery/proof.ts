/**
 * The proof of the blast radius: a canary is put into the vault, and every credential that Holdfast
 * brokers, the vault's own writer among them, tries to destroy it. In this order: canary; for each
 * credential each act, and after each act the canary read back by version and hash with another
 * identity; whether it was the lock that refused (the control); what vault and target have in common; one verdict.
 *
 * - Any act that succeeded, or a canary that is not whole: REFUTED.
 * - Each act refused, by an answer that is about the act, and the bytes read back each time: PROVEN.
 * - A control that deletes what is locked: REFUTED. One that could not be run changes no verdict, and is told as UNKNOWN.
 * - Anything else (no answer, a timeout, a busy server, an act that could not be tried): UNKNOWN.
 *
 * A refusal without the bytes is no proof, and bytes without a refusal are luck. It tries nothing at a
 * provider and no deletion of a bucket that holds anything but a canary. The result is plain data.
 */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical.ts';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { PROOF_CONTROL_MS_MAX } from '../model/limits.ts';
import type { LockControl } from './proof-shape.ts';

export type ProofVerdict = 'PROVEN' | 'REFUTED' | 'UNKNOWN';

/** Plain data: a credential as it is named in the proof, never itself. */
export interface TriedCredential {
  readonly name: string;
  /** `s3`, `postgres`, `railway`, … as the credential's owner calls it. */
  readonly kind: string;
}

/** How one credential can be tried on one vault. */
export type Trial =
  | { readonly kind: 'acts'; readonly acts: readonly Act[] }
  /** It opens nothing here, by its nature: a login of a database at an object store. */
  | { readonly kind: 'no-key'; readonly why: string }
  /** It might, and cannot be tried from here: it counts as UNKNOWN. */
  | { readonly kind: 'untried'; readonly why: string };

/** One way to destroy. */
export interface Act {
  readonly id: string;
  /** `delete the version`: what was tried, for people. */
  readonly words: string;
  /**
   * Whether the storage may say yes to it, because the canary outlives it: a plain delete makes a
   * marker. Then the bytes alone decide, and what it opens for the future is said.
   */
  readonly harmless: string | null;
  run(canary: Canary, signal: AbortSignal): Promise<ActAnswer>;
}

export type ActAnswer =
  | { readonly kind: 'done'; readonly words: string }
  | { readonly kind: 'refused'; readonly words: string }
  | { readonly kind: 'no-key'; readonly words: string }
  | { readonly kind: 'unclear'; readonly words: string };

export interface Canary {
  readonly key: string;
  readonly version: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly retainUntil: Date;
  /** Null: the vault showed its lock when asked. */
  readonly lockTrouble: string | null;
}

export type ReadBack =
  | { readonly kind: 'whole' }
  | { readonly kind: 'lost'; readonly words: string }
  | { readonly kind: 'unclear'; readonly words: string };

/** A vault, as far as a proof needs it. */
export interface ProofGround {
  readonly vault: string;
  readonly kind: string;
  plant(retainUntil: Date): Promise<Canary>;
  /** By version and hash, with an identity that is not under trial. */
  readBack(canary: Canary, signal: AbortSignal): Promise<ReadBack>;
  /**
   * Whether it is the lock that refuses: somebody who may delete is refused while something is locked, and not
   * afterwards. Takes as long as the shortest lock. Left out: nothing is locked there.
   */
  control?(signal: AbortSignal): Promise<LockControl>;
}

export interface Suspect extends TriedCredential {
  readonly trial: Trial;
}

export interface ProofOrder {
  readonly ground: ProofGround;
  readonly clock: Clock;
  readonly suspects: readonly Suspect[];
  /** What vault and target have in common (`same-as.ts`): with any of it, the vault is not outside. */
  readonly sameAs: readonly string[];
  /** Provider snapshots of the target, by name: they share its fate and are never counted. */
  readonly snapshots: readonly string[];
  readonly canaryMs: number;
  readonly actMsMax: number;
  readonly signal: AbortSignal;
}

export interface ActResult {
  readonly act: string;
  readonly words: string;
  readonly outcome: 'refused' | 'succeeded' | 'harmless' | 'no-key' | 'unclear';
  /** What the storage answered. */
  readonly answer: string;
  readonly bytes: 'whole' | 'lost' | 'unclear';
}

export interface CredentialResult extends TriedCredential {
  readonly verdict: ProofVerdict | 'NO KEY HERE';
  /** One sentence. */
  readonly why: string;
  readonly acts: readonly ActResult[];
}

export interface BlastRadiusProof {
  readonly format: 'holdfast/proof/1';
  readonly vault: string;
  readonly vaultKind: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly canary: {
    readonly key: string;
    readonly version: string;
    readonly sha256: string;
    readonly retainUntil: string;
  } | null;
  readonly credentials: readonly CredentialResult[];
  /** Null: nothing is locked in a vault of this kind. */
  readonly control: LockControl | null;
  readonly verdict: ProofVerdict;
  readonly why: string;
  /** Proven, and nothing in common with the target. */
  readonly isOutside: boolean;
  readonly sameAs: readonly string[];
  readonly sameBlastRadius: readonly string[];
}

export interface SealedProof {
  readonly proof: BlastRadiusProof;
  /** Canonical JSON, as it goes into the trail. */
  readonly json: string;
  /** SHA-256 of it, lower-case hex. */
  readonly digest: string;
}

export async function proveBlastRadius(order: ProofOrder): Promise<SealedProof> {
  const { ground, clock, suspects } = order;
  const startedAt = clock.now();
  const planted = await plant(order, startedAt);
  const credentials: CredentialResult[] = [];
  for (const suspect of suspects) credentials.push(await tryOne(order, suspect, planted));
  const control = await controlOf(order);
  const { verdict, why } = verdictOf(planted, credentials, control);
  const proof: BlastRadiusProof = {
    format: 'holdfast/proof/1',
    vault: ground.vault,
    vaultKind: ground.kind,
    startedAt: startedAt.toISOString(),
    endedAt: clock.now().toISOString(),
    canary: planted.canary === null ? null : factsOf(planted.canary),
    credentials,
    control,
    verdict,
    why,
    isOutside: verdict === 'PROVEN' && order.sameAs.length === 0,
    sameAs: order.sameAs,
    sameBlastRadius: order.snapshots.map(
      (name) => `${name}: a snapshot of the provider, same blast radius as the target; not counted`,
    ),
  };
  const json = canonicalJson(proof);
  return { proof, json, digest: hash('sha256', json, 'hex') };
}

type Planted =
  | { readonly canary: Canary; readonly trouble: null }
  | { readonly canary: null; readonly trouble: string };

async function plant(order: ProofOrder, startedAt: Date): Promise<Planted> {
  const retainUntil = new Date(startedAt.getTime() + order.canaryMs);
  try {
    const canary = await timed(order, () => order.ground.plant(retainUntil));
    return { canary, trouble: null };
  } catch (error) {
    return { canary: null, trouble: messageOf(error) };
  }
}

async function controlOf(order: ProofOrder): Promise<LockControl | null> {
  const { ground } = order;
  if (ground.control === undefined) return null;
  const run = (signal: AbortSignal) =>
    ground.control?.(signal) ?? Promise.reject(new Error('none'));
  return timed(order, run, PROOF_CONTROL_MS_MAX).catch(
    (error: unknown): LockControl => ({
      verdict: 'UNKNOWN',
      why: `Whether it was the lock that refused is open: ${messageOf(error)}.`,
    }),
  );
}

async function tryOne(
  order: ProofOrder,
  suspect: Suspect,
  planted: Planted,
): Promise<CredentialResult> {
  const { name, kind, trial } = suspect;
  if (trial.kind === 'no-key') {
    return { name, kind, verdict: 'NO KEY HERE', why: trial.why, acts: [] };
  }
  if (trial.kind === 'untried') return { name, kind, verdict: 'UNKNOWN', why: trial.why, acts: [] };
  if (planted.canary === null) {
    return { name, kind, verdict: 'UNKNOWN', why: 'There was no canary to try it on.', acts: [] };
  }
  const acts: ActResult[] = [];
  for (const act of trial.acts) acts.push(await attempt(order, act, planted.canary));
  return { name, kind, ...verdictOfActs(acts), acts };
}

async function attempt(order: ProofOrder, act: Act, canary: Canary): Promise<ActResult> {
  const answer = await timed(order, (signal) => act.run(canary, signal)).catch(
    (error: unknown): ActAnswer => ({ kind: 'unclear', words: messageOf(error) }),
  );
  const bytes = await timed(order, (signal) => order.ground.readBack(canary, signal)).catch(
    (error: unknown): ReadBack => ({ kind: 'unclear', words: messageOf(error) }),
  );
  const said = bytes.kind === 'whole' ? answer.words : `${answer.words}; then: ${bytes.words}`;
  return {
    act: act.id,
    words: act.harmless === null ? act.words : `${act.words} (${act.harmless})`,
    outcome: outcomeOf(act, answer),
    answer: said,
    bytes: bytes.kind,
  };
}

function outcomeOf(act: Act, answer: ActAnswer): ActResult['outcome'] {
  if (answer.kind !== 'done') return answer.kind;
  return act.harmless === null ? 'succeeded' : 'harmless';
}

function verdictOfActs(acts: readonly ActResult[]): Pick<CredentialResult, 'verdict' | 'why'> {
  const lost = acts.find(({ bytes }) => bytes === 'lost');
  if (lost !== undefined) {
    return {
      verdict: 'REFUTED',
      why: `After “${lost.words}” the canary was gone: ${lost.answer}.`,
    };
  }
  const done = acts.find(({ outcome }) => outcome === 'succeeded');
  if (done !== undefined) {
    return { verdict: 'REFUTED', why: `It could ${done.words}: ${done.answer}.` };
  }
  const [first] = acts;
  if (first === undefined) return { verdict: 'UNKNOWN', why: 'Nothing was tried.' };
  if (acts.every(({ outcome, bytes }) => outcome === 'no-key' && bytes === 'whole')) {
    return { verdict: 'NO KEY HERE', why: `The vault does not know it: ${first.answer}.` };
  }
  const open = acts.find(
    ({ outcome, bytes }) => bytes !== 'whole' || outcome === 'unclear' || outcome === 'no-key',
  );
  if (open !== undefined) {
    return { verdict: 'UNKNOWN', why: `Whether it could ${open.words} is open: ${open.answer}.` };
  }
  const refused = acts.filter(({ outcome }) => outcome === 'refused').length;
  if (refused === 0) return { verdict: 'UNKNOWN', why: 'Nothing was refused.' };
  return {
    verdict: 'PROVEN',
    why: `${refused} of ${acts.length} acts were refused, and the canary was whole after each.`,
  };
}

function verdictOf(
  planted: Planted,
  credentials: readonly CredentialResult[],
  control: LockControl | null,
): Pick<BlastRadiusProof, 'verdict' | 'why'> {
  if (control?.verdict === 'REFUTED') return control;
  const refuted = credentials.find(({ verdict }) => verdict === 'REFUTED');
  if (refuted !== undefined) {
    return { verdict: 'REFUTED', why: `${refuted.name}: ${refuted.why}` };
  }
  if (planted.canary === null) {
    return { verdict: 'UNKNOWN', why: `No canary could be put into the vault: ${planted.trouble}` };
  }
  const { lockTrouble } = planted.canary;
  if (lockTrouble !== null) {
    return { verdict: 'REFUTED', why: `What is stored is not locked: ${lockTrouble}.` };
  }
  const open = credentials.find(({ verdict }) => verdict === 'UNKNOWN');
  if (open !== undefined) return { verdict: 'UNKNOWN', why: `${open.name}: ${open.why}` };
  const tried = credentials.filter(({ verdict }) => verdict === 'PROVEN').length;
  if (tried === 0) {
    return { verdict: 'UNKNOWN', why: 'No credential was tried that the vault knows.' };
  }
  return {
    verdict: 'PROVEN',
    why: `${tried} of ${credentials.length} credentials were tried and none could destroy.`,
  };
}

function factsOf({ key, version, sha256, retainUntil }: Canary) {
  return { key, version, sha256, retainUntil: retainUntil.toISOString() };
}

/** One act, or one look, within its time; it is told to stop when that is over, and not waited for. */
async function timed<T>(
  order: ProofOrder,
  act: (signal: AbortSignal) => Promise<T>,
  msMax = order.actMsMax,
): Promise<T> {
  if (order.signal.aborted) throw new Error('it was stopped');
  const stopping = new AbortController();
  let stop = (): void => {};
  const late = new Promise<never>((_done, fail) => {
    stop = () => {
      stopping.abort();
      fail(new Error('no answer within the time it has'));
    };
  });
  const timer = setTimeout(stop, msMax);
  order.signal.addEventListener('abort', stop, { once: true });
  try {
    const acting = act(stopping.signal);
    acting.catch(() => {});
    return await Promise.race([acting, late]);
  } finally {
    clearTimeout(timer);
    order.signal.removeEventListener('abort', stop);
  }
}
