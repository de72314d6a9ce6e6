// node web_decode.mjs WEB_FOLDER FILE REPETITIONS: decodes the file with the decoder for browsers, all of it on this thread,
// its bytes in pieces as a network hands them over. Prints a JSON list of seconds, wall and CPU; the first run, which also
// compiles the module, comes first.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PIECE = 65536;
const [folder, file, repetitions] = process.argv.slice(2);
const { Core, FileReader } = await import(pathToFileURL(join(folder, 'decoder.mjs')).href);
const bytes = readFileSync(file);
const code = readFileSync(join(folder, 'decoder.wasm'));

function decode(core) {
  let splats = 0;
  let end = null;
  const reader = new FileReader(core, (event) => {
    if (event.type === 'chunk' && event.layer === 0) splats += event.count;
    if (event.type === 'end') end = event;
  });
  for (let at = 0; at < bytes.length; at += PIECE) reader.push(new Uint8Array(bytes.subarray(at, at + PIECE)));
  reader.end();
  if (!end?.complete) throw new Error(`not decoded: ${JSON.stringify(end)}`);
  return splats;
}

const runs = [];
let core = null;
for (let run = 0; run <= Number(repetitions); run++) {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  core ??= new Core(new WebAssembly.Module(code));
  const splats = decode(core);
  const { user, system } = process.cpuUsage(cpu);
  runs.push({ splats, wall_s: (performance.now() - wall) / 1e3, cpu_s: (user + system) / 1e6 });
}
process.stdout.write(JSON.stringify({ runs, memory_bytes: core.call.memory.buffer.byteLength }));
