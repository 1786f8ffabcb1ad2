/**
 * A PostgreSQL client at the level of bytes, for what no driver would send. Its encoder is written
 * from the manual ("Message Formats", RFC 5802) and imports nothing of the gateway on purpose: two
 * independent readings of one page have to agree.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface Message {
  readonly tag: string;
  readonly body: Buffer;
}

/** Fields of an ErrorResponse or NoticeResponse by their letter: `C` SQLSTATE, `M` message ... */
export type ErrorFields = Readonly<Record<string, string>>;

export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0, 0);
  return bytes;
};
export const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff, 0);
  return bytes;
};
const cstring = (text: string | Buffer): Buffer =>
  Buffer.concat([typeof text === 'string' ? Buffer.from(text, 'utf8') : text, Buffer.from([0])]);

/** One message with its tag and a correct length. */
export function message(tag: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(tag, 'latin1'), int32(body.length + 4), body]);
}

/** Frontend messages. A `null` parameter is SQL NULL. */
export const frontend = {
  startup(parameters: Readonly<Record<string, string>>, version = 196608): Buffer {
    const pairs = Object.entries(parameters).flatMap(([key, value]) => [
      cstring(key),
      cstring(value),
    ]);
    const body = Buffer.concat([int32(version), ...pairs, Buffer.from([0])]);
    return Buffer.concat([int32(body.length + 4), body]);
  },
  sslRequest: (): Buffer => Buffer.concat([int32(8), int32(80877103)]),
  gssRequest: (): Buffer => Buffer.concat([int32(8), int32(80877104)]),
  cancelRequest: (pid: number, key: Buffer): Buffer =>
    Buffer.concat([int32(12 + key.length), int32(80877102), int32(pid), key]),
  query: (sql: string | Buffer): Buffer => message('Q', cstring(sql)),
  parse: (name: string, sql: string | Buffer, types: readonly number[] = []): Buffer =>
    message('P', cstring(name), cstring(sql), int16(types.length), ...types.map(int32)),
  bind(
    portal: string,
    statement: string,
    values: readonly (string | Buffer | null)[] = [],
  ): Buffer {
    const encoded = values.map((value) => {
      if (value === null) return int32(0xffffffff);
      const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
      return Buffer.concat([int32(bytes.length), bytes]);
    });
    return message(
      'B',
      cstring(portal),
      cstring(statement),
      int16(0),
      int16(values.length),
      ...encoded,
      int16(0),
    );
  },
  describe: (kind: 'S' | 'P', name: string): Buffer =>
    message('D', Buffer.from(kind, 'latin1'), cstring(name)),
  execute: (portal: string, rows = 0): Buffer => message('E', cstring(portal), int32(rows)),
  close: (kind: 'S' | 'P', name: string): Buffer =>
    message('C', Buffer.from(kind, 'latin1'), cstring(name)),
  sync: (): Buffer => message('S'),
  flush: (): Buffer => message('H'),
  terminate: (): Buffer => message('X'),
  functionCall: (oid: number): Buffer => message('F', int32(oid), int16(0), int16(0), int16(0)),
  copyData: (bytes: Buffer): Buffer => message('d', bytes),
  copyDone: (): Buffer => message('c'),
  copyFail: (reason: string): Buffer => message('f', cstring(reason)),
} as const;

export function errorFields(body: Buffer): ErrorFields {
  const fields: Record<string, string> = {};
  for (const part of body.toString('utf8').split('\0')) {
    if (part !== '') fields[part.slice(0, 1)] = part.slice(1);
  }
  return fields;
}

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** How long any wait for the other side lasts before the test is told what was seen instead. */
const WAIT_MS_MAX = 15_000;

export class RawClient {
  readonly socket: Socket;
  /** Received and not taken yet. Cut into messages only when somebody asks for one. */
  #rest: Buffer = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => {};
  /** From BackendKeyData. */
  keyPid = 0;
  keySecret: Buffer = Buffer.alloc(0);

