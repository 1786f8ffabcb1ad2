/**
 * One target and its vaults: streams its WAL, takes points with a witness, drills them, tries to destroy
 * what lies there, and says how it stands. An engine to each vault, so that one that is away keeps no
 * other waiting.
 *
 * What was found is kept in the vault first, then told (`note`), also when the vault does not take it. It knows no schedule and no lock: whoever
 * calls has seen to it that nobody else keeps this target.
 */
import { join } from 'node:path';
import type { DrillAssertion } from '../config/drill-assertions.ts';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import type { Note } from '../model/event.ts';
import {
  DRILL_REPLAY_MS_MAX,
  DRILL_SMALL_BYTES_MAX,
  PROOF_ACT_MS_MAX,
  PROOF_AGE_MS_MAX,
  PROOF_CANARY_MS,
  WAL_STUCK_MS,
} from '../model/limits.ts';
import type { AdminConnection } from '../protection/postgres/admin.ts';
import { clockTrouble } from './clocks.ts';
import { type DrillOrder, runDrill } from './drills/drill.ts';
import { drillEvent } from './drills/drill-event.ts';
import { type DrillResult, isDrillOf, newestDecided, passedAt } from './drills/drill-result.ts';
import type { Witness } from './drills/witness.ts';
import { listPieces, newestStoredAt } from './engines/dump/pieces.ts';
import type { Engine, StreamState, Tell } from './engines/engine.ts';
import { openEngine, type Restorer, restorerOf } from './engines/open-engine.ts';
import type { PgBackRestWay } from './engines/pgbackrest/pgbackrest-program.ts';
import { type FruitlessDrill, type GapDrill, gapDrillOf } from './gap-drill.ts';
import { OrphanWatch } from './orphaned-slots.ts';
import { otherPoints, reachOfOther } from './other-points.ts';
import type { OwnProofs } from './own-proofs.ts';
import { gapsBetween, PointReach, type PointReaches } from './point-reach.ts';
import { isSealed, notCounted, type PointSeal, type SealVerdict } from './point-seal.ts';
import type { SealedPoint } from './point-trust.ts';
import { type ProofGround, proveBlastRadius, type SealedProof, type Suspect } from './proof.ts';
import { CONTROL_UNTRIED, triedOf } from './proof-shape.ts';
import { reachOf, UNREACHED } from './reach.ts';
import {
  type EngineKind,
  isoWindow,
  plainBytesOf,
  type RecoveryPoint,
  type StoredPoint,
  storedBytes,
} from './recovery-point.ts';
import { historyOf } from './report-history.ts';
import { type RestoredTarget, type RestoreOrder, restoreTarget } from './restore/restore-target.ts';
import { lookAsOf, type VaultView } from './restore/vault-view.ts';
import { NOWHERE, type Whereabouts } from './same-as.ts';
import { factsOf, type RecoveryPromise, standingOf, type VaultEvidence } from './standing.ts';
import { StrangerNews } from './stranger-news.ts';
import type { TargetReport, VaultReport } from './target-report.ts';
import { openSession } from './target-session.ts';
import { type FoundRecords, type KeptProof, proofIdOf, VaultRecords } from './vault-records.ts';
import type { Vault, VaultLook } from './vaults/vault.ts';
import { type ViewHint, ViewHints } from './view-hint.ts';

export interface KeptVault {
  readonly vault: Vault;
  readonly slot: string;
  readonly ground: () => ProofGround;
  readonly suspects: (ground: ProofGround) => Promise<readonly Suspect[]>;
  /** What it has in common with the target. */
  readonly sameAs: () => Promise<readonly string[]>;
  readonly whereabouts: () => Promise<{
    readonly target: Whereabouts;
    readonly vault: Whereabouts;
  }>;
  /** For the look of the vault itself. */
  readonly learnt: (proof: KeptProof | null) => void;
}

export interface KeeperParts {
  readonly target: string;
  readonly connection: AdminConnection;
  readonly engine: EngineKind;
  readonly pgbackrest: PgBackRestWay | null;
  readonly vaults: readonly KeptVault[];
  /** Of all targets and vaults of this installation; any other that is left at the server is told of. */
  readonly ownSlots: ReadonlySet<string>;
  readonly recipients: readonly string[];
  /** Empty: the private key is kept elsewhere. */
  readonly identities: () => readonly string[];
  readonly keepMs: number;
  readonly promise: RecoveryPromise;
  readonly assertions: () => readonly DrillAssertion[];
  readonly binaries: readonly string[];
  /** Where drills restore into; others may pass through it. */
  readonly folder: string;
  /** Snapshots and backups at the provider: named, never counted. */
  readonly snapshots: readonly string[];
  /** Beside what the vault keeps of them. */
  readonly ownProofs: OwnProofs;
  readonly macKey: Buffer;
  /** Of its recovery points; the same in all gateways of this installation. */
  readonly seal: PointSeal;
  readonly clock: Clock;
  readonly note: Note;
}

