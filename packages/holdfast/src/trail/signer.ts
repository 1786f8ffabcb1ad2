/**
 * The key that signs checkpoints: Ed25519, made once from a seed, kept in a file only its owner reads,
 * as one line `PRIVATE+KEY+<name>+<key id>+<base64( 0x01 ‖ seed )>` (C2SP signed-note).
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, hasCode } from '../model/errors.ts';
import {
  type Checkpoint,
  checkpointBody,
  signatureLine,
  strictBase64,
  type VerifierKey,
  verifierKeyOf,
} from './verify/note.ts';

const SEED_BYTES = 32;
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface Signer {
  readonly verifierKey: VerifierKey;
  /** First line of every checkpoint: names the trail. */
  readonly origin: string;
  /** The whole signed note. */
  sign(checkpoint: Omit<Checkpoint, 'origin'>): string;
}

/** The origin a trail has unless configured otherwise; also the name of its key. */
export function defaultOrigin(installationId: string): string {
  return `holdfast/${installationId}`;
}

export function signerFromSeed(origin: string, seed: Uint8Array, keyName = origin): Signer {
  if (!/^[^\s+]+$/.test(keyName) || !/^[^\n]+$/.test(origin)) throw badName(keyName);
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const verifierKey = verifierKeyOf(keyName, rawPublicKey(privateKey));
  return {
    verifierKey,
    origin,
    sign: ({ size, root }) => {
      const body = checkpointBody({ origin, size, root });
      const signature = sign(null, Buffer.from(body, 'utf8'), privateKey);
      return `${body}\n${signatureLine(keyName, verifierKey.keyId, signature)}`;
    },
  };
}

/** Reads the key file, or makes it (0600) when there is none. Throws HF_CONFIG_INVALID. */
export async function signerFromFile(file: string, origin: string, clock: Clock): Promise<Signer> {
  const text = await readOrMake(file, origin, clock);
  return signerFromText(text, origin, file);
}

/** For a key that was handed in (a secret store, several replicas). */
export function signerFromText(text: string, origin: string, where: string): Signer {
  const [, name, keyId, material] =
    /^PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})\n?$/.exec(text) ?? [];
  if (name === undefined || material === undefined) throw badKey(where, 'something else');
  let bytes: Buffer;
  try {
    bytes = strictBase64(material, 1 + SEED_BYTES);
  } catch (cause) {
    throw badKey(where, cause instanceof Error ? cause.message : 'something else');
  }
  if (bytes[0] !== 1) throw badKey(where, `algorithm ${bytes[0]}`);
  const signer = signerFromSeed(origin, bytes.subarray(1), name);
  const real = signer.verifierKey.keyId.toString('hex');
  if (real !== keyId) throw badKey(where, `key id ${keyId} on the key ${real}`);
  return signer;
}

async function readOrMake(file: string, origin: string, clock: Clock): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
  }
  const seed = clock.random(SEED_BYTES);
  const { keyId, name } = signerFromSeed(origin, seed).verifierKey;
  const material = Buffer.concat([Buffer.of(1), seed]).toString('base64');
  const text = `PRIVATE+KEY+${name}+${keyId.toString('hex')}+${material}\n`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return text;
}

function rawPublicKey(privateKey: KeyObject): Buffer {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return der.subarray(der.length - 32);
}

function badKey(where: string, found: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: `"PRIVATE+KEY+name+keyid+base64" in ${where}`,
    found,
    hint: 'Put the saved signing key back, or move the file away: a new key is made, and outsiders must be told the new verifier key.',
  });
}

function badName(found: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: 'a key name without white space and plus signs',
    found: JSON.stringify(found),
    hint: 'Choose another trail origin, for example holdfast/production.',
  });
}
