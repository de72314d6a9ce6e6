/** Where the camera is, in the scene's own coordinates (x right, y down, z front). */

import type { Vector3 } from '../decoder/types';

export interface Pose {
  readonly position: Vector3;
  readonly target: Vector3;
  /** Need not be of length 1, nor at right angles to the view. */
  readonly up: Vector3;
  /**
   * What is seen of the shorter side of the picture: the height of a wide one, the width of a phone held upright. So what
   * is framed, or linked to from another screen, is in the picture whatever its shape.
   */
  readonly fovDegrees: number;
}

/** Half of what is seen at a distance of 1: sideways, upwards. */
export interface Reach {
  readonly wide: number;
  readonly tall: number;
}

/** @param aspect - width by height of the picture. */
export function reachOf(fovDegrees: number, aspect: number): Reach {
  const short = Math.tan((fovDegrees * Math.PI) / 360);
  return { wide: short * Math.max(aspect, 1), tall: short / Math.min(aspect, 1) };
}
