/** The files of a restored cluster, to be compared with those of another. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Visibility maps among it: those are not taken from increments (see combine.ts). */
const OWN =
  /^(pg_wal|backup_label|backup_manifest|postgresql\.auto\.conf|recovery\.signal|global\/pg_control|.*_vm)(\/|$)/;

/** SHA-256 by path; what each restore writes for itself is left out. */
export function filesOf(data: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const walk = (folder: string, prefix: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = prefix + entry.name;
      if (OWN.test(path)) continue;
      const place = join(folder, entry.name);
      if (entry.isDirectory()) walk(place, `${path}/`);
      else if (entry.isFile())
        found.set(path, createHash('sha256').update(readFileSync(place)).digest('hex'));
      else found.set(path, 'a link');
    }
  };
  walk(data, '');
  const spaces = join(data, '..', 'tablespaces');
  if (existsSync(spaces)) walk(spaces, 'tablespaces/');
  return found;
}
