/**
 * One connection of an agent and the one it has for it at the provider. The order kept:
 *
 *   who it is (handshake, `connection_init`) -> a connection to the provider -> for each operation: read,
 *     is the token for there, the pipeline -> sent on under a number of ours -> its answers come back
 *
 * Messages of the agent are dealt with one after the other; while one is read nothing more is taken from
 * the wire, and nothing more from the provider while the agent does not take what is there. What is no
 * message of the subprotocol ends all of it.
 */
import type { WebSocket } from 'ws';
import type { TokenVerifier } from '../../../identity/agent-directory.ts';
import type { GraphqlReader } from '../../../languages/graphql/reader.ts';
import type { Json } from '../../../languages/json/json-text.ts';
import { SOCKET_INIT_MS_MAX } from '../../../model/limits.ts';
import type { Refusal } from '../../../pipeline/exchange.ts';
import type { Provider } from '../../../providers/provider.ts';
import { asHoldfastError } from '../answers.ts';
import type { Incoming, Line } from '../incoming.ts';
import { passedOnTo, type Serving, type ServingParts } from '../serving.ts';
import type { Session } from '../sessions.ts';
import { FarSide } from './far-side.ts';
import { CLOSE, closeCodeOf } from './goodbye.ts';
import { withoutHandshake } from './handshake.ts';
import { credentialsIn } from './init-payload.ts';
import { exchangeOf, readOperation } from './judging.ts';
import { NearSide } from './near-side.ts';
import { type Operation, Operations, type Report, tooMany } from './operations.ts';
import {
  type AgentMessage,
  ackOf,
  agentMessage,
  completeWith,
  failedWith,
  PONG,
  type ProviderMessage,
  refusalWith,
  resultWith,
  type Subprotocol,
  startWith,
  stopWith,
} from './subprotocol.ts';

export interface ConversationParts extends Pick<ServingParts, 'clock' | 'directory' | 'pipeline'> {
  readonly socket: WebSocket;
  readonly subprotocol: Subprotocol;
  readonly provider: Provider;
  readonly path: string;
  /** The handshake. */
  readonly incoming: Incoming;
  /** Who the handshake said it is; null: nobody. */
  readonly token: TokenVerifier | null;
  readonly serving: Serving;
  readonly reader: GraphqlReader;
  /** False: that token has too many connections. */
  readonly enter: (token: TokenVerifier) => boolean;
}

const TOKEN_OVER = 'the token was revoked or has expired, or its agent is stopped';

type State = 'new' | 'initialising' | 'acked' | 'over';

