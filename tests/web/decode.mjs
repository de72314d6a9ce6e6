// Decodes files with the web decoder as it is installed (splatzip/web), for tests/web/test_decoder.py.
//
//     node decode.mjs WEB_FOLDER < JOBS
//
// JOBS is a JSON list of {path, out?, drawn?, cut?, damage?, pieces}: the file, where its arrays go (raw float32, one file
// an attribute, in the order of the rows), where log scales and opacities go as they are drawn, how many of its bytes come at all, a byte that is flipped, and how the bytes come:
// a number of bytes at a time from the front, or a list of [offset, size]. The answer is a JSON list, one for each job,
// of its events without their arrays.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];
const { Core, FileReader, ITSELF, StandIns, standIn } = await import(pathToFileURL(join(folder, 'decoder.mjs')).href);
const module = await WebAssembly.compile(readFileSync(join(folder, 'decoder.wasm')));
let core = new Core(module);

const WIDTHS = { positions: 3, logScales: 3, rotations: 4, opacityLogits: 1, color: 3 };

/** The rows of all chunks, in the order of the scene. */
class Rows {
  constructor(count, coefficients) {
    this.coefficients = coefficients;
    this.arrays = Object.fromEntries(Object.entries(WIDTHS).map(([name, width]) => [name, new Float32Array(width * count)]));
    this.arrays.sh = new Float32Array(3 * coefficients * count);
    this.has = new Uint8Array(count);
  }
  take(event) {
    const end = event.first + event.count;
    if (event.layer === 0) {
      for (const [name, width] of Object.entries(WIDTHS)) this.arrays[name].set(event[name], width * event.first);
      this.has.fill(1, event.first, end);
    } else this.arrays.sh.set(event.sh, 3 * this.coefficients * event.first);
  }
  /** Rows that came, `order` first. */
  write(out, order) {
    const rows = order ? [...order] : [...this.has.keys()].filter((row) => this.has[row]);
    for (const [name, array] of Object.entries(this.arrays)) {
      const width = WIDTHS[name] ?? 3 * this.coefficients;
      const sorted = new Float32Array(width * rows.length);
      rows.forEach((row, at) => sorted.set(array.subarray(width * row, width * (row + 1)), width * at));
      writeFileSync(join(out, `${name}.f32`), sorted);
    }
  }
}

function bare(event) {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, ArrayBuffer.isView(value) ? value.length : value]),
  );
}

/** What splats are drawn as, where others are lacking (FORMAT.md 3.7). */
function writeDrawn(out, events) {
  const header = events.find(({ type }) => type === 'header');
  const compensation = events.find(({ type }) => type === 'tiers');
  const standIns = new StandIns(header.tiers);
  const chunks = events.filter(({ type, layer }) => type === 'chunk' && layer === 0);
  for (const event of events) if (event.type === 'directory') standIns.list(event);
  chunks.forEach((chunk) => standIns.come(chunk));
  const [scales, opacities] = [[], []];
  for (const chunk of chunks) {
    standIns.stages(chunk).forEach((stage, i) => {
      const opacity = 1 / (1 + Math.exp(-chunk.opacityLogits[i]));
      const shape = Float64Array.of(...chunk.logScales.subarray(3 * i, 3 * i + 3), opacity);
      if (stage !== ITSELF) standIn(compensation, stage, shape);
      scales.push(...shape.subarray(0, 3));
      opacities.push(shape[3]);
    });
  }
  writeFileSync(join(out, 'logScales.f32'), Float32Array.from(scales));
  writeFileSync(join(out, 'opacities.f32'), Float32Array.from(opacities));
}

function decode({ path, out, drawn, cut, damage, pieces }) {
  const bytes = new Uint8Array(readFileSync(path)).slice(0, cut ?? Infinity);
  if (damage !== undefined) bytes[damage] ^= 255;
  const events = [];
  const whole = [];
  let rows = null;
  const reader = new FileReader(core, (event) => {
    events.push(bare(event));
    if (drawn) whole.push(event);
    if (event.type === 'header') rows = new Rows(event.count, (event.shDegree + 1) ** 2 - 1);
    if (event.type === 'chunk') rows.take(event);
    if (event.type === 'end' && out) rows.write(out, event.order);
  });
  if (Array.isArray(pieces)) {
    for (const [offset, size] of pieces) reader.push(bytes.slice(offset, offset + size), offset);
  } else {
    for (let at = 0; at < bytes.length; at += pieces) reader.push(bytes.slice(at, at + pieces));
  }
  reader.end();
  reader.close();
  if (drawn) writeDrawn(drawn, whole);
  return events;
}

const answers = [];
for (const job of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    answers.push(decode(job));
  } catch (error) {
    answers.push([{ type: 'crash', message: String(error?.stack ?? error) }]);
    core = new Core(module); // what one file left behind is no other's concern
  }
}
process.stdout.write(JSON.stringify(answers));
