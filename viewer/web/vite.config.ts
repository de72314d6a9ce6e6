/**
 * The client as splatzip/web has it: viewer.js, one module without imports, and index.html as it is in public/.
 * The decoder's worker is built beside it (vite.worker.config.ts); scripts/build-web runs both.
 */

import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    target: 'es2022',
    outDir: '../../splatzip/web',
    emptyOutDir: false,
    lib: { entry: 'src/main.ts', formats: ['es'], fileName: () => 'viewer.js' },
    rollupOptions: { output: { codeSplitting: false } },
  },
});
