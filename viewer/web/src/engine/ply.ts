/**
 * A scene as a 3DGS PLY in memory: what every engine of splats reads, those on three.js among them.
 *
 *     header, chunks -> vertices, filled as they come -> bytes
 *
 * A file's coordinates are those of such PLY files (right-down-front), and so are its values; only the order of SH
 * differs: channel by channel.
 */

import type { SplatsEvent, StreamEvent } from '../decoder/types';
import { drawnDegree } from './packing';

const POSITION = ['x', 'y', 'z'];
const COLOR = ['f_dc_0', 'f_dc_1', 'f_dc_2'];
const SHAPE = ['opacity', 'scale_0', 'scale_1', 'scale_2', 'rot_0', 'rot_1', 'rot_2', 'rot_3'];
const HEADER_BYTES = 4096;

export class PlyMaker {
  /** Coefficients a colour above degree 0, up to degree 3: what readers know. */
  #rest = 0;
  #width = 0;
  #count = 0;
  /** Header and vertices: one allocation, however large the scene is. */
  #file = new ArrayBuffer(0);
  #vertices = new Float32Array(0);

  take(event: StreamEvent): void {
    if (event.type === 'header') {
      this.#rest = (drawnDegree(event.shDegree) + 1) ** 2 - 1;
      this.#width = this.#names().length;
      this.#file = new ArrayBuffer(HEADER_BYTES + 4 * this.#width * event.count);
      this.#vertices = new Float32Array(this.#file, HEADER_BYTES);
      const opacity = this.#opacity;
      for (let at = opacity; at < this.#vertices.length; at += this.#width) this.#vertices[at] = -Infinity; // not seen
      for (let at = opacity + 4; at < this.#vertices.length; at += this.#width) this.#vertices[at] = 1; // no turn
    } else if (event.type === 'chunk' && event.layer === 0) {
      this.#count = Math.max(this.#count, event.first + event.count);
      this.#fill(event);
    } else if (event.type === 'chunk') {
      const given = event.sh.length / event.count;
      for (let i = 0; i < event.count; i++) {
        const to = (event.first + i) * this.#width + POSITION.length + COLOR.length;
        for (let k = 0; k < 3 * this.#rest; k++) {
          const [channel, coefficient] = [Math.floor(k / this.#rest), k % this.#rest];
          this.#vertices[to + k] = event.sh[i * given + 3 * coefficient + channel]!;
        }
      }
    }
  }

  get #opacity(): number {
    return POSITION.length + COLOR.length + 3 * this.#rest;
  }

  #names(): string[] {
    return [...POSITION, ...COLOR, ...Array.from({ length: 3 * this.#rest }, (_, k) => `f_rest_${k}`), ...SHAPE];
  }

  #fill({ first, count, positions, color, opacityLogits, logScales, rotations }: SplatsEvent): void {
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
        for (let k = 0; k < width; k++) this.#vertices[to + k] = values[i * width + k]!;
      }
    }
  }

  /** What has come. */
  bytes(): Uint8Array<ArrayBuffer> {
    const lines = [
      'ply',
      'format binary_little_endian 1.0',
      `element vertex ${this.#count}`,
      ...this.#names().map((name) => `property float ${name}`),
      'end_header\n',
    ];
    const header = new TextEncoder().encode(lines.join('\n'));
    const start = HEADER_BYTES - header.length;
    const end = HEADER_BYTES + 4 * this.#width * this.#count;
    new Uint8Array(this.#file).set(header, start);
    return new Uint8Array(this.#file, start, end - start);
  }
}