/** `witness`: where the newest point was witnessed; `random`: any moment of the window. */
export type DrillGoal = 'witness' | 'random';

interface Kept {
  readonly it: KeptVault;
  readonly engine: Engine;
  /** Of any point that lies there, whatever took it. */
  readonly restorer: Restorer;
  /** As `restorer`, out of a view of the vault; it streams nothing. */
  readonly restorerIn: (view: Vault) => Restorer;
  readonly records: VaultRecords;
  readonly reach: PointReach;
  /** Of what counts for nothing here. */
  readonly otherReach: PointReach;
  readonly hints: ViewHints;
}

export interface Looked {
  readonly vault: string;
  readonly found: FoundRecords;
  readonly stream: StreamState | null;
  /** Null: no gap asks for a drill. */
  readonly gapDrill: GapDrill | null;
}

const NOTHING_FOUND: FoundRecords = {
  ...{ points: [], unsealed: [], others: [], strangers: [] },
  ...{ drills: [], otherDrills: [], proofs: [], otherRecords: 0 },
  ...{ troubles: [], pointTroubles: [] },
};
const WAL_LOOK_MS = 1_000;
/** Of each vault: more make no pause longer. */
const FRUITLESS_MAX = 16;
const LOST_MS_MAX = 30_000;

export class TargetKeeper {
  readonly target: string;
  readonly #parts: KeeperParts;
  readonly #kept: readonly Kept[];
  #streams = new Map<string, () => StreamState>();
  #isStarted = false;
  #system: string | null = null;
  /** Of each vault, as of the last report. */
  readonly #found = new Map<string, Omit<Looked, 'stream' | 'vault'>>();
  /** Of each vault: drills of this process that did not pass, since one did. */
  readonly #fruitless = new Map<string, readonly FruitlessDrill[]>();
  readonly #news: StrangerNews;
  readonly #orphans: OrphanWatch;
  /** Of each vault: why what was found could not be kept there. */
  readonly #unkept = new Map<string, string>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.target = parts.target;
    this.#news = new StrangerNews(parts.target);
    this.#orphans = new OrphanWatch(parts);
    const { binaries, clock, connection, folder, identities, keepMs, macKey } = parts;
    const { recipients, seal, target } = parts;
    const kept = () => ({ retainUntil: new Date(clock.now().getTime() + keepMs) });
    this.#kept = parts.vaults.map((it) => {
      const { slot, vault } = it;
      const common = { target, vault, recipients, identities, kept, seal, clock };
      const { pgbackrest } = parts;
      const options = { ...common, connection, slot, binaries, folder, pgbackrest };
      const engine = openEngine(parts.engine, options);
      const records = new VaultRecords({ ...common, macKey });
      return {
        it,
        engine,
        restorer: restorerOf(engine, options),
        restorerIn: (view) => {
          const there = { ...options, vault: view };
          return restorerOf(openEngine(parts.engine, there), there);
        },
        records,
        reach: new PointReach(vault),
        otherReach: new PointReach(vault),
        hints: new ViewHints({ target, vault: vault.name, records }),
      };
    });
  }

  get vaults(): readonly string[] {
    return this.#kept.map(({ it }) => it.vault.name);
  }

  /** A private key that is declared and not there is as none. */
  get canDrill(): boolean {
    try {
      return this.#parts.identities().length > 0;
    } catch {
      return false;
    }
  }

  /** Starts WAL on its way to each vault; goes on until `close`. Rejects with HF_RECOVERY_SERVER. */
  async stream(): Promise<void> {
    for (const { engine, it } of this.#kept) {
      const stream = await engine.stream();
      if (stream !== null) this.#streams.set(it.vault.name, () => stream.state());
    }
    this.#isStarted = true;
  }

  /** Resolves when the point, and the witness of a small database, lie in the vault. */
  async backup(vaultName: string, tell: Tell, signal: AbortSignal): Promise<RecoveryPoint> {
    const { note, target } = this.#parts;
    const { engine, records } = this.#of(vaultName);
    let point: RecoveryPoint;
    try {
      const distrusted = await this.#distrusted(records);
      point = engine.needsStream
        ? await this.#withWal(engine, signal, (both) => engine.backup(tell, both, distrusted))
        : await engine.backup(tell, signal, distrusted);
    } catch (error) {
      signal.throwIfAborted();
      const reason = wordsOf(error);
      await note({
        kind: 'recovery-point-failed',
        facts: { target, vault: vaultName, reason },
        message: `No recovery point of ${target} could be taken into ${vaultName}: ${reason}`,
      });
      throw error;
    }
    await note({
      kind: 'recovery-point-taken',
      facts: { target, vault: vaultName, point: point.id, bytes: storedBytes(point) },
      message: `Recovery point ${point.id} of ${target} lies in ${vaultName}.`,
    });
    const witness = isSmall(point) ? await engine.witness(point, signal) : null;
    if (witness !== null) await records.keepWitness(witness, point.id);
    return point;
  }

  /**
   * `pointId` null: the newest of ours, else from before seals. What it found is kept, whatever it is; only
   * being stopped rejects. One that counts for nothing here is drilled when it is named, and its drill says so.
   */
  async drill(
    vaultName: string,
    pointId: string | null,
    goal: DrillGoal,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<DrillResult> {
    if (!this.canDrill) throw noIdentity(this.target);
    const about: { point: string | null; hasPassed: boolean } = { point: null, hasPassed: false };
    try {
      const kept = this.#of(vaultName);
      const { chosen, first, system } = await this.#pointToDrill(kept, vaultName, pointId);
      about.point = chosen.point.id;
      const aim = await this.#aim(kept, system, chosen, first, goal);
      const result = await this.#drillOf(vaultName, chosen, aim, tell, signal);
      about.hasPassed = result.verdict === 'passed';
      return result;
    } finally {
      this.#ended(vaultName, about);
    }
  }

  /** `first`: the first of ours, where there is one. */
  async #pointToDrill(
    { records }: Kept,
    vaultName: string,
    pointId: string | null,
  ): Promise<{
    readonly chosen: SealedPoint;
    readonly first: StoredPoint | null;
    readonly system: string;
  }> {
    const system = await this.#systemOf(records);
    const found = await records.find(system);
    const { others, points, unsealed } = found;
    const newest = points.at(-1) ?? unsealed.at(-1);
    const all: readonly SealedPoint[] = [
      ...[...points, ...unsealed].map((one) => ({ point: one, verdict: verdictIn(found, one) })),
      ...others,
    ];
    const meant = pointId === null ? newest?.id : pointId;
    const chosen = all.find(({ point: { id } }) => id === meant);
    if (chosen === undefined) throw noPoint(this.target, vaultName, pointId, others);
    return { chosen, first: points[0] ?? null, system };
  }

  async #drillOf(
    vaultName: string,
    { point, verdict }: SealedPoint,
    aim: Pick<DrillOrder, 'goal' | 'witness' | 'witnessTrouble'>,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<DrillResult> {
    const { clock, connection, folder, note } = this.#parts;
    const { records, restorer } = this.#of(vaultName);
    const system = point.server.systemIdentifier;
    const result = await runDrill(
      {
        point,
        seal: notCounted(verdict),
        ...aim,
        assertions: this.#parts.assertions(),
        database: connection.database,
      },
      {
        engine: restorer,
        vault: vaultName,
        clock,
        folder: join(folder, `drill-${clock.random(6).toString('hex')}`),
        superuser: await this.#superuser(),
        binaries: this.#parts.binaries,
        replayMsMax: DRILL_REPLAY_MS_MAX,
      },
      tell,
      signal,
    );
    await this.#keep(vaultName, () => records.keepDrill(system, result));
    await note(drillEvent(result));
    return result;
  }

  /** Beside the live one, and left running: to be compared, then kept or discarded. */
  async restore(
    vaultName: string,
    order: Omit<RestoreOrder, 'target'>,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<RestoredTarget> {
    const { binaries, clock, seal, target } = this.#parts;
    const { it, restorer, restorerIn } = this.#of(vaultName);
    if (!this.canDrill) throw noIdentity(target);
    return restoreTarget(
      { ...order, target },
      {
        engineOf: (vault) => (vault === it.vault ? restorer : restorerIn(vault)),
        vault: it.vault,
        seal,
        clock,
        superuser: await this.#superuser(),
        binaries,
        replayMsMax: DRILL_REPLAY_MS_MAX,
      },
      tell,
      signal,
    );
  }

  /** What of it lay in the vault then, before anything is restored. HF_RESTORE_WINDOW: no point did. */
  async viewOf(vaultName: string, asOf: Date): Promise<VaultView> {
    const { seal, target } = this.#parts;
    const { it, records } = this.#of(vaultName);
    const drilled = new Map<string, readonly DrillResult[]>();
    return lookAsOf({ vault: it.vault, target, asOf, seal }, async (point) => {
      const system = point.server.systemIdentifier;
      // That it is not known whether it was drilled is no reason not to look.
      const drills =
        drilled.get(system) ??
        (await records.find(system).then(
          (found) => found.drills,
          () => [],
        ));
      drilled.set(system, drills);
      return passedAt(drills, point);
    });
  }

  /**
   * When the newest drill of that very point ended, if it passed; null: none did. Drills are sealed: whoever
   * can only write into the vault makes none.
   */
  async drilledAt(
    vaultName: string,
    { digest, id, server }: Pick<StoredPoint, 'id' | 'digest' | 'server'>,
  ): Promise<string | null> {
    const { drills, otherDrills } = await this.#of(vaultName).records.find(server.systemIdentifier);
    return passedAt([...drills, ...otherDrills], { digest, id });
  }

  async prove(vaultName: string, signal: AbortSignal): Promise<SealedProof> {
    const { clock, note, snapshots, target } = this.#parts;
    const { it, records } = this.#of(vaultName);
    const ground = it.ground();
    const sealed = await proveBlastRadius({
      ground,
      clock,
      suspects: await it.suspects(ground),
      sameAs: await it.sameAs(),
      snapshots,
      canaryMs: PROOF_CANARY_MS,
      actMsMax: PROOF_ACT_MS_MAX,
      signal,
    });
    const { digest, json, proof } = sealed;
    const id = proofIdOf(proof, clock.random(2).toString('hex'));
    const { control, sameAs, verdict, why } = proof;
    const at = new Date(proof.endedAt);
    const tried = triedOf(proof.credentials);
    this.#parts.ownProofs.learn({ id, vault: vaultName, at, verdict, why, sameAs, tried, control });
    await this.#keep(vaultName, async () =>
      records.keepProof(await this.#systemOf(records), id, json),
    );
    const kinds = {
      PROVEN: 'blast-radius-proved',
      REFUTED: 'blast-radius-refuted',
      UNKNOWN: 'blast-radius-unknown',
    } as const;
    await note({
      kind: kinds[proof.verdict],
      facts: {
        target,
        vault: vaultName,
        verdict: proof.verdict,
        outside: proof.isOutside,
        tried: proof.credentials.filter(({ acts }) => acts.length > 0).length,
        control: control?.verdict ?? null,
        digest,
      },
      message: `Blast radius of ${vaultName} for ${target}: ${proof.verdict}. ${proof.why}`,
    });
    return sealed;
  }

  /** Why the newest drill or proof is not kept in the vault; null: it is, or there was none. */
  notKept(vaultName: string): string | null {
    return this.#unkept.get(vaultName) ?? null;
  }

  /** Null: nothing is streamed from here. */
  streamOf(vaultName: string): StreamState | null {
    return this.#streams.get(vaultName)?.() ?? null;
  }

  /** What the last report found there, for the schedule; null: it could not be read. */
  looked(vaultName: string): Looked | null {
    const looked = this.#found.get(vaultName);
    if (looked === undefined) return null;
    return { vault: vaultName, ...looked, stream: this.streamOf(vaultName) };
  }

  /** Never rejects for a vault or a server that is away: that is how it stands. */
  async report(): Promise<TargetReport> {
    const { clock, promise, target } = this.#parts;
    const now = clock.now();
    const seen: { readonly evidence: VaultEvidence; readonly report: VaultReport }[] = [];
    for (const kept of this.#kept) seen.push(await this.#evidence(kept, now));
    const standing = standingOf(
      seen.map(({ evidence }) => evidence),
      promise,
      now,
    );
    const because = [...standing.because];
    if (!this.canDrill)
      because.push('No private key is here, so no drill runs: recovery.identity.');
    because.push(...(await this.#orphans.troubles(!this.#isStarted)));
    const colour = standing.colour === 'green' && because.length > 0 ? 'amber' : standing.colour;
    const placed = (one: typeof standing.proven) =>
      one === null ? null : { point: one.point, vault: one.vault, at: one.at.toISOString() };
    return {
      format: 'holdfast/recovery-report/1',
      target,
      at: now.toISOString(),
      isRunning: this.#isStarted,
      colour,
      because: [...new Set(because)],
      proven: placed(standing.proven),
      outside: placed(standing.outside),
      rpoMs: standing.rpoMs,
      rtoMs: standing.rtoMs,
      promise,
      facts: factsOf(standing, now),
      whereabouts: { ...(await this.#whereabouts()) },
      snapshots: [...this.#parts.snapshots],
      vaults: seen.map(({ report }) => report),
    };
  }

  async close(): Promise<void> {
    for (const { engine } of this.#kept) await engine.close();
    this.#streams = new Map();
    this.#isStarted = false;
  }

  async #whereabouts(): Promise<Whereabouts> {
    const [first] = this.#kept;
    return first === undefined ? NOWHERE : (await first.it.whereabouts()).target;
  }

  async #evidence(
    { engine, hints, it, otherReach, reach: pointReach, records, restorer }: Kept,
    now: Date,
  ): Promise<{ readonly evidence: VaultEvidence; readonly report: VaultReport }> {
    const { vault } = it;
    const troubles: string[] = [];
    let ways: readonly ViewHint[] = [];
    let found = NOTHING_FOUND;
    let points: readonly StoredPoint[] = [];
    let reach = UNREACHED;
    let reaches: PointReaches = new Map();
    let gapDrill: GapDrill | null = null;
    let others: VaultReport['others'] = null;
    const state = this.streamOf(vault.name);
    this.#found.delete(vault.name);
    try {
      const system = await this.#systemOf(records);
      found = await records.find(system);
      this.#found.set(vault.name, { found, gapDrill });
      await this.#tellStrangers(vault.name, found.strangers);
      // Those from before seals are older than all of ours, and only a drill makes them count.
      const present = await this.#present(restorer, [...found.unsealed, ...found.points]);
      points = present.points;
      troubles.push(...present.words);
      ways = await hints.of(system, found.pointTroubles, found.drills);
      const known = knownOf(found, points);
      const newest = known.at(-1);
      // WAL that another installation left there is nothing of ours that reaches the vault.
      const isOfOthers = newest === undefined && found.others.length > 0;
      reach = await reachOf(known, state, vault, async () => {
        if (isOfOthers) return null;
        return newest?.engine === 'pull' ? pointReach.endOf(newest) : records.newestWalAt(system);
      });
      const reached = await pointReach.of(points, reach.durableAt);
      reaches = reached.reaches;
      gapDrill = this.#gapDrillIn(vault.name, found, points, reached.holed);
      this.#found.set(vault.name, { found, gapDrill });
      others = await otherPoints(found, vault, otherReach);
    } catch (error) {
      troubles.push(toDoWords(error));
    }
    const kept = new Set(found.proofs.map(({ id }) => id));
    const own = this.#parts.ownProofs.of(vault.name).filter(({ id }) => !kept.has(id));
    const proofs = [...found.proofs, ...own].toSorted((a, b) => a.at.getTime() - b.at.getTime());
    const unkept = this.#unkept.get(vault.name);
    if (unkept !== undefined) troubles.push(`What was found is not kept there: ${unkept}`);
    const unwritten = this.#parts.ownProofs.trouble(vault.name);
    if (unwritten !== null) troubles.push(unwritten);
    const newestProof = proofs.at(-1) ?? null;
    const decided = proofs.findLast(({ verdict }) => verdict !== 'UNKNOWN') ?? null;
    // What no answer came to later does not make good what was refuted.
    const counted = decided?.verdict === 'REFUTED' ? decided : newestProof;
    it.learnt(counted);
    const look = await vault.look().catch(
      (error: unknown): VaultLook => ({
        colour: 'red',
        protectsFrom: [],
        doesNotProtectFrom: [],
        troubles: [toDoWords(error)],
        freeBytes: null,
        objects: null,
      }),
    );
    const sameAs = await it.sameAs();
    const proof = proofNow(counted, sameAs, now);
    troubles.push(...found.troubles, ...look.troubles, ...sameAs);
    if (state?.trouble) troubles.push(state.trouble);
    const ofClocks = clockTrouble(points.at(-1));
    if (ofClocks !== null) troubles.push(ofClocks);
    troubles.push(...(state?.notCarried ?? []), ...(engine.lacks?.() ?? []));
    // A vault that is away says so to each that asks.
    const told = [...new Set(troubles)];
    const { colour, doesNotProtectFrom, protectsFrom } = look;
    const { drills } = found;
    const anyDrills = [...drills, ...found.otherDrills].toSorted(byEnd);
    const newestFirst = drills.toSorted(byEnd);
    const { by, durableAt, window } = reach;
    const shown: readonly SealedPoint[] = [
      ...found.others,
      ...points.map((point) => ({ point, verdict: verdictIn(found, point) })),
    ];
    return {
      evidence: {
        vault: vault.name,
        ...{ colour, proof, points, drills, durableAt, reaches, troubles: told },
        ...{ by, gapDrill },
      },
      report: {
        name: vault.name,
        kind: vault.kind,
        colour,
        protectsFrom: [...protectsFrom],
        doesNotProtectFrom: [...doesNotProtectFrom],
        troubles: told,
        hints: ways.map(({ says }) => says),
        views: ways.map(({ at, why }) => ({ at: at.toISOString(), why })),
        sameAs: [...sameAs],
        points: shown.map(({ point, verdict }) => ({
          id: point.id,
          endedAt: point.endedAt,
          prior: point.prior,
          fullBecause: point.fullBecause ?? null,
          bytes: storedBytes(point),
          drill: anyDrills.find((one) => isDrillOf(one, point))?.verdict ?? null,
          drilledAt: passedAt(anyDrills, point),
          seal: verdict,
          isSealed: isSealed(verdict),
        })),
        lastDrill: newestFirst[0] ?? null,
        proof:
          counted === null
            ? null
            : {
                at: counted.at.toISOString(),
                verdict: counted.verdict,
                why: counted.why,
                control: counted.control ?? (vault.kind === 's3' ? CONTROL_UNTRIED : null),
              },
        gapDrill:
          gapDrill === null ? null : { point: gapDrill.point, from: gapDrill.from.toISOString() },
        newestWalAt: durableAt?.toISOString() ?? null,
        window: window === null ? null : isoWindow(window),
        gaps:
          window === null
            ? []
            : gapsBetween(points, reaches)
                .filter(({ to }) => to > window.from)
                .map(isoWindow),
        others,
        whereabouts: { ...(await it.whereabouts()).vault },
        tried: [...(counted?.tried ?? [])],
        history: historyOf(drills, proofs),
      },
    };
  }

  /** Only of ours: what is from before seals is drilled by the schedule. */
  #gapDrillIn(
    vault: string,
    found: FoundRecords,
    points: readonly StoredPoint[],
    holed: ReadonlySet<string>,
  ): GapDrill | null {
    const hasGap = this.streamOf(vault)?.hasGap === true;
    const newest = points.at(-1);
    if (newest === undefined || !found.points.includes(newest)) return null;
    return gapDrillOf({
      ...{ points, holed, now: this.#parts.clock.now(), drills: found.drills },
      fruitless: this.#fruitless.get(vault) ?? [],
      ...{ hasGap, isSmall: isSmall(newest) },
    });
  }

  #ended(vault: string, { hasPassed, point }: { point: string | null; hasPassed: boolean }): void {
    const before = hasPassed ? [] : (this.#fruitless.get(vault) ?? []);
    const now = hasPassed ? [] : [{ point, endedAt: this.#parts.clock.now() }];
    this.#fruitless.set(vault, [...before, ...now].slice(-FRUITLESS_MAX));
  }

  async #tellStrangers(vault: string, keys: readonly string[]): Promise<void> {
    // A command that looks is not who watches.
    const news = this.#isStarted ? this.#news.look(vault, keys) : null;
    if (news === null) return;
    try {
      await this.#parts.note(news);
    } catch {
      // What lies in the vault is reported all the same, and this is told at the next look.
      this.#news.untold(vault);
    }
  }

  /** Points whose files lie elsewhere are there for as long as those are, and no proof of the vault is of them. */
  async #present(
    restorer: Restorer,
    points: readonly StoredPoint[],
  ): Promise<{ readonly points: readonly StoredPoint[]; readonly words: readonly string[] }> {
    const elsewhere = points.filter(({ repository }) => repository !== undefined);
    if (elsewhere.length === 0) return { points, words: [] };
    const words = [
      'The files of its points lie in the repository of pgBackRest, on which no credential was tried.',
    ];
    try {
      const lost = await restorer.lost(elsewhere, AbortSignal.timeout(LOST_MS_MAX));
      return { points: points.filter(({ id }) => !lost.has(id)), words };
    } catch (error) {
      words.push(`Whether they are still there is not known: ${wordsOf(error)}`);
      return { points: points.filter(({ repository }) => repository === undefined), words };
    }
  }

  /** Broken off when no WAL reaches the vault: a backup waits for it, and would wait for ever. */
  async #withWal<T>(
    engine: Engine,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock, target } = this.#parts;
    const stream = await engine.stream();
    if (stream === null) return work(signal);
    const stuck = new AbortController();
    let seen: number | null = null;
    let wellMs = clock.monotonicMs();
    const timer = setInterval(() => {
      const { durableAt, trouble } = stream.state();
      const at = durableAt?.getTime() ?? null;
      // Not by its trouble: a slot that lags is trouble, too, and one that reconnects has none for a moment.
      if (at !== seen) wellMs = clock.monotonicMs();
      seen = at;
      if (clock.monotonicMs() - wellMs > WAL_STUCK_MS)
        stuck.abort(noWal(target, trouble ?? 'nothing of it'));
    }, WAL_LOOK_MS);
    try {
      return await work(AbortSignal.any([signal, stuck.signal]));
    } finally {
      clearInterval(timer);
    }
  }

  /** Points whose newest drill did not pass: what is built on them would not come back either. */
  async #distrusted(records: VaultRecords): Promise<ReadonlySet<string>> {
    const { drills } = await records.find(await this.#systemOf(records));
    const failed = [...newestDecided(drills).values()].filter(
      ({ verdict }) => verdict === 'failed',
    );
    return new Set(failed.map(({ point }) => point));
  }

  /** What was found is told all the same when the vault does not take it. */
  async #keep(vaultName: string, keep: () => Promise<void>): Promise<void> {
    try {
      await keep();
      this.#unkept.delete(vaultName);
    } catch (error) {
      this.#unkept.set(vaultName, wordsOf(error));
    }
  }

  async #aim(
    { it: { vault }, otherReach, records }: Kept,
    system: string,
    { point, verdict }: SealedPoint,
    first: StoredPoint | null,
    goal: DrillGoal,
  ): Promise<Pick<DrillOrder, 'goal' | 'witness' | 'witnessTrouble'>> {
    const { clock } = this.#parts;
    const unwitnessed = { witness: null, witnessTrouble: null };
    const isOther = notCounted(verdict) !== null;
    // What was streamed since need not lead on from a point of others: it is whole at its own end.
    const farthest = { at: null, lsn: isOther ? (point.wal?.endLsn ?? null) : null };
    if (goal === 'witness') {
      let witness: Witness | null = null;
      try {
        witness = await records.witnessOf(system, point.id, verdict);
      } catch (error) {
        const isAway = error instanceof HoldfastError && error.code === 'HF_VAULT_UNREACHABLE';
        if (isAway) throw error;
        return { goal: farthest, witness, witnessTrouble: wordsOf(error) };
      }
      if (witness !== null) {
        // A dump that nothing follows is at its witness, whatever the position is.
        const lsn = point.wal === null ? null : witness.lsn;
        return { goal: { at: null, lsn }, witness, witnessTrouble: null };
      }
    }
    const from = new Date(point.endedAt).getTime();
    const until = isOther
      ? await reachOfOther(point, first, vault, otherReach)
      : await this.#streamedAt(records, vault, system, point);
    const to = until?.getTime() ?? from;
    const isNear = to - from < 60_000 || (isOther && goal === 'witness');
    if (isNear) return { goal: farthest, ...unwitnessed };
    // Not the last seconds: what was stored then may hold no commit after the moment.
    const share = clock.random(4).readUInt32BE() / 2 ** 32;
    const at = new Date(from + Math.floor((to - from - 10_000) * share));
    return { goal: { at, lsn: null }, ...unwitnessed };
  }

  /** When the newest was stored that goes on after the point. */
  async #streamedAt(
    records: VaultRecords,
    vault: Vault,
    system: string,
    { engine, repository, target, wal }: RecoveryPoint,
  ): Promise<Date | null> {
    if (repository !== undefined) return this.streamOf(vault.name)?.durableAt ?? null;
    if (engine !== 'dump') return records.newestWalAt(system);
    return wal === null ? null : newestStoredAt(await listPieces(vault, target, system));
  }

  async #superuser(): Promise<string> {
    const { connection } = this.#parts;
    const client = await openSession(connection, 'sql').catch(() => null);
    // A server that is gone is what drills are for: the one that is asked for most is guessed.
    if (client === null) return 'postgres';
    try {
      const { rows } = await client.query<{ name: string }>(
        `select rolname as name from pg_catalog.pg_roles where rolsuper and rolcanlogin
         order by rolname = current_user desc, oid limit 1`,
      );
      return rows[0]?.name ?? connection.user;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** As the server says, else as the vault has it: a server that is gone must not hide its points. */
  async #systemOf(records: VaultRecords): Promise<string> {
    if (this.#system !== null) return this.#system;
    const [first] = this.#kept;
    try {
      if (first === undefined) throw new Error('it has no vault');
      this.#system = (await first.engine.facts()).systemIdentifier;
      return this.#system;
    } catch (error) {
      const known = await records.newestSystem();
      if (known === null) throw error;
      return known;
    }
  }

  #of(vaultName: string): Kept {
    const found = this.#kept.find(({ it }) => it.vault.name === vaultName);
    if (found !== undefined) return found;
    throw new HoldfastError('HF_USAGE', {
      expected: `a vault of ${this.target}: ${this.vaults.join(', ')}`,
      found: vaultName,
      hint: 'Name it under recovery.vaults of the target.',
    });
  }
}

