/**
 * Logging in to a target, over a wire whose encryption is already settled.
 *
 * Order: startup packet, whatever proof the server asks for (once), AuthenticationOk, then settings
 * and the cancel key until ReadyForQuery. Asks for protocol 3.0.
 *
 * It will not: send a cleartext password over a line others can read, take AuthenticationOk from a
 * server that asked for SCRAM and then did not prove itself, or answer a second challenge.
 */
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { UPSTREAM_LOGIN_BYTES_MAX } from '../../model/limits.ts';
import { md5Answer } from './md5.ts';
import { passwordMessage, saslInitialResponse, saslResponse, startupMessage } from './messages.ts';
import { SCRAM, SCRAM_PLUS, type ScramAnswer, startScramClient } from './scram.ts';
import type { StartupParameter } from './startup.ts';
import { readMessage, type TaggedMessage, type Wire } from './wire.ts';

export interface UpstreamLogin {
  readonly user: string;
  readonly database: string;
  /** Asked only when the server wants one; null when there is none. */
  readonly password: () => string | null;
  /** TLS, a Unix socket or loopback: nobody listens in. */
  readonly isPrivate: boolean;
  /** `endPointHash` of the server's certificate, or null. */
  readonly binding: Buffer | null;
  readonly clock: Clock;
}

export interface UpstreamGreeting {
  /** ParameterStatus at start: `server_version`, `client_encoding`, ... */
  readonly parameters: Map<string, string>;
  readonly processId: number;
  readonly secretKey: Buffer;
  readonly transactionStatus: 'I';
  /** Major version, 15 to 18; 0 when the server did not say. */
  readonly serverVersion: number;
  /** Bytes behind ReadyForQuery; empty unless the server spoke unasked. */
  readonly leftover: Buffer;
}

/** What a server said in an ErrorResponse during login; the `cause` of HF_UPSTREAM_REFUSED. */
export class ServerError extends Error {
  readonly sqlstate: string;
  /** All fields by their one-letter type. */
  readonly fields: ReadonlyMap<string, string>;

  constructor(fields: ReadonlyMap<string, string>) {
    super(fields.get('M') ?? 'no message');
    this.name = 'ServerError';
    this.sqlstate = fields.get('C') ?? 'XX000';
    this.fields = fields;
  }
}

export async function authenticateUpstream(
  wire: Wire,
  login: UpstreamLogin,
  parameters: readonly StartupParameter[],
): Promise<UpstreamGreeting> {
  const startup: StartupParameter[] = [
    ['user', login.user],
    ['database', login.database],
    ...parameters,
  ];
  wire.write(startupMessage(startup));
  await prove(wire, login);
  return await greeting(wire);
}

async function prove(wire: Wire, login: UpstreamLogin): Promise<void> {
  const request = await nextMessage(wire);
  const kind = authenticationKind(request);
  switch (kind) {
    case 0:
      return;
    case 3:
      if (!login.isPrivate) {
        throw refused('SCRAM, or TLS', 'a server that wants the password in clear over plain TCP', {
          hint: 'Set sslmode to require or better, or password_encryption to scram-sha-256 there.',
        });
      }
      wire.write(passwordMessage(passwordOf(login)));
      break;
    case 5: {
      const salt = request.body.subarray(4, 8);
      wire.write(passwordMessage(md5Answer(login.user, passwordOf(login), salt)));
      break;
    }
    case 10:
      await scram(wire, login, request.body.subarray(4));
      break;
    default:
      throw refused(
        'trust, a password in clear, md5 or SCRAM-SHA-256',
        `a server that asks for ${AUTHENTICATION_NAMES.get(kind) ?? `authentication method ${kind}`}`,
        { hint: "Give the role a SCRAM password and a matching line in the server's pg_hba.conf." },
      );
  }
  const ok = await nextMessage(wire);
  if (authenticationKind(ok) !== 0) {
    throw refused('one challenge', 'a second one', { hint: WRONG_SERVER });
  }
}

