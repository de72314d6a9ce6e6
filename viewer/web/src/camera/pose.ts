/** Where the camera is, in the scene's own coordinates (x right, y down, z front). */

import type { Vector3 } from '../decoder/types';

export interface Pose {
  readonly position: Vector3;
  readonly target: Vector3;
  /** Need not be of length 1, nor at right angles to the view. */
  readonly up: Vector3;
  readonly fovYDegrees: number;
}
