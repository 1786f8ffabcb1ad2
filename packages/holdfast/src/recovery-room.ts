/**
 * Vaults and the keepers of all targets with `recovery`, out of holdfast.yaml: for the gateway, which
 * streams and keeps to the schedule, and for one command. Nothing is connected to before it is needed.
 *
 * Who is put on trial by a proof: what each vault is stored with, and whom `recovery-suspects.ts` names.
 */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config, Env, TargetConfig } from './config/config.ts';
import { loadAssertions } from './config/drill-assertions.ts';
import type { RecoveryConfig, StoreKeysConfig, VaultConfig } from './config/recovery-config.ts';
import { isLoopback, resolveSecret } from './config/upstream.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError } from './model/errors.ts';
import { PROOF_AGE_MS_MAX } from './model/limits.ts';
import { userNamed } from './programs/embedded-engine.ts';
import { type AdminConnection, openTargetDatabase } from './protection/postgres/admin.ts';
import { identitiesIn } from './recovery/identities.ts';
import { OwnProofs } from './recovery/own-proofs.ts';
import { PointSeal } from './recovery/point-seal.ts';
import type { ProofGround, ProofVerdict, Suspect, Trial } from './recovery/proof.ts';
import { NOWHERE, sameAs, type Whereabouts } from './recovery/same-as.ts';
import { type KeptVault, TargetKeeper } from './recovery/target-keeper.ts';
import { LocalGround } from './recovery/vaults/local/ground.ts';
import { KeptHead } from './recovery/vaults/local/kept-head.ts';
import { LocalVault } from './recovery/vaults/local/local-vault.ts';
import { ResticGround } from './recovery/vaults/restic/ground.ts';
import { ResticVault } from './recovery/vaults/restic/restic-vault.ts';
import { S3Ground } from './recovery/vaults/s3/ground.ts';
import type { S3Identities, S3Keys, S3Place } from './recovery/vaults/s3/place.ts';
import { S3Vault } from './recovery/vaults/s3/s3-vault.ts';
import type { Vault } from './recovery/vaults/vault.ts';
import { recoveryFolder } from './recovery-folder.ts';
import { ownSlotsIn, slotOf } from './recovery-slots.ts';
import { isHere, primarySuspect, sealedSuspects } from './recovery-suspects.ts';
import type { Rooms } from './rooms.ts';
import { recoveryConnectionOf } from './wiring.ts';

/** Whoever holds it keeps the recovery of this installation: streams, points, drills, proofs. */
export const RECOVERY_LOCK = 'recovery';

export interface RecoveryRoom {
  readonly keepers: ReadonlyMap<string, TargetKeeper>;
  close(): Promise<void>;
}

/** Where drills restore into: whoever runs the scratch server may pass through, and see nothing. */
export function drillFolder(config: Config, env: Env): string {
  const folder = join(recoveryFolder(config, env), 'drills');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  chmodSync(folder, 0o711);
  return folder;
}

/** Sources of gap rebuilds as they were read, and the copies that were restored for them. */
export function rebuildFolder(config: Config, env: Env): string {
  const folder = join(recoveryFolder(config, env), 'rebuilds');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  return folder;
}

/** Throws HF_CONFIG_INVALID for what cannot be built. */
export function openRecoveryRoom(rooms: Rooms, env: Env, clock: Clock): RecoveryRoom {
  return new Room(rooms, env, clock);
}

interface Opened {
  readonly vault: Vault;
  readonly ground: () => ProofGround;
  readonly closeGround: () => Promise<void>;
  readonly ownTrials: (ground: ProofGround) => Promise<readonly Suspect[]>;
  readonly whereabouts: () => Whereabouts;
  verdict: { readonly verdict: ProofVerdict; readonly at: Date } | null;
}

const MAC_PURPOSE = 'records of recovery';
const SEAL_PURPOSE = 'recovery points';

class Room implements RecoveryRoom {
  readonly keepers: ReadonlyMap<string, TargetKeeper>;
  readonly #rooms: Rooms;
  readonly #env: Env;
  readonly #clock: Clock;
  readonly #vaults = new Map<string, Opened>();
  /** Data folders of targets on this host, as they become known: a local vault compares its device. */
  readonly #dataFolders: string[] = [];

