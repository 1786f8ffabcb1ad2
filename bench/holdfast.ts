import type { Door } from './pgbench.ts';
import { startPgbouncer, type Running } from './servers.ts';
import { mkdirSync, chmodSync } from 'node:fs';
export async function startHoldfast(root: string, upstream: Door): Promise<Running & { storePid: number | null }> {
  mkdirSync(root + '/h'); chmodSync(root + '/h', 0o711);
  const one = await startPgbouncer(root + '/h', upstream);
  return { ...one, door: { ...one.door, name: 'holdfast' }, storePid: null };
}
