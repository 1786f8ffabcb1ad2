/**
 * One answer on its way from a provider to the agent: it flows through as it comes, no faster than the agent
 * takes it, and is read to its end even if the agent has gone: what came of it is worth knowing. Its
 * beginning is kept, where somebody asks, to tell success from an error.
 *
 * What it will not do: let a body that was cut short look whole.
 */
import type { Writable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { AGENT_STALL_MS_MAX, PROVIDER_ANSWER_LOOK_BYTES } from '../../model/limits.ts';
import { HOP_BY_HOP, listedIn } from './hop-by-hop.ts';
import { hasLeft, type Response } from './incoming.ts';

export type Answered =
  | { readonly kind: 'whole'; readonly status: number; readonly begun: Buffer }
  /** It had begun. */
  | { readonly kind: 'broken-off'; readonly error: unknown }
  | { readonly kind: 'none'; readonly error: unknown };

export interface AnsweringOptions {
  /** Null: nobody waits for the answer. */
  readonly response: Response | null;
  /** Whether its beginning is looked at. */
  readonly isLookedAt: boolean;
  /** How long the agent may take nothing of it; AGENT_STALL_MS_MAX when left out. */
  readonly stallMsMax?: number;
  /** Called once. Never throws. */
  readonly ended: (answered: Answered) => void;
}

/** Of a session in a browser: no agent has one. */
const NOT_PASSED_BACK = new Set([...HOP_BY_HOP, 'set-cookie', 'alt-svc', 'clear-site-data']);

type Headers = Readonly<Record<string, string | string[] | undefined>>;

export class Answering implements Dispatcher.DispatchHandler {
  readonly #options: AnsweringOptions;
  readonly #begun: Buffer[] = [];
  #begunBytes = 0;
  /** Null until the head of the answer is there. */
  #status: number | null = null;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: unknown, status: number, headers: Headers): void {
    // 1xx: the answer itself is still to come.
    if (status < 200) return;
    this.#status = status;
    const { response } = this.#options;
    if (response !== null && !hasLeft(response)) response.writeHead(status, passedBack(headers));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#options.isLookedAt && this.#begunBytes < PROVIDER_ANSWER_LOOK_BYTES) {
      this.#begun.push(chunk.subarray(0, PROVIDER_ANSWER_LOOK_BYTES - this.#begunBytes));
      this.#begunBytes += chunk.length;
    }
    const { response } = this.#options;
    if (response === null || hasLeft(response) || wrote(response, chunk)) return;
    controller.pause();
    onceReady(response, this.#options.stallMsMax ?? AGENT_STALL_MS_MAX, () => controller.resume());
  }

  onResponseEnd(): void {
    const { ended, response } = this.#options;
    if (response !== null && !hasLeft(response)) response.end();
    ended({ kind: 'whole', status: this.#status ?? 0, begun: Buffer.concat(this.#begun) });
  }

  onResponseError(_controller: unknown, error: unknown): void {
    const { ended, response } = this.#options;
    if (this.#status === null) {
      ended({ kind: 'none', error });
      return;
    }
    response?.destroy();
    ended({ kind: 'broken-off', error });
  }
}

/** Both kinds of answer have this, under two signatures. */
function wrote(response: Pick<Writable, 'write'>, chunk: Buffer): boolean {
  return response.write(chunk);
}

/**
 * It takes more, or nothing any more. Who takes nothing for too long is cut off: the connection to the
 * provider that waits for it is one of few, and is everybody's.
 */
function onceReady(response: Response, stallMsMax: number, ready: () => void): void {
  const go = (): void => {
    clearTimeout(late);
    response.off('drain', go).off('close', go);
    ready();
  };
  const late = setTimeout(() => {
    response.destroy();
    go();
  }, stallMsMax);
  response.once('drain', go).once('close', go);
}

function passedBack(headers: Headers): Record<string, string | string[]> {
  const { connection } = headers;
  const listed =
    connection === undefined || connection === 'keep-alive' ? null : listedIn(String(connection));
  const kept: Record<string, string | string[]> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || NOT_PASSED_BACK.has(name) || listed?.has(name)) continue;
    kept[name] = value;
  }
  return kept;
}
