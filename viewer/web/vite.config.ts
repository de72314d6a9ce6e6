/**
 * The client as splatzip/web has it: viewer.js, one module without imports, and index.html as it is in public/.
 * The decoder's worker is built beside it (vite.worker.config.ts); scripts/build-web runs both.
 */

import { defineConfig, type Plugin } from 'vite';

/** The addresses of the parts are for the bundlers of other people to find, not for this one. */
const foundByOthers: Plugin = {
  name: 'found-by-others',
  generateBundle(_options, bundle) {
    for (const part of Object.values(bundle))
      if (part.type === 'chunk') part.code = part.code.replaceAll(/\/\* @vite-ignore \*\/\s*/g, '');
  },
};

export default defineConfig({
  plugins: [foundByOthers],
  build: {
    target: 'es2022',
    outDir: '../../splatzip/web',
    emptyOutDir: false,
    lib: { entry: 'src/main.ts', formats: ['es'], fileName: () => 'viewer.js' },
    rollupOptions: { output: { codeSplitting: false } },
  },
});
