/** Where recovery keeps what is of this machine: reports and orders, drills, rebuilds. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config, Env } from './config/config.ts';
import { Counter } from './recovery/counter.ts';
import { keyFolderOf } from './rooms.ts';

/** Reports and orders of this machine. */
export function recoveryCounter(config: Config, env: Env): Counter {
  return new Counter(join(recoveryFolder(config, env), 'counter'));
}

export function recoveryFolder(config: Config, env: Env): string {
  const { store } = config;
  const above = store.kind === 'embedded' ? store.dataFolder : dirname(keyFolderOf(config, env));
  const folder = join(above, 'recovery');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  return folder;
}
