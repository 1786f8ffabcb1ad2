/**
 * A temp folder that a server's user may pass through. As root, PostgreSQL runs as somebody else:
 * under a folder of mode 0700 (what mkdtemp makes) Holdfast would keep its data in /var/lib/holdfast,
 * where nobody removes it when the test is over.
 */
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `holdfast-${name}-`));
  chmodSync(folder, 0o711);
  return folder;
}