async function scram(wire: Wire, login: UpstreamLogin, list: Buffer): Promise<void> {
  const offered = list.toString('latin1').split('\0');
  const plus = login.binding !== null && offered.includes(SCRAM_PLUS);
  if (!plus && !offered.includes(SCRAM)) {
    throw refused(SCRAM, `only ${offered.filter((name) => name !== '').join(', ')}`, {
      hint: 'Update the server, or connect to it with TLS.',
    });
  }
  const mechanism = plus ? SCRAM_PLUS : SCRAM;
  const client = startScramClient({
    mechanism,
    password: passwordOf(login),
    nonce: login.clock.random(18).toString('base64'),
    binding: login.binding,
  });
  wire.write(saslInitialResponse(mechanism, client.clientFirst));
  const answer: ScramAnswer = await client.answer(await saslData(wire, 11));
  wire.write(saslResponse(answer.clientFinal));
  answer.verify(await saslData(wire, 12));
}

async function saslData(wire: Wire, expected: 11 | 12): Promise<string> {
  const message = await nextMessage(wire);
  const kind = authenticationKind(message);
  if (kind !== expected) {
    throw refused('the next step of SCRAM', `authentication message ${kind}`, {
      hint: WRONG_SERVER,
    });
  }
  return message.body.toString('utf8', 4);
}

async function greeting(wire: Wire): Promise<UpstreamGreeting> {
  const parameters = new Map<string, string>();
  let processId = 0;
  let secretKey: Buffer = Buffer.alloc(4);
  while (true) {
    const { tag, body } = await nextMessage(wire);
    switch (tag) {
      case 'S': {
        const [name = '', value = ''] = body.toString('utf8').split('\0');
        parameters.set(name, value);
        break;
      }
      case 'K':
        if (body.length < 8)
          throw refused('a cancel key', 'none in BackendKeyData', { hint: WRONG_SERVER });
        processId = body.readInt32BE(0);
        secretKey = Buffer.from(body.subarray(4));
        break;
      case 'Z':
        return {
          parameters,
          processId,
          secretKey,
          transactionStatus: 'I',
          serverVersion: Number.parseInt(parameters.get('server_version') ?? '0', 10) || 0,
          leftover: wire.feed.takeRest(),
        };
      default:
        throw refused(
          'settings, a cancel key and ReadyForQuery',
          `a message ${JSON.stringify(tag)}`,
          {
            hint: WRONG_SERVER,
          },
        );
    }
  }
}

/** The next message that is no notice; an ErrorResponse is thrown. */
async function nextMessage(wire: Wire): Promise<TaggedMessage> {
  while (true) {
    const message = await readMessage(wire.feed, UPSTREAM_LOGIN_BYTES_MAX);
    if (message.tag === 'E') throw serverRefusal(message.body);
    // The server cannot speak less than 3.0, so a NegotiateProtocolVersion changes nothing.
    if (message.tag !== 'N' && message.tag !== 'v') return message;
  }
}

function authenticationKind({ tag, body }: TaggedMessage): number {
  if (tag !== 'R' || body.length < 4) {
    throw refused('an authentication request', `a message ${JSON.stringify(tag)}`, {
      hint: WRONG_SERVER,
    });
  }
  const kind = body.readInt32BE(0);
  const bytesMin = kind === 5 ? 8 : 4;
  if (body.length < bytesMin) {
    throw refused('a whole authentication request', 'half of one', { hint: WRONG_SERVER });
  }
  return kind;
}

function serverRefusal(body: Buffer): HoldfastError {
  const fields = new Map<string, string>();
  for (const field of body.toString('utf8').split('\0')) {
    if (field !== '') fields.set(field.slice(0, 1), field.slice(1));
  }
  const said = new ServerError(fields);
  return new HoldfastError('HF_UPSTREAM_REFUSED', {
    expected: 'to be let in',
    found: `"${said.message}" (SQLSTATE ${said.sqlstate})`,
    hint: "Check user, password and database of this target, and the server's pg_hba.conf.",
    cause: said,
  });
}

function passwordOf(login: UpstreamLogin): string {
  const password = login.password();
  if (password === null || password === '') {
    throw refused('a password for this target', 'none, and the server asks for one', {
      hint: `Seal the password of ${login.user} in Holdfast.`,
    });
  }
  return password;
}

const WRONG_SERVER = 'Check that the address is that of a PostgreSQL server.';

const AUTHENTICATION_NAMES = new Map([
  [2, 'Kerberos V5'],
  [6, 'SCM credentials'],
  [7, 'GSSAPI'],
  [8, 'GSSAPI'],
  [9, 'SSPI'],
]);

function refused(
  expected: string,
  found: string,
  { hint }: { readonly hint: string },
): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_REFUSED', { expected, found, hint });
}
