/**
 * An S3 vault as the ground of a proof. The canary is put by the writer and read back by the prober,
 * whose own keys are never under trial here. A probe bucket gets a canary too, so that deleting it is
 * refused for what is locked in it; a vault that does not lock is still attacked, to show what happens.
 */
import { hash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../../model/clock.ts';
import type { Canary, ProofGround, ReadBack, Trial } from '../../proof.ts';
import { answerOf } from './answer.ts';
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
}

const CANARY_BYTES = 1024;

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
   * The control, once the canary's retention is over: that it can be deleted now says that it was the
   * lock that refused before, and not something else. Cleans up after the proof, too.
   */
  async control(canary: Canary, keys: S3Keys): Promise<'held by the lock' | 'still refused'> {
    const { DeleteObjectCommand } = await loadSdk();
    const client = await this.#connect(keys);
    try {
      await client.send(new DeleteObjectCommand(this.#names(canary)));
    } catch (error) {
      if (answerOf(error).kind === 'refused') return 'still refused';
      throw error;
    }
    const after = await this.readBack(canary, new AbortController().signal);
    return after.kind === 'lost' ? 'held by the lock' : 'still refused';
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const client of await Promise.allSettled(clients)) {
      if (client.status === 'fulfilled') client.value.destroy();
    }
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
