/**
 * Builds the dashboard into holdfast's dist, where the gateway serves it from. With HOLDFAST_STAND_IN=1
 * the dev and preview servers answer the API by `dev/stand-in.ts`; nothing of that is ever built in.
 */
import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

async function standIns(): Promise<Plugin[]> {
  if (process.env['HOLDFAST_STAND_IN'] !== '1') return [];
  const { standIn } = await import('./dev/stand-in.ts');
  return [standIn()];
}

export default defineConfig(async () => ({
  plugins: [react(), tailwind(), ...(await standIns())],
  build: {
    outDir: '../holdfast/dist/dashboard',
    emptyOutDir: true,
    assetsDir: 'assets',
    // The policy of the server names no data: source for scripts or fonts; keep every asset a file.
    assetsInlineLimit: 0,
    target: 'es2022',
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/sw.ts' },
      // A worker rules over what lies beside and below it: its file is at the top, under one name for good.
      output: {
        entryFileNames: ({ name }: { readonly name: string }) =>
          name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js',
      },
    },
    modulePreload: { polyfill: false },
  },
}));