export function isSmall(point: RecoveryPoint): boolean {
  return plainBytesOf(point) + (point.buildsOn?.plainBytes ?? 0) <= DRILL_SMALL_BYTES_MAX;
}

/** What the window is of: how far back it goes is not what somebody says who only can write there. */
function knownOf(
  { drills, unsealed }: FoundRecords,
  points: readonly StoredPoint[],
): readonly StoredPoint[] {
  const known = points.filter((one) => !unsealed.includes(one) || passedAt(drills, one) !== null);
  return known.length > 0 ? known : points;
}

function verdictIn({ unsealed }: FoundRecords, point: StoredPoint): SealVerdict {
  return unsealed.includes(point) ? 'none' : 'ours';
}

function proofNow(
  proof: KeptProof | null,
  sameAs: readonly string[],
  now: Date,
): VaultEvidence['proof'] {
  if (proof === null) return null;
  if (proof.verdict === 'REFUTED') return 'refuted';
  const ageMs = now.getTime() - proof.at.getTime();
  const isFresh = ageMs <= PROOF_AGE_MS_MAX && ageMs >= -60_000;
  return proof.verdict === 'PROVEN' && isFresh && sameAs.length === 0 ? 'proven' : 'unknown';
}

function byEnd(one: DrillResult, other: DrillResult): number {
  return one.endedAt < other.endedAt ? 1 : -1;
}

