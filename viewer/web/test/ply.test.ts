import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { HeaderEvent, ShEvent } from '../src/decoder/types';
import { PlyMaker } from '../src/engine/ply';
import { numbered, numberedSplats } from './numbered';

/** Columns by name, as a reader of PLY files finds them. */
function read(bytes: Uint8Array<ArrayBuffer>): Map<string, number[]> {
  const text = new TextDecoder('latin1').decode(bytes);
  const start = text.indexOf('end_header\n') + 'end_header\n'.length;
  assert.ok(text.startsWith('ply\nformat binary_little_endian 1.0\n'));
  const names = [...text.slice(0, start).matchAll(/property float (\w+)/g)].map((found) => found[1]!);
  const count = Number(/element vertex (\d+)/.exec(text)![1]);
  const values = new Float32Array(bytes.slice(start).buffer);
  assert.equal(values.length, names.length * count);
  return new Map(names.map((name, at) => [name, Array.from({ length: count }, (_, i) => values[i * names.length + at]!)]));
}

test('chunks become a PLY, each value under its name', () => {
  const maker = new PlyMaker();
  maker.take({ type: 'header', shDegree: 1, count: 9 } as HeaderEvent);
  maker.take(numberedSplats(3, 2)); // as they come
  maker.take(numberedSplats(0, 3));
  maker.take({ type: 'chunk', layer: 1, tile: 0, tier: 0, first: 0, count: 3, sh: numbered(3, 9, 0) } as ShEvent);
  const columns = read(maker.bytes());
  assert.equal(columns.size, 3 + 3 + 9 + 8);
  assert.deepEqual(columns.get('y'), [1, 4, 7, 301, 304], 'rows that never came are left out');
  assert.deepEqual(columns.get('rot_0'), [1, 5, 9, 1, 5]); // w
  assert.deepEqual(columns.get('opacity'), [0, 1, 2, 3, 4]);
  assert.deepEqual(columns.get('scale_2'), [-7, -4, -1, -7, -4]);
  assert.deepEqual(columns.get('f_dc_2'), [1, 4, 7, 1, 4]);
  // PLY: red of all coefficients, then green; file: red, green, blue of the first one.
  assert.deepEqual(columns.get('f_rest_1'), [3, 12, 21, 0, 0]);
  assert.deepEqual(columns.get('f_rest_3'), [1, 10, 19, 0, 0]);
});

test('splats that were damaged cannot be seen, and are turned by something', () => {
  const maker = new PlyMaker();
  maker.take({ type: 'header', shDegree: 0, count: 4 } as HeaderEvent);
  maker.take(numberedSplats(3, 1));
  const columns = read(maker.bytes());
  assert.deepEqual(columns.get('opacity'), [-Infinity, -Infinity, -Infinity, 3]);
  assert.deepEqual(columns.get('rot_0'), [1, 1, 1, 1]);
  assert.equal(columns.has('f_rest_0'), false);
});

test('of degree 4 a PLY holds what readers know', () => {
  const maker = new PlyMaker();
  maker.take({ type: 'header', shDegree: 4, count: 1 } as HeaderEvent);
  maker.take(numberedSplats(0, 1));
  maker.take({ type: 'chunk', layer: 1, tile: 0, tier: 0, first: 0, count: 1, sh: numbered(1, 72, 0) } as ShEvent);
  const columns = read(maker.bytes());
  assert.deepEqual(columns.get('f_rest_14'), [42]); // red of the 15th
  assert.deepEqual(columns.get('f_rest_44'), [44]); // blue of the 15th
  assert.equal(columns.has('f_rest_45'), false);
});

test('what a file says it holds costs nothing until it comes', () => {
  const maker = new PlyMaker();
  maker.take({ type: 'header', shDegree: 3, count: 1e12 } as HeaderEvent);
  maker.take(numberedSplats(0, 2));
  assert.equal(read(maker.bytes()).get('x')!.length, 2);
});