  constructor(rooms: Rooms, env: Env, clock: Clock) {
    this.#rooms = rooms;
    this.#env = env;
    this.#clock = clock;
    this.keepers = new Map(
      rooms.config.targets.flatMap((target) =>
        target.recovery === null ? [] : [[target.name, this.#keeper(target, target.recovery)]],
      ),
    );
  }

  async close(): Promise<void> {
    for (const keeper of this.keepers.values()) await keeper.close();
    for (const { closeGround, vault } of this.#vaults.values()) {
      await closeGround();
      await vault.close();
    }
  }

  #keeper(target: TargetConfig, recovery: RecoveryConfig): TargetKeeper {
    const { config, note, seal } = this.#rooms;
    const connection = recoveryConnectionOf(target, this.#env);
    const whereabouts = this.#whereaboutsOf(target, connection);
    const { assertions } = recovery;
    return new TargetKeeper({
      target: target.name,
      connection,
      engine: recovery.engine,
      pgbackrest: recovery.pgbackrest,
      vaults: recovery.vaults.map((name) =>
        this.#kept(this.#vault(name), target, connection, whereabouts),
      ),
      recipients: recovery.recipients,
      ownSlots: ownSlotsIn(config, this.#rooms.signer.verifierKey),
      identities: () => identitiesIn(recovery.identity, this.#env),
      keepMs: recovery.keepMs,
      promise: recovery.promise,
      assertions: () => (assertions === null ? [] : loadAssertions(assertions)),
      binaries: recovery.postgres,
      folder: drillFolder(config, this.#env),
      snapshots: snapshotsOf(config, target.name),
      ownProofs: new OwnProofs(join(recoveryFolder(config, this.#env), 'proofs'), target.name),
      macKey: seal.derive(MAC_PURPOSE),
      seal: new PointSeal(seal.derive(SEAL_PURPOSE)),
      clock: this.#clock,
      note,
    });
  }

  #kept(
    opened: Opened,
    target: TargetConfig,
    connection: AdminConnection,
    whereabouts: () => Promise<Whereabouts>,
  ): KeptVault {
    const { ground, vault } = opened;
    return {
      vault,
      slot: slotOf(this.#rooms.signer.verifierKey, target.name, vault.name),
      ground,
      suspects: async (on) => [
        ...(await opened.ownTrials(on)),
        ...(await sealedSuspects(this.#rooms, on)),
        primarySuspect(target.name, connection, on),
      ],
      sameAs: async () => sameAs(await whereabouts(), opened.whereabouts()),
      whereabouts: async () => ({ target: await whereabouts(), vault: opened.whereabouts() }),
      learnt: (proof) => {
        opened.verdict = proof;
      },
    };
  }

  #vault(name: string): Opened {
    const there = this.#vaults.get(name);
    if (there !== undefined) return there;
    const config = this.#rooms.config.vaults.find((one) => one.name === name);
    if (config === undefined) throw noVault(name);
    const opened = this.#open(config);
    this.#vaults.set(name, opened);
    return opened;
  }

  #open({ name, way }: VaultConfig): Opened {
    const clock = this.#clock;
    const proven = (): ProofVerdict | null => {
      const verdict = opened.verdict;
      if (verdict === null) return null;
      const isOld = clock.now().getTime() - verdict.at.getTime() > PROOF_AGE_MS_MAX;
      return isOld && verdict.verdict !== 'REFUTED' ? null : verdict.verdict;
    };
    const opened = ((): Opened => {
      switch (way.kind) {
        case 'local': {
          const { folder } = way;
          const user = way.user === null ? null : runAs(name, way.user);
          const heads = join(recoveryFolder(this.#rooms.config, this.#env), 'heads');
          const vault = new LocalVault({
            ...{ name, folder, user, dataFolders: this.#dataFolders },
            keptHead: new KeptHead(join(heads, `${name}.json`), folder),
          });
          const ground = new LocalGround({ vault, folder, clock });
          const isOwn = user !== null && user.uid !== process.getuid?.();
          const suspect: Suspect = {
            name: 'the user that Holdfast runs as',
            kind: 'user',
            trial: isOwn ? ground.trialOfThisUser() : SAME_USER,
          };
          return {
            vault,
            ground: () => ground,
            closeGround: async () => {},
            ownTrials: async () => [suspect],
            whereabouts: () => ({ ...NOWHERE, host: hostname(), device: deviceOf(folder) }),
            verdict: null,
          };
        }
        case 's3': {
          const place: S3Place = way;
          const identities: S3Identities = {
            writer: this.#keysOf(way.writer),
            prober: this.#keysOf(way.prober),
            restorer: way.restorer === null ? null : this.#keysOf(way.restorer),
          };
          const parts = { place, identities, clock };
          const ground = new S3Ground({ ...parts, vault: name, probeBucket: way.probeBucket });
          return {
            vault: new S3Vault({ ...parts, name, proven }),
            ground: () => ground,
            closeGround: () => ground.close(),
            ownTrials: async () => [
              {
                name: `the writer of ${name}`,
                kind: 's3',
                trial: await ground.trialOf(identities.writer),
              },
              ...(identities.restorer === null
                ? []
                : [
                    {
                      name: `the restorer of ${name}`,
                      kind: 's3',
                      trial: await ground.trialOf(identities.restorer),
                    },
                  ]),
            ],
            whereabouts: () => ({ ...elsewhere(way.endpoint), project: way.project }),
            verdict: null,
          };
        }
        case 'restic': {
          const place = { url: way.url };
          const keys = { user: way.user, password: resolveSecret(way.password, this.#env) };
          const ground = new ResticGround({ vault: name, place, keys, clock });
          return {
            vault: new ResticVault({ name, place, keys, clock, proven }),
            ground: () => ground,
            closeGround: async () => {},
            ownTrials: async () => [
              {
                name: `the user ${way.user} of ${name}`,
                kind: 'restic',
                trial: ground.trialOf(keys),
              },
            ],
            whereabouts: () => elsewhere(way.url),
            verdict: null,
          };
        }
        default:
          return way satisfies never;
      }
    })();
    return opened;
  }

  #keysOf({ accessKeyId, secretAccessKey }: StoreKeysConfig): S3Keys {
    return {
      accessKeyId: resolveSecret(accessKeyId, this.#env),
      secretAccessKey: resolveSecret(secretAccessKey, this.#env),
    };
  }

  /** Asked for once; a server that does not answer is asked again the next time. */
  #whereaboutsOf(target: TargetConfig, connection: AdminConnection): () => Promise<Whereabouts> {
    const { config } = this.#rooms;
    const place = config.providers
      .flatMap(({ name, places }) => places.map((one) => ({ ...one, provider: name })))
      .find(({ databases }) => Object.values(databases).includes(target.name));
    const { host, port } = connection;
    const common = {
      ...NOWHERE,
      project: place === undefined ? null : `${place.provider}/${place.project}`,
    };
    if (!isHere(host)) {
      const there = { ...common, host, endpoint: `${host}:${port}` };
      return async () => there;
    }
    let known: Whereabouts | null = null;
    return async () => {
      if (known !== null) return known;
      const here = { ...common, host: hostname() };
      const folder = await dataFolderOf(target.name, connection);
      if (folder === null) return here;
      this.#dataFolders.push(folder);
      known = { ...here, device: deviceOf(folder) };
      return known;
    };
  }
}

const SAME_USER: Trial = {
  kind: 'untried',
  why: 'The vault runs as the same user as Holdfast, who can delete there: give it a user of its own.',
};

function snapshotsOf(config: Config, target: string): readonly string[] {
  return config.providers.flatMap(({ name, places }) =>
    places
      .filter(({ databases }) => Object.values(databases).includes(target))
      .map(({ at, project }) => `backups of ${name}/${project}/${at}`),
  );
}

function elsewhere(url: string): Whereabouts {
  const parsed = URL.parse(url);
  const host = parsed?.hostname.replace(/^\[|\]$/g, '') ?? null;
  if (host !== null && isLoopback(host)) return { ...NOWHERE, host: hostname() };
  return { ...NOWHERE, host, endpoint: parsed?.host ?? null };
}

async function dataFolderOf(target: string, connection: AdminConnection): Promise<string | null> {
  const database = openTargetDatabase({ target, connection, poolSize: 1, waitMsMax: 5_000 });
  try {
    const [row] = await database.query("select current_setting('data_directory') as folder");
    return typeof row?.['folder'] === 'string' ? row['folder'] : null;
  } catch {
    return null;
  } finally {
    await database.close().catch(() => {});
  }
}

/** Null: not there, or not ours to look at. */
function deviceOf(folder: string): string | null {
  try {
    return String(statSync(folder).dev);
  } catch {
    return null;
  }
}

function runAs(vault: string, user: string) {
  const found = userNamed(user);
  if (found !== null && process.getuid?.() === 0) return found;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    expected: `vaults.${vault}.user: a user of this machine, and Holdfast started as root`,
    found: found === null ? `no user ${user}` : 'Holdfast started as another user',
    hint: 'Make the user, start as root, or leave user out: the vault then runs as Holdfast does.',
  });
}

function noVault(name: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: `the vault ${name} under vaults`,
    found: 'none',
    hint: 'Declare it in holdfast.yaml.',
  });
}
