/**
 * The messages we make ourselves: what a server says during login and refusal, and what a client says
 * to log in upstream (PostgreSQL manual, "Message Formats"). Statements and results are not here:
 * those are relayed as the bytes they came in.
 *
 * A string with a NUL cannot be put on this wire; it is cut there would be silent, so it throws.
 */
import { HoldfastError } from '../../model/errors.ts';

/** 3.0, the only version we speak, in the encoding of the startup packet. */
const PROTOCOL_3_0 = 0x0003_0000;
export const SSL_REQUEST_CODE = 80_877_103;
export const GSSENC_REQUEST_CODE = 80_877_104;
export const CANCEL_REQUEST_CODE = 80_877_102;

export type TransactionStatus = 'I' | 'T' | 'E';

export interface NoticeFields {
  readonly severity: 'ERROR' | 'FATAL' | 'PANIC' | 'WARNING' | 'NOTICE' | 'INFO' | 'LOG' | 'DEBUG';
  /** SQLSTATE, five characters. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Index into the query text in characters, from 1. */
  readonly position?: number;
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value, 0);
  return bytes;
}

function cString(text: string): Buffer {
  if (text.includes('\0')) {
    throw new HoldfastError('HF_PROTOCOL', {
      expected: 'text without a NUL byte',
      found: 'a NUL inside a string of the PostgreSQL protocol',
      hint: 'Take the NUL out of the name or password.',
    });
  }
  return Buffer.from(`${text}\0`, 'utf8');
}

/** Tag, length (which counts itself, not the tag), body. */
function tagged(tag: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from(tag, 'latin1'), int32(body + 4), ...parts]);
}

/** Packets before the login have no tag. */
function untagged(...parts: readonly Uint8Array[]): Buffer {
  const body = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([int32(body + 4), ...parts]);
}

export const authenticationOk = (): Buffer => tagged('R', int32(0));
export const authenticationCleartextPassword = (): Buffer => tagged('R', int32(3));
export const authenticationSasl = (mechanisms: readonly string[]): Buffer =>
  tagged('R', int32(10), ...mechanisms.map(cString), Buffer.of(0));
export const authenticationSaslContinue = (data: string): Buffer =>
  tagged('R', int32(11), Buffer.from(data, 'utf8'));
export const authenticationSaslFinal = (data: string): Buffer =>
  tagged('R', int32(12), Buffer.from(data, 'utf8'));

export const parameterStatus = (name: string, value: string): Buffer =>
  tagged('S', cString(name), cString(value));

/** `secret`: 4 bytes in protocol 3.0. */
export const backendKeyData = (processId: number, secret: Uint8Array): Buffer =>
  tagged('K', int32(processId), secret);

export const readyForQuery = (status: TransactionStatus): Buffer =>
  tagged('Z', Buffer.from(status, 'latin1'));

export const errorResponse = (fields: NoticeFields): Buffer => tagged('E', noticeBody(fields));
export const noticeResponse = (fields: NoticeFields): Buffer => tagged('N', noticeBody(fields));

function noticeBody(fields: NoticeFields): Buffer {
  const field = (type: string, value: string | undefined): Buffer[] =>
    value === undefined ? [] : [Buffer.from(type, 'latin1'), cString(value.replaceAll('\0', ' '))];
  return Buffer.concat([
    ...field('S', fields.severity),
    ...field('V', fields.severity),
    ...field('C', fields.code),
    ...field('M', fields.message),
    ...field('D', fields.detail),
    ...field('H', fields.hint),
    ...field('P', fields.position === undefined ? undefined : String(fields.position)),
    Buffer.of(0),
  ]);
}

/**
 * The manual calls the number "newest minor version"; every server sends the whole version
 * (`PG_PROTOCOL_LATEST`), and libpq reads it so.
 */
export const negotiateProtocolVersion = (unrecognized: readonly string[]): Buffer =>
  tagged('v', int32(PROTOCOL_3_0), int32(unrecognized.length), ...unrecognized.map(cString));

export const sslRequest = (): Buffer => untagged(int32(SSL_REQUEST_CODE));

export const cancelRequest = (processId: number, secret: Uint8Array): Buffer =>
  untagged(int32(CANCEL_REQUEST_CODE), int32(processId), secret);

export const startupMessage = (
  parameters: readonly (readonly [name: string, value: string])[],
): Buffer =>
  untagged(
    int32(PROTOCOL_3_0),
    ...parameters.flatMap(([name, value]) => [cString(name), cString(value)]),
    Buffer.of(0),
  );

/** Cleartext, or the `md5...` digest. */
export const passwordMessage = (password: string): Buffer => tagged('p', cString(password));

export function saslInitialResponse(mechanism: string, data: string): Buffer {
  const bytes = Buffer.from(data, 'utf8');
  return tagged('p', cString(mechanism), int32(bytes.length), bytes);
}

export const saslResponse = (data: string): Buffer => tagged('p', Buffer.from(data, 'utf8'));

export const query = (sql: string | Buffer): Buffer =>
  typeof sql === 'string' ? tagged('Q', cString(sql)) : tagged('Q', sql, Buffer.of(0));
export const terminate = (): Buffer => tagged('X');

export const parse = (name: string, sql: string): Buffer =>
  tagged('P', cString(name), cString(sql), Buffer.alloc(2));
export const sync = (): Buffer => tagged('S');
export const flush = (): Buffer => tagged('H');

/** Without parameters, all results as text. */
export const bind = (portal: string, statement: string): Buffer =>
  tagged('B', cString(portal), cString(statement), Buffer.alloc(6));
export const closePortal = (name: string): Buffer => tagged('C', Buffer.from('P'), cString(name));
export const closeStatement = (name: string): Buffer =>
  tagged('C', Buffer.from('S'), cString(name));
/** The result of a function that says 1 in an int4: its description, and its one row. */
export const oneColumn = (isBinary: boolean): Buffer =>
  tagged(
    'T',
    int16(1),
    cString('lo_unlink'),
    int32(0),
    int16(0),
    int32(23),
    int16(4),
    int32(-1),
    int16(isBinary ? 1 : 0),
  );
export const oneRow = (isBinary: boolean): Buffer => {
  const value = isBinary ? int32(1) : Buffer.from('1');
  return tagged('D', int16(1), int32(value.length), value);
};
export const commandComplete = (tag: string): Buffer => tagged('C', cString(tag));
