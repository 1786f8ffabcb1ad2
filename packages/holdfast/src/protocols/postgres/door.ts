/**
 * The door: `admission.ts` on an accepted socket. It connects the socket's events to the wire, puts
 * TLS under it when asked, and hands the socket over paused, nothing lost, or closes it.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { LOGIN_WAITING_BYTES_MAX } from '../../model/limits.ts';
import { type Admission, admit, type DoorOptions } from './admission.ts';
import { isLoopback } from './loopback.ts';
import { endPointHash, serveTls } from './tls.ts';
import { type AttachedWire, attachWire } from './wire.ts';

/** Re-exported: who opens a door needs its options. */
export type { DoorOptions } from './admission.ts';

type Let<K extends Admission['kind']> = Extract<Admission, { kind: K }>;

/** `socket`: paused, without listeners but one idle 'error' one; the TLS one when there is one. */
export type DoorResult =
  | (Let<'session'> & { readonly socket: Socket | TLSSocket })
  /** The caller waits for the end of the connection: `hangUp` once the cancel was passed on. */
  | (Let<'cancel'> & { readonly socket: Socket | TLSSocket })
  | Let<'closed'>;

/** Never rejects. A `closed` connection is closed or closing when this resolves. */
export async function openDoor(socket: Socket, options: DoorOptions): Promise<DoorResult> {
  let current: { readonly socket: Socket | TLSSocket; readonly wire: AttachedWire } = {
    socket,
    wire: attachWire(socket, LOGIN_WAITING_BYTES_MAX),
  };
  const admission = await admit(
    {
      ...current.wire,
      isLoopback: isLoopback(socket.remoteAddress),
      encrypt: async (head, alpnRequired) => {
        if (!options.tls) throw new Error('No certificate to encrypt with.');
        current.wire.detach();
        const secure = await serveTls(socket, options.tls, head, alpnRequired);
        current = { socket: secure, wire: attachWire(secure, LOGIN_WAITING_BYTES_MAX) };
        return { ...current.wire, binding: ownBinding(secure) };
      },
    },
    options,
  );
  current.wire.detach();
  if (admission.kind === 'closed') {
    hangUp(current.socket);
    return admission;
  }
  if (admission.kind === 'cancel') return { ...admission, socket: current.socket };
  const leftover = Buffer.concat([admission.leftover, current.wire.feed.takeRest()]);
  return { ...admission, leftover, socket: current.socket };
}

/** What a client may bind its login to, as seen from our end of the TLS connection. */
export function ownBinding(secure: TLSSocket): Buffer | null {
  const certificate = secure.getCertificate();
  return certificate && 'raw' in certificate && Buffer.isBuffer(certificate.raw)
    ? endPointHash(certificate.raw)
    : null;
}

/** Lets what was written go out, reads nothing more into memory, and does not wait for ever. */
export function hangUp(socket: Socket | TLSSocket): void {
  socket.resume();
  socket.end();
  setTimeout(() => socket.destroy(), HANG_UP_MS).unref();
}

const HANG_UP_MS = 1_000;
