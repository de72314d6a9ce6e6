import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Box, ChunkPlace, ShEvent, SplatsEvent } from '../src/decoder/types';
import { half, LOG_SCALE_HIGH, LOG_SCALE_LOW, packSh, packSplats } from '../src/engine/packing';
import { ITSELF, StandIns, standIn } from '../src/decoder/standing_in';

function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const size = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

function splats(count: number, change: Partial<SplatsEvent> = {}): SplatsEvent {
  return {
    type: 'chunk',
    layer: 0,
    tile: 0,
    tier: 0,
    first: 0,
    count,
    positions: new Float32Array(3 * count),
    logScales: new Float32Array(3 * count),
    rotations: new Float32Array(4 * count).fill(0.5),
    opacityLogits: new Float32Array(count),
    color: new Float32Array(3 * count),
    ...change,
  };
}

test('a half is the nearest one, at both ends of its range too', () => {
  for (let bits = 0; bits < 0x7c00; bits++) assert.equal(half(fromHalf(bits)), bits);
  for (const value of [1 / 3, 0.1, -2.7, 6.1e-5, 3e-8, 65503]) {
    const error = Math.abs(fromHalf(half(value)) - value);
    for (const step of [-1, 1]) assert.ok(error <= Math.abs(fromHalf(half(value) + step) - value), String(value));
  }
  assert.deepEqual([half(1e9), half(-Infinity), half(NaN)], [0x7bff, 0xfbff, 0]);
});

test('a splat is its position to the bit, its scale to 0.1 %, and its turn whatever its sign', () => {
  const count = 3;
  const chunk = splats(count, {
    positions: Float32Array.of(1e-20, -3.25, 1e20, 0, 0, 0, 0, 0, 0),
    logScales: Float32Array.of(-12.3, 0, 5.5, -99, 99, 1, 0, 0, 0),
    rotations: Float32Array.of(0.1, 0.7, -0.1, 0.7, -0.1, -0.7, 0.1, -0.7, 2, 0, 0, 0),
    opacityLogits: Float32Array.of(Infinity, -Infinity, 0),
  });
  const place = new Uint32Array(4 * count);
  const shape = new Uint32Array(4 * count);
  packSplats(chunk, place, shape);
  assert.deepEqual(new Float32Array(place.buffer).slice(0, 3), chunk.positions.slice(0, 3));
  const logScale = (steps: number): number => (steps / 65535) * (LOG_SCALE_HIGH - LOG_SCALE_LOW) + LOG_SCALE_LOW;
  assert.ok(Math.abs(logScale(shape[0]! & 0xffff) + 12.3) < 0.001);
  assert.deepEqual([logScale(shape[4]! & 0xffff), logScale(shape[4]! >>> 16)], [LOG_SCALE_LOW, LOG_SCALE_HIGH]);
  assert.equal(shape[1]! >>> 16, shape[5]! >>> 16); // q and -q
  assert.equal(shape[2], shape[6]);
  assert.deepEqual([0, 4, 8].map((i) => fromHalf(shape[i + 3]! >>> 16)), [1, 0, 0.5]);
});

test('SH comes back from the engine\'s layout to a thousandth of the largest coefficient', () => {
  for (const [degree, coefficients, textures] of [[1, 3, 1], [2, 8, 3], [3, 15, 4]] as const) {
    const sh = Float32Array.from({ length: 2 * 3 * coefficients }, (_, i) => Math.sin(7 * i) * 2);
    const texels = Array.from({ length: textures }, () => new Uint32Array(8));
    packSh({ sh, count: 2 } as ShEvent, degree, texels);
    for (const i of [0, 1]) {
      const scale = new Float32Array(Uint32Array.of(texels[0]![4 * i]!).buffer)[0]!;
      for (let k = 0; k < coefficients; k++) {
        const row = k + 1;
        const last = degree === 2 && row === 8;
        const bits = last ? texels[2]![i]! : texels[row >> 2]![4 * i + (row & 3)]!;
        const got = [bits >>> 21, (bits >>> 11) & 1023, bits & 2047];
        const steps = [2047, 1023, 2047];
        for (const c of [0, 1, 2]) {
          const value = (2 * got[c]!) / steps[c]! - 1;
          assert.ok(Math.abs(value * scale - sh[3 * (coefficients * i + k) + c]!) < 0.0011 * scale, `degree ${degree}`);
        }
      }
    }
  }
});

