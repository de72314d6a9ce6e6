// A pose and what hands do to it: orbit, pan, zoom, fly. Vectors are arrays of three, in the scene's coordinates.

export const add = (a, b) => a.map((x, i) => x + b[i]);
export const sub = (a, b) => a.map((x, i) => x - b[i]);
export const times = (a, s) => a.map((x) => x * s);
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const length = (a) => Math.hypot(...a);
export const unit = (a) => times(a, 1 / (length(a) || 1));

/** `v` turned about the unit vector `axis`. */
export function turned(v, axis, angle) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return add(add(times(v, c), times(cross(axis, v), s)), times(axis, dot(axis, v) * (1 - c)));
}

const STEEPEST = 0.995; // cosine between the look and up: beyond, left and right would swap
const NEAREST = 1e-4; // of the first distance

/** The directions of a pose: ahead, to the right, and up in the picture. */
export function axes(pose) {
  const ahead = unit(sub(pose.target, pose.position));
  const right = unit(cross(ahead, pose.up));
  return { ahead, right, above: cross(right, ahead) };
}

/** Where points land in a picture of a shape, 0..1 from its left and top; null behind the camera. */
export function projected(pose, points, aspect) {
  const { ahead, right, above } = axes(pose);
  const half = Math.tan((pose.fov_y_degrees * Math.PI) / 360);
  return points.map((point) => {
    const from = sub(point, pose.position);
    const depth = dot(from, ahead);
    if (depth <= 1e-6) return null;
    return [0.5 + dot(from, right) / (2 * half * aspect * depth), 0.5 - dot(from, above) / (2 * half * depth)];
  });
}

/** The corners of a box between two opposite ones; two that differ in one bit share an edge. */
export function cornersOf(box) {
  return [...Array(8).keys()].map((bits) => [0, 1, 2].map((axis) => box[axis + ((bits >> axis) & 1 ? 3 : 0)]));
}

/** Turn about the target: `yaw` about up, `pitch` about what is right in the picture. */
export function orbited(pose, yaw, pitch) {
  const up = unit(pose.up);
  const { right } = axes(pose);
  const away = sub(pose.position, pose.target);
  const pitched = turned(away, right, pitch);
  const kept = Math.abs(dot(unit(pitched), up)) < STEEPEST ? pitched : away;
  return { ...pose, position: add(pose.target, turned(kept, up, yaw)) };
}

/** Move sideways by shares of the picture's height. */
export function panned(pose, x, y) {
  const { right, above } = axes(pose);
  const height = 2 * length(sub(pose.target, pose.position)) * Math.tan((pose.fov_y_degrees * Math.PI) / 360);
  const move = add(times(right, -x * height), times(above, y * height));
  return { ...pose, position: add(pose.position, move), target: add(pose.target, move) };
}

/** Go nearer to the target (factor < 1) or away from it. */
export function zoomed(pose, factor, first) {
  const away = sub(pose.position, pose.target);
  const distance = Math.min(Math.max(length(away) * factor, first * NEAREST), first * 1e3);
  return { ...pose, position: add(pose.target, times(unit(away), distance)) };
}

/** Fly by shares of the distance to the target. */
export function flown(pose, right, above, ahead) {
  const to = axes(pose);
  const distance = length(sub(pose.target, pose.position));
  const parts = add(add(times(to.right, right), times(to.above, above)), times(to.ahead, ahead));
  const move = times(parts, distance);
  return { ...pose, position: add(pose.position, move), target: add(pose.target, move) };
}

/** The same look with another up; a look along it is tilted a little. */
export function standing(pose, up) {
  const { ahead } = axes(pose);
  if (Math.abs(dot(ahead, up)) < STEEPEST) return { ...pose, up };
  const side = Math.abs(up[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0];
  const away = sub(pose.position, pose.target);
  return { ...pose, up, position: add(pose.target, turned(away, unit(cross(up, side)), 0.5)) };
}
