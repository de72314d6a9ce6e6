/**
 * A scene as a 3DGS PLY in memory, which every splat engine reads, including those on three.js.
 *
 *     chunks -> gathered -> vertices -> bytes
 *
 * A file's coordinates are those of such PLY files (right-down-front), and so are its values; only the order of SH
 * differs: channel by channel.
 */

import type { ChunkEvent, ShEvent, SplatsEvent, StreamEvent } from '../decoder/types';
import { Gathered } from './gathered';

const POSITION = ['x', 'y', 'z'];
const COLOR = ['f_dc_0', 'f_dc_1', 'f_dc_2'];
const SHAPE = ['opacity', 'scale_0', 'scale_1', 'scale_2', 'rot_0', 'rot_1', 'rot_2', 'rot_3'];
const HEADER_BYTES = 4096;

export class PlyMaker {
  readonly #gathered = new Gathered();

  take(event: StreamEvent): void {
    this.#gathered.take(event);
  }

  /** What has come; once. */
  bytes(): Uint8Array<ArrayBuffer> {
    const { rows, rest } = this.#gathered;
    const names = [...POSITION, ...COLOR, ...Array.from({ length: 3 * rest }, (_, k) => `f_rest_${k}`), ...SHAPE];
    // Header and vertices: one allocation, however large the scene is.
    const file = new ArrayBuffer(HEADER_BYTES + 4 * names.length * rows);
    const vertices = new Vertices(new Float32Array(file, HEADER_BYTES), names.length, rest);
    for (const chunk of this.#gathered.chunks()) vertices.fill(chunk);
    const lines = [
      'ply',
      'format binary_little_endian 1.0',
      `element vertex ${rows}`,
      ...names.map((name) => `property float ${name}`),
      'end_header\n',
    ];
    const header = new TextEncoder().encode(lines.join('\n'));
    const start = HEADER_BYTES - header.length;
    const bytes = new Uint8Array(file, start);
    bytes.set(header);
    return bytes;
  }
}

class Vertices {
  readonly #values: Float32Array;
  readonly #width: number;
  readonly #rest: number;
  /** The opacity's column. */
  readonly #opacity: number;

  constructor(values: Float32Array, width: number, rest: number) {
    this.#values = values;
    this.#width = width;
    this.#rest = rest;
    this.#opacity = POSITION.length + COLOR.length + 3 * rest;
    for (let at = this.#opacity; at < values.length; at += width) values[at] = -Infinity; // not seen
    for (let at = this.#opacity + 4; at < values.length; at += width) values[at] = 1; // no turn
  }

  fill(chunk: ChunkEvent): void {
    if (chunk.layer === 0) this.#fillSplats(chunk);
    else this.#fillSh(chunk);
  }

  #fillSh({ first, count, sh }: ShEvent): void {
    const given = sh.length / count;
    for (let i = 0; i < count; i++) {
      const to = (first + i) * this.#width + POSITION.length + COLOR.length;
      for (let k = 0; k < 3 * this.#rest; k++) {
        const [channel, coefficient] = [Math.floor(k / this.#rest), k % this.#rest];
        this.#values[to + k] = sh[i * given + 3 * coefficient + channel]!;
      }
    }
  }

  #fillSplats({ first, count, positions, color, opacityLogits, logScales, rotations }: SplatsEvent): void {
    const parts = [
      [positions, 3, 0],
      [color, 3, POSITION.length],
      [opacityLogits, 1, this.#opacity],
      [logScales, 3, this.#opacity + 1],
      [rotations, 4, this.#opacity + 4],
    ] as const;
    for (const [values, width, column] of parts) {
      for (let i = 0; i < count; i++) {
        const to = (first + i) * this.#width + column;
        for (let k = 0; k < width; k++) this.#values[to + k] = values[i * width + k]!;
      }
    }
  }
}
