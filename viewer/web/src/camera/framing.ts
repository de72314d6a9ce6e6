/** The opening view: as the file says, else so that most of the scene is in the picture. */

import type { Box, OpeningCamera, SplatsEvent, Vector3 } from '../decoder/types';
import type { Pose } from './pose';
import { bestSide, sideAt } from './side';
import { dot, length, minus, plus, unit } from './vector';

/** Scenes are right-down-front: up is against y where a file does not say otherwise. */
export const USUAL_UP: Vector3 = [0, -1, 0];
/** By name; in the order in which somebody who finds a scene on its side tries them: the usual, then that of modellers. */
export const WAYS_UP: ReadonlyMap<string, Vector3> = new Map([
  ['-y', USUAL_UP],
  ['z', [0, 0, 1]],
  ['y', [0, 1, 0]],
  ['-z', [0, 0, -1]],
  ['x', [1, 0, 0]],
  ['-x', [-1, 0, 0]],
]);
export const USUAL_FOV_DEGREES = 50;
const OPAQUE_LOGIT = -2.2; // opacity 0.1: what is fainter has no say in where the middle is
const SEEN = 0.85; // share of the splats within the radius; the rest are often far away
const LOOKED_AT = 4000;
const SIGMAS = 3; // of a splat that can be seen: a lone one, and what lies on one spot, is as large as its splats
const HALF_ANGLE_RAD = (USUAL_FOV_DEGREES * Math.PI) / 360;
const DISTANCE = 1.4 / Math.sin(HALF_ANGLE_RAD); // in radii

export function openingPose(camera: OpeningCamera, up: Vector3 | undefined): Pose {
  return {
    position: camera.position,
    target: camera.target,
    up: camera.up ?? up ?? USUAL_UP,
    fovDegrees: camera.fovYDegrees ?? USUAL_FOV_DEGREES,
  };
}

/** A pose before any splat is there. */
export function poseOfBox(box: Box, up: Vector3 = USUAL_UP): Pose {
  const centre = plus(box.low, minus(box.high, box.low), 0.5);
  const distance = (DISTANCE * length(minus(box.high, box.low))) / 4 || 1;
  return poseFrom(sideAt(0, unit(up, USUAL_UP)), centre, distance, up);
}

/** A pose that shows most of these splats, from where most of them can be seen. */
export function poseOfSplats(chunks: readonly SplatsEvent[], up: Vector3 = USUAL_UP): Pose | null {
  const splats = sample(chunks);
  if (splats.length === 0) return null;
  const points = splats.map(({ point }) => point);
  const centre: Vector3 = [median(points, 0), median(points, 1), median(points, 2)];
  const distances = points.map((point) => length(minus(point, centre))).sort((a, b) => a - b);
  const sizes = splats.map(({ size }) => size).sort((a, b) => a - b);
  const radius = Math.max(distances[Math.floor(SEEN * (distances.length - 1))]!, SIGMAS * sizes[sizes.length >> 1]!, 1e-4);
  const distance = DISTANCE * radius;
  const side = bestSide(points, centre, radius, unit(up, USUAL_UP), distance, HALF_ANGLE_RAD);
  return poseFrom(side, centre, distance, up);
}

/** The next way up that somebody would try, by its name. */
export function nextWayUp(up: Vector3): string {
  const now = unit(up, USUAL_UP);
  const ways = [...WAYS_UP];
  return ways[(ways.findIndex(([, way]) => dot(way, now) > 0.9) + 1) % ways.length]![0];
}

/** The same thing from as far away, from its front with another way up. */
export function turnedTo(up: Vector3, { position, target, fovDegrees }: Pose): Pose {
  return { ...poseFrom(sideAt(0, unit(up, USUAL_UP)), target, length(minus(position, target)), up), fovDegrees };
}

function poseFrom(side: Vector3, centre: Vector3, distance: number, up: Vector3): Pose {
  return { position: plus(centre, side, distance), target: centre, up, fovDegrees: USUAL_FOV_DEGREES };
}

interface Sample {
  readonly point: Vector3;
  /** Standard deviation along its longest axis. */
  readonly size: number;
}

/** Some thousand visible splats, evenly chosen. */
function sample(chunks: readonly SplatsEvent[]): Sample[] {
  const total = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const step = Math.max(1, Math.floor(total / LOOKED_AT));
  const visible: Sample[] = [];
  const all: Sample[] = [];
  for (const { positions, logScales, opacityLogits, count } of chunks) {
    for (let i = 0; i < count; i += step) {
      const point: Vector3 = [positions[3 * i]!, positions[3 * i + 1]!, positions[3 * i + 2]!];
      const size = Math.exp(Math.max(logScales[3 * i]!, logScales[3 * i + 1]!, logScales[3 * i + 2]!));
      all.push({ point, size });
      if (opacityLogits[i]! > OPAQUE_LOGIT) visible.push({ point, size });
    }
  }
  return visible.length > 0 ? visible : all;
}

function median(points: readonly Vector3[], axis: 0 | 1 | 2): number {
  const values = points.map((point) => point[axis]).sort((a, b) => a - b);
  return values[values.length >> 1]!;
}
