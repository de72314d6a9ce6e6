/** Builds the decoder's scripts into splatzip/web: worker.js (classic) or, with --mode module, decoder.mjs. */

import { defineConfig } from 'vite';

export default defineConfig(({ mode }) => ({
  configFile: false,
  publicDir: false,
  build: {
    outDir: '../../splatzip/web',
    emptyOutDir: false,
    target: 'es2022',
    lib:
      mode === 'module'
        ? { entry: 'src/decoder/index.ts', formats: ['es'], fileName: () => 'decoder.mjs' }
        : { entry: 'src/decoder/worker.ts', formats: ['iife'], name: 'splatzipDecoder', fileName: () => 'worker.js' },
  },
}));