test('a splat without SH has a scale of 0', () => {
  const texels = [new Uint32Array(4)];
  packSh({ sh: new Float32Array(9), count: 1 } as ShEvent, 1, texels);
  assert.deepEqual([...texels[0]!], [0, 0, 0, 0]);
});

const LEFT: Box = { low: [-1, -1, -1], high: [0, 1, 1] };
const RIGHT: Box = { low: [0, -1, -1], high: [1, 1, 1] };

function place(tile: number, box: Box): ChunkPlace {
  return { tile, box, count: 1, first: 0, offset: 0, size: 1 };
}

test('splats stand in where tiers are lacking, as the first of these says', () => {
  const standIns = new StandIns(3);
  const chunk = splats(3, { positions: Float32Array.of(-0.5, 0, 0, 0.5, 0, 0, 5, 0, 0) });
  standIns.come(chunk);
  assert.deepEqual([...standIns.stages(chunk)], [0, 0, 0]);
  standIns.list({ type: 'directory', tier: 1, layer: 0, chunks: [place(0, LEFT), place(1, RIGHT)] });
  assert.deepEqual([...standIns.stages(chunk)], [0, 0, 1]);
  standIns.come({ tier: 1, tile: 0 });
  assert.deepEqual([...standIns.stages(chunk)], [1, 0, 1]);
  standIns.list({ type: 'directory', tier: 2, layer: 0, chunks: [place(0, LEFT)] });
  assert.deepEqual([...standIns.stages(chunk)], [1, 0, ITSELF]);
  standIns.list({ type: 'directory', tier: 2, layer: 1, chunks: [place(7, RIGHT)] }); // SH replaces nothing
  standIns.come({ tier: 1, tile: 1 });
  assert.equal(standIns.areNeeded, true);
  standIns.come({ tier: 2, tile: 0 });
  assert.deepEqual([...standIns.stages(chunk)], [ITSELF, ITSELF, ITSELF]);
  assert.equal(standIns.areNeeded, false);
});

test('tiers before a splat\'s own do not count', () => {
  const standIns = new StandIns(2);
  const chunk = splats(1, { tier: 1 });
  standIns.come(chunk);
  assert.deepEqual([...standIns.stages(chunk)], [ITSELF]);
});

test('who stands in is wider and stronger, but never more than opaque', () => {
  const chunk = splats(2, { opacityLogits: Float32Array.of(0, Infinity) });
  const shape = new Uint32Array(8);
  const place = new Uint32Array(8);
  packSplats(chunk, place, shape, { widen: [0, 0.5], strengthen: [1, 2] }, Uint8Array.of(1, 1));
  const steps = shape[0]! & 0xffff;
  assert.ok(Math.abs((steps / 65535) * (LOG_SCALE_HIGH - LOG_SCALE_LOW) + LOG_SCALE_LOW - 0.5) < 0.001);
  assert.deepEqual([fromHalf(shape[3]! >>> 16), fromHalf(shape[7]! >>> 16)], [0.75, 1]);
});

test('small splats grow more than large ones, and all are blurred', () => {
  const told = { widen: [0.5], strengthen: [2], blur: [Math.log(3)], bySize: [0, -0.1, -0.5], byOpacity: [-0.2, 0] } as const;
  const near = (shape: Float64Array, expected: number[]) =>
    shape.forEach((value, at) => assert.ok(Math.abs(value - expected[at]!) < 1e-6, `${value} for ${expected[at]}`));
  const blurred = (logScale: number) => Math.log(Math.exp(2 * logScale) + 9) / 2;

  const small = Float64Array.of(-2, -20, -2, 1);
  standIn(told, 0, small);
  near(small, [blurred(-2 + 0.7), blurred(-20 + 0.7), blurred(-2 + 0.7), 1]);

  const faint = Float64Array.of(0, 0, -20, 0.5);
  standIn(told, 0, faint);
  near(faint, [blurred(0.5 + 0.2 * Math.LN2), blurred(0.5 + 0.2 * Math.LN2), blurred(-19.5 + 0.2 * Math.LN2), 0.75]);
});
