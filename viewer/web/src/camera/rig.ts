/**
 * How the camera moves: around a point (orbit) or freely (fly), with one shared state, so that switching does not jump.
 *
 * The state is a point, two angles and a distance. Orbiting turns the camera about the point, flying turns the point
 * about the camera. Every function returns a new state; time and input live elsewhere.
 */

import type { Vector3 } from '../decoder/types';
import type { Pose } from './pose';
import { cross, dot, length, minus, plus, times, unit } from './vector';

export interface Rig {
  /** Of length 1: away from the ground. */
  readonly up: Vector3;
  /** What the camera looks at. */
  readonly target: Vector3;
  readonly distance: number;
  /** Around `up`. */
  readonly yawRad: number;
  /** Above the horizon, short of straight up and down. */
  readonly pitchRad: number;
  readonly fovDegrees: number;
}

const STEEPEST = Math.PI / 2 - 0.01;

export function rigOf(pose: Pose): Rig {
  const up = unit(pose.up, [0, -1, 0]);
  const away = minus(pose.position, pose.target);
  const distance = Math.max(length(away), 1e-6);
  const [east, north] = horizon(up);
  const direction = times(away, 1 / distance);
  return {
    up,
    target: pose.target,
    distance,
    yawRad: Math.atan2(dot(direction, north), dot(direction, east)),
    pitchRad: limited(Math.asin(Math.max(-1, Math.min(1, dot(direction, up))))),
    fovDegrees: pose.fovDegrees,
  };
}

export function poseOf(rig: Rig): Pose {
  const position = plus(rig.target, away(rig), rig.distance);
  return { position, target: rig.target, up: rig.up, fovDegrees: rig.fovDegrees };
}

/** Turns the camera about its target; the scene follows the hand. */
export function orbit(rig: Rig, yawRad: number, pitchRad: number): Rig {
  return { ...rig, yawRad: rig.yawRad + yawRad, pitchRad: limited(rig.pitchRad + pitchRad) };
}

/** Turns the camera's look; it stays where it is. */
export function look(rig: Rig, yawRad: number, pitchRad: number): Rig {
  const position = poseOf(rig).position;
  const turned = orbit(rig, yawRad, pitchRad);
  return { ...turned, target: plus(position, away(turned), -turned.distance) };
}

/** Nearer by a factor below 1, farther by one above. */
export function zoom(rig: Rig, factor: number): Rig {
  return { ...rig, distance: Math.min(Math.max(rig.distance * factor, 1e-5), 1e9) };
}

/** Moves camera and target: to the right, upwards in the picture, ahead; in scene units. */
export function move(rig: Rig, right: number, upwards: number, ahead: number): Rig {
  const forward = times(away(rig), -1);
  const sideways = unit(cross(forward, rig.up));
  const above = cross(sideways, forward);
  const moved = plus(plus(plus(rig.target, sideways, right), above, upwards), forward, ahead);
  return { ...rig, target: moved };
}

/** From the target to the camera, of length 1. */
function away(rig: Rig): Vector3 {
  const [east, north] = horizon(rig.up);
  const flat = Math.cos(rig.pitchRad);
  return plus(
    plus(times(east, flat * Math.cos(rig.yawRad)), north, flat * Math.sin(rig.yawRad)),
    rig.up,
    Math.sin(rig.pitchRad),
  );
}

/** Two directions at right angles to `up` and each other, always the same for one `up`. */
function horizon(up: Vector3): readonly [Vector3, Vector3] {
  const other: Vector3 = Math.abs(up[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0];
  const east = unit(cross(up, other));
  return [east, cross(up, east)];
}

function limited(pitchRad: number): number {
  return Math.max(-STEEPEST, Math.min(STEEPEST, pitchRad));
}

/** A state part of the way from one to another; at `share` 1 the other. */
export function between(from: Rig, to: Rig, share: number): Rig {
  const mix = (a: number, b: number): number => a + (b - a) * share;
  return {
    ...to,
    target: plus(from.target, minus(to.target, from.target), share),
    distance: from.distance * (to.distance / from.distance) ** share,
    yawRad: mix(from.yawRad, to.yawRad),
    pitchRad: mix(from.pitchRad, to.pitchRad),
    fovDegrees: mix(from.fovDegrees, to.fovDegrees),
  };
}

/** Whether nobody would see the difference. */
export function isNear(a: Rig, b: Rig): boolean {
  return (
    length(minus(a.target, b.target)) < 1e-4 * b.distance &&
    Math.abs(a.distance - b.distance) < 1e-4 * b.distance &&
    Math.abs(a.yawRad - b.yawRad) < 1e-4 &&
    Math.abs(a.pitchRad - b.pitchRad) < 1e-4 &&
    Math.abs(a.fovDegrees - b.fovDegrees) < 1e-3
  );
}
