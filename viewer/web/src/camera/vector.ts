/** Arithmetic of three numbers. */

import type { Vector3 } from '../decoder/types';

export function plus(a: Vector3, b: Vector3, factor = 1): Vector3 {
  return [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]];
}

export function minus(a: Vector3, b: Vector3): Vector3 {
  return plus(a, b, -1);
}

export function times(a: Vector3, factor: number): Vector3 {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function dot(a: Vector3, b: Vector3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector3, b: Vector3): Vector3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function length(a: Vector3): number {
  return Math.hypot(...a);
}

/** Of length 1; `otherwise` for what has no direction. */
export function unit(a: Vector3, otherwise: Vector3 = [0, 0, 1]): Vector3 {
  const size = length(a);
  return size > 1e-12 && Number.isFinite(size) ? times(a, 1 / size) : otherwise;
}
