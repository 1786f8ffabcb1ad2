/**
 * An S3 vault as the ground of a proof. The canary is put by the writer and read back by the prober,
 * whose own keys are never under trial here. A probe bucket gets a canary too, so that deleting it is
 * refused for what is locked in it; a vault that does not lock is still attacked, to show what happens.
 */
import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../../model/clock.ts';
import { PROOF_CONTROL_LATE_MS, PROOF_CONTROL_LOCK_MS } from '../../../model/limits.ts';
import type { Canary, ProofGround, ReadBack, Trial } from '../../proof.ts';
import type { LockControl } from '../../proof-shape.ts';
import { type Answer, answerOf } from './answer.ts';
import { connectS3, loadSdk } from './connect.ts';
import { hostileActs } from './hostile-acts.ts';
import type { S3Identities, S3Keys, S3Place } from './place.ts';

export interface S3GroundOptions {
  readonly vault: string;
  readonly place: S3Place;
  readonly identities: S3Identities;
  /** Set up like the vault's own, and empty but for canaries. */
  readonly probeBucket: string | null;
  readonly clock: Clock;
  /** Of the control; left out: `PROOF_CONTROL_LOCK_MS`. */
  readonly controlLockMs?: number;
}

const CONTROL_EACH_MS = 1_500;
/** Closer to its end, the store's clock may be ahead of ours. */
const CONTROL_EARLY_MS = 3_000;
const CANARY_BYTES = 1024;

interface ObjectNames {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
}

export class S3Ground implements ProofGround {
  readonly kind = 's3';
  readonly vault: string;
  readonly #options: S3GroundOptions;
  readonly #clients = new Map<S3Keys, Promise<S3Client>>();

  constructor(options: S3GroundOptions) {
    this.vault = options.vault;
    this.#options = options;
  }

  /** All that this pair of keys can do against the vault. One try each: an answer is evidence. */
  async trialOf(keys: S3Keys): Promise<Trial> {
    const { place, probeBucket } = this.#options;
    const client = await this.#connect(keys);
    const acts = hostileActs({ client, bucket: place.bucket, prefix: place.prefix, probeBucket });
    return { kind: 'acts', acts };
  }

