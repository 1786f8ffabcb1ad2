/** Whether nobody but this machine sees the bytes of a connection. */
import { isIP } from 'node:net';

/** 127.0.0.0/8, ::1, and the first as seen by a socket of both families. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return isIP(plain) === 4 ? plain.startsWith('127.') : plain === '::1';
}
