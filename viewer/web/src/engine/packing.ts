/**
 * Splats as texels: what a chunk's typed arrays become on the GPU.
 *
 *     place   x, y, z as float bits | red, green as halves
 *     shape   three log scales and three quaternion components, 16 bits each | blue, alpha as halves
 *     SH      the engine's own layout: a float scale, then coefficients of 11, 10 and 11 bits relative to it
 *
 * 32 bytes a splat, and 16 or 64 more with SH. Scales keep 16 bits of their logarithm (steps of 0.1 %): halves of the
 * scale itself, the engine's own choice, lose splats below 0.00006.
 */

import type { ShEvent, SplatsEvent } from '../decoder/types';
import { ITSELF, standIn, type Compensation } from '../decoder/standing_in';

/** Part of the shader (`format.ts`): log scales are stored in these bounds. */
export const LOG_SCALE_LOW = -32;
export const LOG_SCALE_HIGH = 32;

const SH_C0 = 0.28209479177387814;
const LOG_STEPS = 65535 / (LOG_SCALE_HIGH - LOG_SCALE_LOW);

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest half-float's bits; beyond the range the largest, NaN is 0. */
export function half(value: number): number {
  float[0] = value;
  const all = bits[0]!;
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0;
  if (magnitude >= 0x477ff000) return sign | 0x7bff;
  if (magnitude < 0x38800000) {
    // Below the smallest normal half: a multiple of 2^-24.
    return sign | Math.round(Math.abs(float[0]!) * 16777216);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** A fixed-point number of 16 bits; `Math.round` and clamping in one. */
function clamped(value: number): number {
  return value <= 0 ? 0 : value >= 65535 ? 65535 : (value + 0.5) | 0;
}

/**
 * Writes a chunk's splats.
 *
 * @param place - four numbers a splat, as `shape`.
 * @param stages - (n) of each splat the tier whose compensation it takes, or `ITSELF`; null: all are themselves.
 */
export function packSplats(
  chunk: SplatsEvent,
  place: Uint32Array,
  shape: Uint32Array,
  compensation: Compensation | null = null,
  stages: Uint8Array | null = null,
): void {
  const { positions, logScales, rotations, opacityLogits, color, count } = chunk;
  const splat = new Float64Array(4); // log scales, opacity
  const positionBits = new Uint32Array(positions.buffer, positions.byteOffset, 3 * count);
  for (let i = 0, three = 0, four = 0; i < count; i++, three += 3, four += 4) {
    for (let axis = 0; axis < 3; axis++) splat[axis] = logScales[three + axis]!;
    splat[3] = 1 / (1 + Math.exp(-opacityLogits[i]!));
    const stage = stages === null ? ITSELF : stages[i]!;
    if (compensation !== null && stage !== ITSELF) standIn(compensation, stage, splat);
    const red = half(0.5 + SH_C0 * color[three]!);
    const green = half(0.5 + SH_C0 * color[three + 1]!);
    const blue = half(0.5 + SH_C0 * color[three + 2]!);
    place[four] = positionBits[three]!;
    place[four + 1] = positionBits[three + 1]!;
    place[four + 2] = positionBits[three + 2]!;
    place[four + 3] = red | (green << 16);

    const w = rotations[four]!;
    const x = rotations[four + 1]!;
    const y = rotations[four + 2]!;
    const z = rotations[four + 3]!;
    // The sign that makes w positive: q and -q are the same turn, and the shader gets w from the others.
    const unit = (w < 0 ? -1 : 1) / Math.hypot(w, x, y, z);
    const sx = clamped((splat[0]! - LOG_SCALE_LOW) * LOG_STEPS);
    const sy = clamped((splat[1]! - LOG_SCALE_LOW) * LOG_STEPS);
    const sz = clamped((splat[2]! - LOG_SCALE_LOW) * LOG_STEPS);
    const qx = clamped((x * unit + 1) * 32767.5);
    const qy = clamped((y * unit + 1) * 32767.5);
    const qz = clamped((z * unit + 1) * 32767.5);
    shape[four] = sx | (sy << 16);
    shape[four + 1] = sz | (qx << 16);
    shape[four + 2] = qy | (qz << 16);
    shape[four + 3] = blue | (half(splat[3]!) << 16);
  }
}

/** How many coefficients a colour of each degree that the engine draws has; degree 4 is drawn without its last nine. */
export const SH_COEFFICIENTS = [0, 3, 8, 15] as const;
export type DrawnDegree = 0 | 1 | 2 | 3;

export function drawnDegree(shDegree: number): DrawnDegree {
  return Math.min(shDegree, 3) as DrawnDegree;
}

/**
 * Writes a chunk's SH in the engine's layout: of each splat a row of up to 16 numbers, the scale and then a coefficient
 * each, cut into texels of four.
 *
 * @param textures - the texels of splatSH_1to3, _4to7, _8to11, _12to15, as many as the degree has; degree 2 has one
 *   number a splat left for its third.
 */
export function packSh(chunk: ShEvent, degree: DrawnDegree, textures: readonly Uint32Array[]): void {
  const { sh, count } = chunk;
  const stored = sh.length / (3 * count);
  const used = 3 * SH_COEFFICIENTS[degree];
  const row = new Uint32Array(16);
  for (let i = 0; i < count; i++) {
    const start = 3 * stored * i;
    let most = 0;
    for (let k = start; k < start + used; k++) {
      const size = sh[k]!;
      if (size > most) most = size;
      else if (-size > most) most = -size;
    }
    if (!(most > 0)) continue; // texels begin as zeros: a scale of 0
    float[0] = most;
    row[0] = bits[0]!;
    for (let at = start, k = 1; at < start + used; at += 3, k++) {
      // From -most..most to 11, 10 and 11 bits.
      const red = ((sh[at]! / most + 1) * 1023.5 + 0.5) | 0;
      const green = ((sh[at + 1]! / most + 1) * 511.5 + 0.5) | 0;
      const blue = ((sh[at + 2]! / most + 1) * 1023.5 + 0.5) | 0;
      row[k] = (red << 21) | (green << 11) | blue;
    }
    for (let texture = 0; texture < textures.length; texture++) {
      const texels = textures[texture]!;
      if (degree === 2 && texture === 2) texels[i] = row[8]!;
      else for (let k = 0; k < 4; k++) texels[4 * i + k] = row[4 * texture + k]!;
    }
  }
}