  async plant(retainUntil: Date): Promise<Canary> {
    const { place, identities, probeBucket, clock } = this.#options;
    const client = await this.#connect(identities.writer);
    const body = clock.random(CANARY_BYTES);
    const until = new Date(Math.ceil(retainUntil.getTime() / 1000) * 1000);
    const key = `canaries/${clock.now().toISOString().replaceAll(/[-:]/g, '')}`;
    const { PutObjectCommand } = await loadSdk();
    const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: until } as const;
    const names = { Key: place.prefix + key, Body: body, ...lock };
    const put = await client.send(new PutObjectCommand({ Bucket: place.bucket, ...names }));
    if (probeBucket !== null) {
      await client.send(new PutObjectCommand({ Bucket: probeBucket, ...names }));
    }
    const version = put.VersionId ?? '';
    return {
      ...{ key, version, sha256: hash('sha256', body, 'hex'), bytes: body.length },
      retainUntil: until,
      lockTrouble: await this.#lockTrouble(key, version, until),
    };
  }

  async readBack(canary: Canary, signal: AbortSignal): Promise<ReadBack> {
    const { GetObjectCommand } = await loadSdk();
    const client = await this.#connect(this.#options.identities.prober);
    try {
      const answer = await client.send(new GetObjectCommand(this.#names(canary)), {
        abortSignal: signal,
      });
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      if (hash('sha256', body, 'hex') === canary.sha256) return { kind: 'whole' };
      return { kind: 'lost', words: `${body.length} other bytes came back` };
    } catch (error) {
      const answer = answerOf(error);
      if (answer.kind === 'missing') return { kind: 'lost', words: answer.words };
      return { kind: 'unclear', words: answer.kind === 'done' ? '' : answer.words };
    }
  }

  /**
   * The control: on the probe bucket, so that nothing is ever deleted in the vault's own, and with the restorer's
   * keys, who may delete a version as soon as no lock holds it. Refused while it is locked, and not afterwards:
   * then it was the lock, and no missing right. It removes what it puts there.
   */
  async control(signal: AbortSignal): Promise<LockControl> {
    const { clock, controlLockMs = PROOF_CONTROL_LOCK_MS, identities, probeBucket } = this.#options;
    const { restorer } = identities;
    if (restorer === null) {
      return unknown(
        `whoever may delete a version is not here (vaults.${this.vault}.restorer), as it should be while nothing is to be restored`,
      );
    }
    if (probeBucket === null) return unknown('no probe bucket is set up');
    const until = new Date(Math.ceil((clock.now().getTime() + controlLockMs) / 1000) * 1000);
    const names = await this.#plantControl(probeBucket, until);
    const early = await this.#tryDelete(names, restorer, signal);
    if (early.kind === 'done') {
      const leftMs = until.getTime() - clock.now().getTime();
      if (leftMs < CONTROL_EARLY_MS) return unknown('it was deleted when its lock was nearly over');
      return {
        verdict: 'REFUTED',
        why: `A version that was locked until ${until.toISOString()} was deleted before that.`,
      };
    }
    if (early.kind !== 'refused')
      return unknown(`while it was locked, the store said ${early.words}`);
    const lateMs = until.getTime() + PROOF_CONTROL_LATE_MS;
    for (;;) {
      const leftMs = until.getTime() - clock.now().getTime();
      await pause(Math.max(leftMs, 0) + CONTROL_EACH_MS, undefined, { signal });
      const late = await this.#tryDelete(names, restorer, signal);
      if (late.kind === 'done') {
        return {
          verdict: 'PROVEN',
          why: `It was the lock: the restorer could not delete a version that was locked until ${until.toISOString()}, and could afterwards.`,
        };
      }
      if (late.kind !== 'refused')
        return unknown(`once its lock was over, the store said ${late.words}`);
      if (clock.now().getTime() >= lateMs) {
        return unknown(
          `deleting is refused to the restorer after the lock is over, too (${late.words}): it may be missing rights that refused`,
        );
      }
    }
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const client of await Promise.allSettled(clients)) {
      if (client.status === 'fulfilled') client.value.destroy();
    }
  }

  async #plantControl(Bucket: string, until: Date) {
    const { clock, identities, place } = this.#options;
    const { PutObjectCommand } = await loadSdk();
    const client = await this.#connect(identities.writer);
    const Key = `${place.prefix}canaries/control-${clock.now().toISOString().replaceAll(/[-:]/g, '')}`;
    const put = await client.send(
      new PutObjectCommand({
        ...{ Bucket, Key, Body: clock.random(CANARY_BYTES) },
        ...{ ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: until },
      }),
    );
    return { Bucket, Key, ...(put.VersionId === undefined ? {} : { VersionId: put.VersionId }) };
  }

  /** `done` only when it is gone: a store may say yes and do nothing. */
  async #tryDelete(names: ObjectNames, keys: S3Keys, abortSignal: AbortSignal): Promise<Answer> {
    const { DeleteObjectCommand, HeadObjectCommand } = await loadSdk();
    const client = await this.#connect(keys);
    const said = await answered(client.send(new DeleteObjectCommand(names), { abortSignal }));
    if (said.kind !== 'done' && said.kind !== 'missing') return said;
    const prober = await this.#connect(this.#options.identities.prober);
    const shown = await answered(prober.send(new HeadObjectCommand(names), { abortSignal }));
    if (shown.kind === 'missing') return { kind: 'done' };
    const words = shown.kind === 'done' ? 'that it is there' : shown.words;
    return { kind: 'unclear', words: `yes, and of what is left: ${words}` };
  }

  async #lockTrouble(key: string, version: string, until: Date): Promise<string | null> {
    if (version === '' || version === 'null') return 'the storage named no version';
    const { HeadObjectCommand } = await loadSdk();
    const client = await this.#connect(this.#options.identities.prober);
    const head = await client.send(new HeadObjectCommand(this.#names({ key, version })));
    const shown = head.ObjectLockRetainUntilDate;
    if (head.ObjectLockMode !== 'COMPLIANCE' || shown === undefined) {
      return `its head shows mode ${head.ObjectLockMode ?? 'none'}`;
    }
    return shown < until ? `its head shows retention until ${shown.toISOString()} only` : null;
  }

  #names({ key, version }: Pick<Canary, 'key' | 'version'>) {
    const { bucket, prefix } = this.#options.place;
    const which = version === '' || version === 'null' ? {} : { VersionId: version };
    return { Bucket: bucket, Key: prefix + key, ...which };
  }

  #connect(keys: S3Keys): Promise<S3Client> {
    const known = this.#clients.get(keys) ?? connectS3(this.#options.place, keys, 1);
    this.#clients.set(keys, known);
    return known;
  }
}

function answered(asked: Promise<unknown>): Promise<Answer> {
  return asked.then(() => ({ kind: 'done' }) as const, answerOf);
}

function unknown(why: string): LockControl {
  return { verdict: 'UNKNOWN', why: `Whether it was the lock that refused was not shown: ${why}.` };
}
