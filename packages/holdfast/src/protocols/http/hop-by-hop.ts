/** Of the connection between two machines, not of the message (RFC 9110 section 7.6.1). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Names of headers that a Connection header says are of this connection, too. */
export function listedIn(connection: string): ReadonlySet<string> {
  return new Set(connection.split(',').map((one) => one.trim().toLowerCase()));
}
