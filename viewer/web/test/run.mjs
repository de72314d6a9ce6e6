/** `npm test`: bundles test/*.test.ts, since this node runs no TypeScript, and runs them. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';

const here = import.meta.dirname;
const out = mkdtempSync(join(tmpdir(), 'splatzip-web-'));
try {
  const tests = readdirSync(here).filter((name) => name.endsWith('.test.ts'));
  const input = Object.fromEntries(tests.map((name) => [name.replace('.ts', ''), join(here, name)]));
  await build({
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: ['playcanvas'] }, // what is bundled lies where nothing can be imported from
    build: { ssr: true, outDir: out, emptyOutDir: true, rollupOptions: { input, output: { entryFileNames: '[name].mjs' } } },
  });
  const files = Object.keys(input).map((name) => join(out, `${name}.mjs`));
  process.exitCode = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
