/** The default side to look from: the one that shows most splats. */

import type { Vector3 } from '../decoder/types';
import { cross, dot, minus, plus, times, unit } from './vector';

const SIDES = 8;
const ABOVE_RAD = 0.35;
const FRONT_COUNTS = 1.1; // so much for the front, so that round things are looked at from there
const CELLS = 32; // a side of the picture that says what hides what
const DEEP = 0.1; // of the radius: as far behind the nearest one a splat is still seen

/**
 * The side that shows most splats. Splats are many and small where there is something to see, and nearly none where no
 * camera ever looked: the back of a wall, the underside of a table.
 *
 * @param distance - of the camera from `centre`.
 * @param halfAngleRad - that it sees in each direction.
 * @returns of length 1, from `centre` towards the camera, which is a little above it.
 */
export function bestSide(
  points: readonly Vector3[],
  centre: Vector3,
  radius: number,
  up: Vector3,
  distance: number,
  halfAngleRad: number,
): Vector3 {
  let best = sideAt(0, up);
  let most = -1;
  for (let number = 0; number < SIDES; number++) {
    const away = sideAt(number, up);
    const shown = shownFrom(points, centre, radius, away, up, distance, Math.tan(halfAngleRad));
    const counts = number === 0 ? FRONT_COUNTS * shown : shown;
    if (counts > most) [best, most] = [away, counts];
  }
  return best;
}

/** Number 0 is the front, against z, or against y where z points up or down. */
export function sideAt(number: number, up: Vector3): Vector3 {
  const usual: Vector3 = Math.abs(up[2]) > 0.7 ? [0, -1, 0] : [0, 0, -1];
  const front = unit(plus(usual, up, -dot(usual, up)));
  const turn = (2 * Math.PI * number) / SIDES;
  const flat = plus(times(front, Math.cos(turn)), cross(up, front), Math.sin(turn));
  return plus(times(flat, Math.cos(ABOVE_RAD)), up, Math.sin(ABOVE_RAD));
}

/** How many points are in the picture and behind nothing. */
function shownFrom(
  points: readonly Vector3[],
  centre: Vector3,
  radius: number,
  away: Vector3,
  up: Vector3,
  distance: number,
  reach: number,
): number {
  const right = unit(cross(up, away));
  const above = cross(away, right);
  const nearest = new Float64Array(CELLS * CELLS).fill(Infinity);
  const cells = new Int32Array(points.length).fill(-1);
  const depths = points.map((point, i) => {
    const from = minus(point, centre);
    const depth = distance - dot(from, away);
    const column = Math.floor(((dot(from, right) / depth / reach + 1) / 2) * CELLS);
    const row = Math.floor(((dot(from, above) / depth / reach + 1) / 2) * CELLS);
    if (depth <= 0 || column < 0 || row < 0 || column >= CELLS || row >= CELLS) return depth;
    const cell = (cells[i] = row * CELLS + column);
    nearest[cell] = Math.min(nearest[cell]!, depth);
    return depth;
  });
  return depths.filter((depth, i) => cells[i]! >= 0 && depth < nearest[cells[i]!]! + DEEP * radius).length;
}