export class Conversation {
  readonly #parts: ConversationParts;
  readonly #near: NearSide<State>;
  readonly #far: FarSide;
  readonly #operations: Operations;
  readonly #initLate: NodeJS.Timeout;
  #session: Session | null = null;
  #state: State = 'new';

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    const { socket, provider, path, subprotocol, incoming, token } = parts;
    this.#operations = new Operations(provider);
    this.#far = new FarSide({
      provider,
      path,
      subprotocol,
      headers: withoutHandshake(passedOnTo(provider)(incoming.headers)),
      said: (message) => this.#answered(message),
      gone: (code, words) => this.end(code, `HF_UPSTREAM_LOST: ${words}`),
    });
    this.#near = new NearSide<State>({
      socket,
      state: () => this.#state,
      hear: (text, before) => this.#hear(text, before),
      full: (isFull) => (isFull ? this.#far.pause() : this.#far.resume()),
      isIdle: () => this.#operations.isEmpty,
      wrong: (code, words) => this.#wrong(code, words),
      dead: (code, words) => this.end(code, words),
      gone: () => this.end(CLOSE.normal, ''),
      faulty: (words) => this.#note('protocol-error', `WebSocket: ${words}`),
    });
    this.#initLate = setTimeout(
      () => this.end(CLOSE.initTooLate, 'connection_init did not come in time'),
      SOCKET_INIT_MS_MAX,
    ).unref();
    if (token !== null) this.#open(token);
  }

  /** Idempotent. */
  end(code: number, words: string, isAtOnce = false): void {
    if (this.#state !== 'over') {
      this.#state = 'over';
      clearTimeout(this.#initLate);
      this.#operations.endAll();
      this.#far.end(isAtOnce);
    }
    this.#near.end(code, words, isAtOnce);
  }

  /** `before`: how things stood when it came. */
  #hear(text: Buffer, before: State): Promise<void> | undefined {
    const message = agentMessage(this.#parts.subprotocol, text);
    switch (message.kind) {
      case 'init':
        return this.#init(message.payload);
      case 'start':
        return this.#start(message, before === 'acked');
      case 'stop':
        return this.#stop(message.id);
      case 'ping':
        this.#near.send(PONG);
        return undefined;
      case 'pong':
        return undefined;
      case 'goodbye':
        this.end(CLOSE.normal, '');
        return undefined;
      case 'unreadable':
        this.#wrong(CLOSE.noMessage, message.why);
        return undefined;
      default:
        return message satisfies never;
    }
  }

  async #init(payload: Json): Promise<void> {
    const { incoming, provider, serving } = this.#parts;
    const own = provider.credentialHeaders;
    const found = credentialsIn(payload, own);
    const headers = new Map([...incoming.headers, ...found]);
    try {
      const places = [...own, ...found.keys()];
      const token = await serving.admit({ headers, line: incoming.line }, provider, places);
      if (this.#state === 'over') return;
      if (this.#state !== 'new') {
        this.#wrong(CLOSE.initTwice, 'a second connection_init');
        return;
      }
      this.#state = 'initialising';
      clearTimeout(this.#initLate);
      if (this.#session === null && !this.#open(token)) return;
      const acknowledged = await this.#far.open();
      if (this.#isOver) return;
      this.#state = 'acked';
      this.#near.send(ackOf(acknowledged));
    } catch (cause) {
      if (this.#isOver) return;
      const error = asHoldfastError(cause, 'connection_init');
      this.#note('session-refused', `${error.code}: ${error.message}`);
      this.end(closeCodeOf(error), `${error.code}: ${error.hint}`);
    }
  }

  /** False: it may not, and the connection is over. */
  #open(token: TokenVerifier): boolean {
    const { enter, incoming, serving } = this.#parts;
    if (!enter(token)) {
      this.end(CLOSE.forbidden, 'HF_LIMIT: this token has too many connections open');
      return false;
    }
    const line: Line = {
      source: incoming.line.source,
      destroy: () => this.end(CLOSE.forbidden, TOKEN_OVER),
      onClose: (handler) => incoming.line.onClose(handler),
    };
    this.#session = serving.sessions.of({ ...incoming, line }, token);
    return true;
  }

  async #start(
    message: Extract<AgentMessage, { kind: 'start' }>,
    wasAcked: boolean,
  ): Promise<void> {
    const session = this.#session;
    // The older subprotocol's clients do not wait for the acknowledgement, and need not.
    const mayStart = wasAcked || this.#parts.subprotocol === 'graphql-ws';
    if (session === null || this.#state !== 'acked' || !mayStart) {
      this.#wrong(CLOSE.nobody, 'an operation before connection_ack');
      return;
    }
    if (this.#operations.isOpen(message.id)) {
      this.#wrong(CLOSE.idTaken, `HF_HTTP: an operation has the id ${message.id} already`);
      return;
    }
    if (!this.#isLive(session)) return;
    session.use.isUsed = true;
    const isFull = this.#operations.isFull;
    const operation = this.#operations.begin(message.id);
    try {
      if (isFull) throw tooMany();
      const { provider, path, reader } = this.#parts;
      const place = { provider, path, token: session.token, reader };
      const read = await readOperation(place, message.payload);
      if (operation.isOver || this.#isOver) return;
      const exchange = exchangeOf(read, provider, session, {
        clock: this.#parts.clock,
        refuse: (refusal) => this.#refuse(operation, refusal),
        forward: (report) => this.#forward(operation, session, message.payload, report),
      });
      const judging = this.#parts.pipeline.handle(exchange);
      if (judging === undefined) return;
      const judged = this.#operations.whileJudged(judging);
      // People may take their time, and what comes behind it does not wait for them; but it does wait
      // until the provider has taken what was sent.
      if (operation.sentAs !== null) await judged;
    } catch (cause) {
      const error = asHoldfastError(cause, 'an operation');
      this.#note('session-refused', `${error.code}: ${error.message}`);
      const { code, hint } = error;
      const detail = 'Nothing was sent on.';
      this.#refuse(operation, { code, message: error.message, detail, hint, position: null });
    }
  }

  async #forward(
    operation: Operation,
    session: Session,
    payload: string,
    report: Report | null,
  ): Promise<void> {
    if (operation.isOver || !this.#isLive(session)) {
      report?.({ kind: 'not-forwarded', reason: 'the agent had gone, or its token had ended' });
      return;
    }
    operation.owe(report);
    const number = this.#operations.sent(operation);
    await this.#far.send(startWith(this.#parts.subprotocol, number, payload));
  }

  #stop(id: string): Promise<void> | undefined {
    const operation = this.#operations.ofAgent(id);
    if (operation === undefined) return undefined;
    const { sentAs } = operation;
    this.#operations.end(operation);
    if (sentAs === null) return undefined;
    return this.#far.send(stopWith(this.#parts.subprotocol, sentAs));
  }

  #answered(message: ProviderMessage): void {
    const { subprotocol } = this.#parts;
    if (message.kind !== 'result' && message.kind !== 'failed' && message.kind !== 'complete')
      return;
    const operation = this.#operations.ofProvider(message.id);
    // It ended while this was on its way.
    if (operation === undefined) return;
    const { id } = operation;
    switch (message.kind) {
      case 'result':
        this.#operations.answered(operation, message.payload);
        this.#near.send(resultWith(subprotocol, id, message.payload));
        break;
      case 'failed':
        this.#operations.failed(operation, message.payload);
        this.#near.send(failedWith(id, message.payload));
        break;
      case 'complete':
        this.#operations.completed(operation);
        this.#near.send(completeWith(id));
        break;
      default:
        message satisfies never;
    }
  }

  #refuse(operation: Operation, refusal: Refusal): void {
    if (operation.isOver) return;
    this.#operations.end(operation);
    this.#near.send(refusalWith(this.#parts.subprotocol, operation.id, refusal));
  }

  /** It need not wait until somebody says so. */
  #isLive({ token }: Session): boolean {
    if (this.#isOver) return false;
    if (this.#parts.directory.isLive(token.tokenId)) return true;
    this.end(CLOSE.forbidden, TOKEN_OVER);
    return false;
  }

  get #isOver(): boolean {
    return this.#state === 'over';
  }

  #wrong(code: number, found: string): void {
    if (this.#isOver) return;
    this.#note('protocol-error', `WebSocket: ${found}`);
    this.end(code, found);
  }

  #note(kind: 'protocol-error' | 'session-refused', message: string): void {
    this.#parts.serving.note(kind, this.#parts.incoming, message);
  }
}
