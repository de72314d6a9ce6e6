/** Whether a camera sees a box: a conservative test, which may say yes too often but never too rarely. */

import type { Box, Vector3 } from '../decoder/types';
import { reachOf, type Pose } from './pose';
import { cross, dot, minus, plus, times, unit } from './vector';

/** @param aspect - width by height of the picture. */
export function sightOf(pose: Pose, aspect: number): (box: Box) => boolean {
  const ahead = unit(minus(pose.target, pose.position));
  const right = unit(cross(ahead, pose.up), [1, 0, 0]);
  const up = cross(right, ahead);
  const reach = reachOf(pose.fovDegrees, aspect);
  const [wide, tall] = [1.1 * reach.wide, 1.1 * reach.tall]; // splats reach beyond their centres
  // Normals of the planes that bound what is seen, pointing inwards; all go through the camera.
  const planes: Vector3[] = [
    ahead,
    plus(times(ahead, wide), right),
    plus(times(ahead, wide), right, -1),
    plus(times(ahead, tall), up),
    plus(times(ahead, tall), up, -1),
  ];
  return (box) => planes.every((normal) => dot(normal, minus(farthest(box, normal), pose.position)) > 0);
}

/** The corner of a box that lies farthest along a direction. */
function farthest(box: Box, direction: Vector3): Vector3 {
  const corner = (axis: 0 | 1 | 2): number => (direction[axis] > 0 ? box.high[axis] : box.low[axis]);
  return [corner(0), corner(1), corner(2)];
}