function wordsOf(error: unknown): string {
  if (error instanceof HoldfastError) return `${error.found} (${error.code})`;
  return messageOf(error);
}

/** As `wordsOf`, and what to do about it. */
function toDoWords(error: unknown): string {
  return error instanceof HoldfastError ? `${wordsOf(error)}. ${error.hint}` : wordsOf(error);
}

function noWal(target: string, trouble: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_WAL', {
    expected: `WAL of ${target} to reach the vault while its backup is taken`,
    found: trouble,
    hint: 'Mend what it says, and take the point again.',
  });
}

function noIdentity(target: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_KEY', {
    expected: `a private key for drills of ${target}`,
    found: 'none in holdfast.yaml',
    hint: 'Say where it lies (recovery.identity), or run the drill where the key is.',
  });
}

function noPoint(
  target: string,
  vault: string,
  point: string | null,
  others: readonly SealedPoint[],
): HoldfastError {
  const other = point === null ? others.at(-1)?.point.id : undefined;
  return new HoldfastError('HF_RECOVERY_GOAL', {
    expected: point === null ? `a recovery point of ${target} in ${vault}` : `the point ${point}`,
    found:
      other === undefined ? 'none' : `none of ours, and ${others.length} that do not count here`,
    hint:
      other === undefined
        ? `Take one: holdfast recovery backup ${target}`
        : `Take one: holdfast recovery backup ${target}; or name one of the others: --point ${other}`,
  });
}
