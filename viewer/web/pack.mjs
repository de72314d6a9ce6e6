/** `npm pack`: the package is what scripts/build-web left in splatzip/web, and the types of its sources. */

import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const dist = join(here, 'dist');
rmSync(dist, { recursive: true, force: true });
for (const name of ['viewer.js', 'worker.js', 'decoder.mjs', 'decoder.wasm', 'index.html'])
  cpSync(join(here, '../../splatzip/web', name), join(dist, name));
cpSync(join(here, '../../LICENSE'), join(dist, 'LICENSE'));
const tsc = join(here, 'node_modules/typescript/bin/tsc');
const sources = ['--outDir', join(dist, 'types'), '--rootDir', 'src'];
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json', ...sources], { stdio: 'inherit', cwd: here });

// TypeScript adds no extensions, and resolves none without them where modules are resolved as node does.
const types = join(dist, 'types');
for (const name of readdirSync(types, { recursive: true }).filter((name) => name.endsWith('.d.ts'))) {
  const text = readFileSync(join(types, name), 'utf8');
  writeFileSync(join(types, name), text.replace(/((?:from|import\()\s*')(\.[^']*)'/g, "$1$2.js'"));
}