  constructor(at: { readonly host: string; readonly port: number }) {
    this.socket = connect({ host: at.host, port: at.port });
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => {
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
      this.#wake();
    });
    const gone = (): void => {
      this.#closed = true;
      this.#wake();
    };
    this.socket.on('close', gone);
    this.socket.on('end', gone);
    this.socket.on('error', gone);
  }

  /** A session that is logged in and has seen its first ReadyForQuery. */
  static async open(
    login: Login,
    extra: Readonly<Record<string, string>> = {},
  ): Promise<RawClient> {
    const client = new RawClient(login);
    client.send(frontend.startup({ user: login.user, database: login.database, ...extra }));
    await client.authenticate(login.password);
    await client.until('Z');
    return client;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  send(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Answers what the server asks for until AuthenticationOk; SCRAM-SHA-256 or trust. */
  async authenticate(password: string): Promise<void> {
    const scram = new Scram(password);
    for (;;) {
      const { tag, body } = await this.next();
      if (tag === 'E') throw new ServerError(errorFields(body));
      if (tag !== 'R') continue;
      const kind = body.readInt32BE(0);
      const data = body.subarray(4).toString('utf8');
      if (kind === 0) return;
      else if (kind === 10) this.send(scram.first());
      else if (kind === 11) this.send(scram.final(data));
      else if (kind === 12) scram.check(data);
      else throw new Error(`Authentication request ${kind} was not expected.`);
    }
  }

  /** The next message; fails when the other side closed or is silent for too long. */
  async next(): Promise<Message> {
    const found = await this.#wait(() => this.#cut());
    if (found === undefined) throw new Error('The connection closed while a message was expected.');
    return found;
  }

  /** Everything up to and including the first message with one of the tags. */
  async until(tags: string): Promise<Message[]> {
    const seen: Message[] = [];
    for (;;) {
      const one = await this.next();
      seen.push(one);
      if (tags.includes(one.tag)) return seen;
    }
  }

  /** Everything that comes before the other side closes. */
  async untilClosed(): Promise<Message[]> {
    const seen: Message[] = [];
    for (;;) {
      const one = await this.#wait(() => this.#cut());
      if (one === undefined) return seen;
      seen.push(one);
    }
  }

  /** Bare bytes, for the answers to SSLRequest and GSSENCRequest. */
  async bytes(count: number): Promise<Buffer> {
    const found = await this.#wait(() => {
      if (this.#rest.length < count) return undefined;
      const taken = this.#rest.subarray(0, count);
      this.#rest = this.#rest.subarray(count);
      return taken;
    });
    if (found === undefined) throw new Error(`The connection closed before ${count} byte(s) came.`);
    return found;
  }

  /** One simple query, up to ReadyForQuery. */
  async query(sql: string | Buffer): Promise<Answer> {
    this.send(frontend.query(sql));
    return answerOf(await this.until('Z'));
  }

  /** Ends the session properly. */
  async end(): Promise<void> {
    if (!this.#closed) {
      this.send(frontend.terminate());
      await this.untilClosed();
    }
    this.socket.destroy();
  }

  #cut(): Message | undefined {
    if (this.#rest.length < 5) return undefined;
    const length = this.#rest.readUInt32BE(1);
    if (this.#rest.length < length + 1) return undefined;
    const tag = String.fromCharCode(this.#rest[0] ?? 0);
    const body = Buffer.from(this.#rest.subarray(5, length + 1));
    this.#rest = this.#rest.subarray(length + 1);
    if (tag === 'K') {
      this.keyPid = body.readInt32BE(0);
      this.keySecret = body.subarray(4);
    }
    return { tag, body };
  }

  /** Undefined when the other side closed and nothing was found. */
  async #wait<T>(take: () => T | undefined): Promise<T | undefined> {
    const deadline = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const found = take();
      if (found !== undefined || this.#closed) return found;
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`Nothing came within ${WAIT_MS_MAX} ms.`);
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        this.#wake = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
  }
}

/** What a server said up to ReadyForQuery, in the words a test asks about. */
export interface Answer {
  /** Tags of all messages in order: `TDDCZ`. */
  readonly tags: string;
  /** Each DataRow's columns as text. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** CommandComplete tags. */
  readonly complete: readonly string[];
  readonly errors: readonly ErrorFields[];
  /** ReadyForQuery status: `I`, `T` or `E`; empty when there was none. */
  readonly status: string;
}

export function answerOf(messages: readonly Message[]): Answer {
  const of = (tag: string): Buffer[] =>
    messages.filter((one) => one.tag === tag).map((one) => one.body);
  return {
    tags: messages.map((one) => one.tag).join(''),
    rows: of('D').map(columnsOf),
    complete: of('C').map((body) => body.subarray(0, -1).toString('utf8')),
    errors: of('E').map(errorFields),
    status: of('Z').at(-1)?.toString('latin1') ?? '',
  };
}

function columnsOf(body: Buffer): (string | null)[] {
  const columns: (string | null)[] = [];
  let at = 2;
  while (columns.length < body.readUInt16BE(0)) {
    const length = body.readInt32BE(at);
    at += 4;
    columns.push(length < 0 ? null : body.subarray(at, at + length).toString('utf8'));
    at += Math.max(length, 0);
  }
  return columns;
}

export class ServerError extends Error {
  readonly fields: ErrorFields;

  constructor(fields: ErrorFields) {
    super(`${fields['C'] ?? '?'}: ${fields['M'] ?? '?'}`);
    this.fields = fields;
  }
}

/** RFC 5802 with SHA-256, no channel binding. */
class Scram {
  readonly #password: string;
  readonly #nonce = randomBytes(18).toString('base64');
  #serverSignature = '';

  constructor(password: string) {
    this.#password = password;
  }

  first(): Buffer {
    const text = Buffer.from(`n,,n=,r=${this.#nonce}`);
    return message('p', cstring('SCRAM-SHA-256'), int32(text.length), text);
  }

  final(serverFirst: string): Buffer {
    const field = (letter: string): string =>
      serverFirst
        .split(',')
        .find((part) => part.startsWith(`${letter}=`))
        ?.slice(2) ?? '';
    const nonce = field('r');
    if (!nonce.startsWith(this.#nonce)) throw new Error('The server nonce does not continue ours.');
    const salt = Buffer.from(field('s'), 'base64');
    const salted = pbkdf2Sync(this.#password, salt, Number(field('i')), 32, 'sha256');
    const mac = (key: Buffer, text: string): Buffer =>
      createHmac('sha256', key).update(text).digest();
    const clientKey = mac(salted, 'Client Key');
    const storedKey = createHash('sha256').update(clientKey).digest();
    const withoutProof = `c=biws,r=${nonce}`;
    const authMessage = `n=,r=${this.#nonce},${serverFirst},${withoutProof}`;
    const signature = mac(storedKey, authMessage);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
    this.#serverSignature = mac(mac(salted, 'Server Key'), authMessage).toString('base64');
    return message('p', Buffer.from(`${withoutProof},p=${proof.toString('base64')}`));
  }

  check(serverFinal: string): void {
    if (serverFinal !== `v=${this.#serverSignature}`)
      throw new Error('The server signature is wrong.');
  }
}
