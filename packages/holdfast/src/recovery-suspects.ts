/**
 * Who is put on trial by a proof of the blast radius, besides what a vault is stored with: every sealed
 * credential, and the login Holdfast has at the target. What can be tried is tried for real; what opens
 * nothing there by its nature is said to; what might and cannot be tried from here counts as UNKNOWN.
 *
 * A secret that is written in no way we know, and is not a provider's, might be anything: it is never taken
 * for one that opens nothing.
 */
import type { Config } from './config/config.ts';
import { isLoopback } from './config/upstream.ts';
import type { Credentials } from './identity/credentials.ts';
import { jsonOf } from './model/json.ts';
import type { AdminConnection } from './protection/postgres/admin.ts';
import type { ProofGround, Suspect, Trial } from './recovery/proof.ts';
import { ResticGround } from './recovery/vaults/restic/ground.ts';
import type { ResticKeys } from './recovery/vaults/restic/rest-client.ts';
import { S3Ground } from './recovery/vaults/s3/ground.ts';
import type { S3Keys } from './recovery/vaults/s3/place.ts';

export interface Sealed {
  readonly config: Pick<Config, 'providers' | 'vaults'>;
  readonly credentials: Pick<Credentials, 'list' | 'open'>;
}

const PLACES: Readonly<Record<string, string>> = {
  local: 'a folder on this host',
  s3: 'an object store',
  restic: 'a REST server of restic',
};

/** Each sealed credential. Rejects only when they cannot be listed. */
export async function sealedSuspects(
  { config, credentials }: Sealed,
  ground: ProofGround,
): Promise<readonly Suspect[]> {
  const vault = config.vaults.find((one) => one.name === ground.vault);
  const project = vault?.way.kind === 's3' ? vault.way.project : null;
  const suspects: Suspect[] = [];
  for (const { name } of await credentials.list()) {
    const provider = config.providers.find(({ credential }) => credential === name) ?? null;
    const common = { name: `credential ${name}`, kind: provider?.name ?? 'credential' };
    if (provider !== null && project?.startsWith(`${provider.name}/`)) {
      const why = `It may be able to delete the project ${project}, in which the vault lies.`;
      suspects.push({ ...common, trial: untried(why) });
      continue;
    }
    const secret = await credentials.open(name).catch(() => null);
    const trial =
      secret === null
        ? untried('It could not be unsealed.')
        : await trialOf(secret, provider !== null, ground);
    const kind = trial.kind === 'acts' ? ground.kind : common.kind;
    suspects.push({ ...common, kind, trial });
  }
  return suspects;
}

export function primarySuspect(
  target: string,
  { host, user }: AdminConnection,
  ground: ProofGround,
): Suspect {
  const trial: Trial =
    ground.kind === 'local' && isHere(host)
      ? untried(
          'Its server runs on this host: what its own user can do to the folder was not tried.',
        )
      : { kind: 'no-key', why: 'A login of a database opens nothing there.' };
  return { name: `${user} of ${target}`, kind: 'postgres', trial };
}

/** On this machine. */
export function isHere(host: string): boolean {
  return isLoopback(host) || host.startsWith('/');
}

async function trialOf(secret: string, isProviders: boolean, ground: ProofGround): Promise<Trial> {
  const place = PLACES[ground.kind] ?? 'this vault';
  const pair = storeKeysIn(secret);
  if (ground instanceof S3Ground && pair !== null) {
    return pair === 'for a session'
      ? untried('It is a key with a session token, which is not tried from here.')
      : ground.trialOf(pair);
  }
  if (ground instanceof ResticGround) {
    const login = loginIn(secret);
    if (login !== null) return ground.trialOf(login);
  }
  if (isProviders || pair !== null) return { kind: 'no-key', why: `It is no key of ${place}.` };
  return untried(
    `It is written in no way that is known here, so whether it opens ${place} is open.`,
  );
}

function untried(why: string): Trial {
  return { kind: 'untried', why };
}

/** `ID:SECRET`, or the JSON of a key pair, as object stores hand them out; null: something else. */
function storeKeysIn(secret: string): S3Keys | 'for a session' | null {
  const pair = /^([A-Za-z0-9]{12,128}):([A-Za-z0-9+/=]{16,256})$/.exec(secret.trim());
  const [, id, key] = pair ?? [];
  if (id !== undefined && key !== undefined) return { accessKeyId: id, secretAccessKey: key };
  const fields = fieldsIn(secret);
  const accessKeyId = fields.get('accesskeyid');
  const secretAccessKey = fields.get('secretaccesskey');
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return null;
  if ([...fields.keys()].some((name) => name.endsWith('token'))) return 'for a session';
  return { accessKeyId, secretAccessKey };
}

/** By name, in small letters and no others, without a leading `aws`; empty: it is no JSON of an object. */
function fieldsIn(secret: string): ReadonlyMap<string, unknown> {
  const value = jsonOf(secret);
  return new Map(
    Object.entries(typeof value === 'object' && value !== null ? value : {}).map(
      ([name, field]) => [
        name
          .toLowerCase()
          .replaceAll(/[^a-z]/g, '')
          .replace(/^aws/, ''),
        field,
      ],
    ),
  );
}

/** `user:password`; null: something else. */
function loginIn(secret: string): ResticKeys | null {
  const [, user, password] = /^([A-Za-z0-9._@-]+):([^\s/]\S*)$/.exec(secret.trim()) ?? [];
  return user === undefined || password === undefined ? null : { user, password };
}
