/**
 * The REST protocol of restic (restic's design document, "REST backend"), as much of it as a vault
 * needs: files of two types, named by the SHA-256 of what is in them, stored once, read, listed. The
 * server is to be append-only (`rest-server --append-only`, `rclone serve restic --append-only`).
 * Redirects are not followed. `erase` is there for the proof, which expects it to be refused.
 */
import { type Dispatcher, request } from 'undici';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { jsonOf } from '../../../model/json.ts';
import { VAULT_SILENCE_MS_MAX } from '../../../model/limits.ts';
import { checkEndpoint } from '../endpoint.ts';

export interface ResticPlace {
  /** Of one repository: `https://host/name/`. */
  readonly url: string;
}
export interface ResticKeys {
  readonly user: string;
  readonly password: string;
}
export type FileType = 'data' | 'snapshots';

/** What the server said; the body is taken. */
export interface RestAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const NAME = /^[0-9a-f]{64}$/;
const LIST_V2 = 'application/vnd.x.restic.rest.v2';

export class RestClient {
  readonly #base: string;
  readonly #authorization: string;

  constructor(place: ResticPlace, keys: ResticKeys) {
    checkEndpoint(place.url);
    this.#base = place.url.endsWith('/') ? place.url : `${place.url}/`;
    const pair = Buffer.from(`${keys.user}:${keys.password}`).toString('base64');
    this.#authorization = `Basic ${pair}`;
  }

  /** Makes the repository; a server that has it already may refuse. */
  async make(): Promise<void> {
    await this.ask('POST', '?create=true');
  }

  store(type: FileType, name: string, bytes: Uint8Array): Promise<RestAnswer> {
    return this.ask('POST', `${type}/${name}`, bytes);
  }

  read(type: FileType, name: string): Promise<RestAnswer> {
    return this.ask('GET', `${type}/${name}`);
  }

  erase(type: FileType, name: string, signal: AbortSignal): Promise<RestAnswer> {
    return this.ask('DELETE', `${type}/${name}`, null, signal);
  }

  /** Names that are none of ours are left out. */
  async names(type: FileType): Promise<readonly string[]> {
    const answer = await this.ask('GET', `${type}/`);
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw refused(`a listing of ${type}`, answer.status);
    const list = jsonOf(answer.body.toString('utf8'));
    if (!Array.isArray(list)) throw refused(`a listing of ${type}`, answer.status);
    return list.flatMap((item: unknown) => {
      const isNamed = item !== null && typeof item === 'object' && 'name' in item;
      const name = isNamed ? String(item.name) : '';
      return NAME.test(name) ? [name] : [];
    });
  }

  /** Rejects with HF_VAULT_UNREACHABLE when no answer came. */
  async ask(
    method: Dispatcher.HttpMethod,
    path: string,
    body: Uint8Array | null = null,
    signal: AbortSignal | null = null,
  ): Promise<RestAnswer> {
    try {
      const answer = await request(this.#base + path, {
        ...{ method, body, signal },
        headers: { authorization: this.#authorization, accept: LIST_V2 },
        headersTimeout: VAULT_SILENCE_MS_MAX,
        bodyTimeout: VAULT_SILENCE_MS_MAX,
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, body: bytes };
    } catch (cause) {
      throw new HoldfastError('HF_VAULT_UNREACHABLE', {
        expected: 'the REST server of the vault to answer',
        found: messageOf(cause),
        hint: 'Nothing is known to be stored by this. It is tried again with the next copy.',
        cause,
      });
    }
  }
}

export function refused(expected: string, status: number): HoldfastError {
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected,
    found: `status ${status}`,
    hint: 'See the user and password of the vault, and its server: docs/recovery.md.',
  });
}
