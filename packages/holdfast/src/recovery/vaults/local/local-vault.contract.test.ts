import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { clearFlags } from '../../../testing/clear-flags.ts';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { vaultSuite } from '../vault.suite.ts';
import { LocalVault } from './local-vault.ts';

vaultSuite('the local vault', async () => {
  const folder = scratchFolder('vault');
  const vault = new LocalVault({
    keptHead: null,
    name: 'here',
    folder: join(folder, 'v'),
    user: null,
    dataFolders: [],
  });
  return {
    vault,
    end: async () => {
      await vault.close();
      clearFlags(folder);
      rmSync(folder, { recursive: true });
    },
  };
});
