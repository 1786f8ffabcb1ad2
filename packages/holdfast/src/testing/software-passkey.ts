/**
 * A person's authenticator, in software: makes a key, and answers WebAuthn's two questions as a browser
 * would hand them on (WebAuthn Level 3, §5.8 and §6.5; attestation `none`). One instance is one
 * credential. It can be made to lie in each way that a verifier has to notice.
 */
import {
  createHash,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';

export type PasskeyAlgorithm = 'ES256' | 'EdDSA';

export interface SoftwarePasskeyOptions {
  /** The page it believes to be on; `http://localhost:7070` when left out. */
  readonly origin?: string;
  /** ES256 when left out. */
  readonly algorithm?: PasskeyAlgorithm;
  /** False: says 0 for ever, as passkeys that are synchronized do. True when left out. */
  readonly counts?: boolean;
  /** The person, base64url, as `create` was told; for a credential that is made without it. */
  readonly userHandle?: string;
}

/** What it says instead of the truth; what is left out is true. */
export interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  /** base64url. */
  readonly challenge?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  readonly userPresent?: boolean;
  readonly userVerified?: boolean;
  readonly counter?: number;
  /** Signed with the key of another. */
  readonly key?: SoftwarePasskey;
  /** Under the name of another credential, base64url. */
  readonly credentialId?: string;
  /** Bits of the signature are changed after it was made. */
  readonly spoiled?: boolean;
}

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;
const COSE_ES256 = -7;
const COSE_EDDSA = -8;
const AAGUID = Buffer.alloc(16);
const CREDENTIAL_ID_BYTES = 32;

export class SoftwarePasskey {
  /** base64url. */
  readonly credentialId: string;
  /** COSE_Key (RFC 9052 §7), as a server keeps it. */
  readonly publicKey: Buffer;
  readonly #privateKey: KeyObject;
  readonly #algorithm: PasskeyAlgorithm;
  readonly #origin: string;
  readonly #counts: boolean;
  #userHandle: string | undefined;
  #counter = 0;

  constructor(options: SoftwarePasskeyOptions = {}) {
    this.#algorithm = options.algorithm ?? 'ES256';
    this.#origin = options.origin ?? 'http://localhost:7070';
    this.#counts = options.counts ?? true;
    this.#userHandle = options.userHandle;
    const { publicKey, privateKey } =
      this.#algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
    this.#privateKey = privateKey;
    this.publicKey = coseKey(publicKey.export({ format: 'jwk' }));
    this.credentialId = randomBytes(CREDENTIAL_ID_BYTES).toString('base64url');
  }

  /** What it said last; 0 before. */
  get counter(): number {
    return this.#counter;
  }

  /** `navigator.credentials.create`: the answer to a registration. */
  create(
    options: PublicKeyCredentialCreationOptionsJSON,
    lies: Lies = {},
  ): RegistrationResponseJSON {
    this.#userHandle = options.user.id;
    const id = Buffer.from(lies.credentialId ?? this.credentialId, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length, 0);
    const attested = Buffer.concat([
      AAGUID,
      length,
      id,
      lies.key === undefined ? this.publicKey : lies.key.publicKey,
    ]);
    const authData = Buffer.concat([
      this.#head(options.rp.id ?? hostOf(this.#origin), ATTESTED, lies),
      attested,
    ]);
    const attestation = cbor(
      new Map<string, Cbor>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    );
    return {
      id: id.toString('base64url'),
      rawId: id.toString('base64url'),
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge, lies),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      },
    };
  }

  /** `navigator.credentials.get`: the answer to a sign-in, or the signature under a challenge. */
  get(options: PublicKeyCredentialRequestOptionsJSON, lies: Lies = {}): AuthenticationResponseJSON {
    const id = lies.credentialId ?? this.credentialId;
    const authData = this.#head(options.rpId ?? hostOf(this.#origin), 0, lies);
    const clientData = this.#clientData('webauthn.get', options.challenge, lies);
    const signed = Buffer.concat([authData, sha256(Buffer.from(clientData, 'base64url'))]);
    const signature = (lies.key ?? this).#sign(signed);
    const last = signature.length - 1;
    if (lies.spoiled === true) signature.writeUInt8(signature.readUInt8(last) ^ 0x01, last);
    return {
      id,
      rawId: id,
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData,
        authenticatorData: authData.toString('base64url'),
        signature: signature.toString('base64url'),
        ...(this.#userHandle === undefined ? {} : { userHandle: this.#userHandle }),
      },
    };
  }

  /** §6.1: hash of the RP id, flags, signature counter. */
  #head(rpId: string, flags: number, lies: Lies): Buffer {
    if (lies.counter !== undefined) this.#counter = lies.counter;
    else if (this.#counts) this.#counter += 1;
    const head = Buffer.alloc(37);
    sha256(Buffer.from(lies.rpId ?? rpId)).copy(head, 0);
    const present = lies.userPresent === false ? 0 : USER_PRESENT;
    const verified = lies.userVerified === false ? 0 : USER_VERIFIED;
    head.writeUInt8(flags | present | verified, 32);
    head.writeUInt32BE(this.#counter, 33);
    return head;
  }

  /** §5.8.1. */
  #clientData(type: string, challenge: string, lies: Lies): string {
    const data = {
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? this.#origin,
      crossOrigin: lies.crossOrigin ?? false,
      ...(lies.topOrigin === undefined ? {} : { topOrigin: lies.topOrigin }),
    };
    return Buffer.from(JSON.stringify(data)).toString('base64url');
  }

  #sign(bytes: Buffer): Buffer {
    return sign(this.#algorithm === 'ES256' ? 'sha256' : null, bytes, this.#privateKey);
  }
}

function hostOf(origin: string): string {
  return new URL(origin).hostname;
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function coseKey({ x, y }: JsonWebKey): Buffer {
  const xBytes = Buffer.from(x ?? '', 'base64url');
  const entries: [number, Cbor][] =
    y === undefined
      ? [
          [1, 1],
          [3, COSE_EDDSA],
          [-1, 6],
          [-2, xBytes],
        ]
      : [
          [1, 2],
          [3, COSE_ES256],
          [-1, 1],
          [-2, xBytes],
          [-3, Buffer.from(y, 'base64url')],
        ];
  return cbor(new Map(entries));
}

type Cbor = number | string | Buffer | ReadonlyMap<number | string, Cbor>;

/** As much of RFC 8949 as WebAuthn needs: whole numbers, bytes, text, maps in the order given. */
function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? headOf(1, -1 - value) : headOf(0, value);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([headOf(3, bytes.length), bytes]);
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([headOf(2, value.length), value]);
  const parts = [...value].flatMap(([key, inner]) => [cbor(key), cbor(inner)]);
  return Buffer.concat([headOf(5, value.size), ...parts]);
}

function headOf(major: number, argument: number): Buffer {
  const type = major << 5;
  if (argument < 24) return Buffer.of(type | argument);
  if (argument < 0x100) return Buffer.of(type | 24, argument);
  return Buffer.of(type | 25, argument >>> 8, argument & 0xff);
}
