import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nextWayUp, openingPose, poseOfBox, poseOfSplats, turnedTo, USUAL_UP, WAYS_UP } from '../src/camera/framing';
import { addressWith, poseOfAddress } from '../src/camera/link';
import { reachOf, type Pose } from '../src/camera/pose';
import { between, isNear, look, move, orbit, poseOf, rigOf, zoom } from '../src/camera/rig';
import { sightOf } from '../src/camera/sight';
import { cross, dot, length, minus, plus, times, unit } from '../src/camera/vector';
import type { Box, SplatsEvent, Vector3 } from '../src/decoder/types';

const POSE: Pose = { position: [1, -2, -5], target: [0.5, 0, 1], up: USUAL_UP, fovDegrees: 40 };

function near(a: Vector3, b: Vector3, tolerance = 1e-9): void {
  assert.ok(length(minus(a, b)) < tolerance, `${a} is not ${b}`);
}

test('a pose goes through the rig unchanged, whatever is up', () => {
  for (const up of [USUAL_UP, [0, 0, 1], [0.6, 0, -0.8]] as Vector3[]) {
    const again = poseOf(rigOf({ ...POSE, up }));
    near(again.position, POSE.position);
    near(again.target, POSE.target);
  }
});

test('orbiting keeps the target and the distance, looking keeps the place', () => {
  const rig = rigOf(POSE);
  const around = poseOf(orbit(rig, 1.3, -0.4));
  near(around.target, POSE.target);
  assert.ok(Math.abs(length(minus(around.position, around.target)) - rig.distance) < 1e-9);
  const aside = poseOf(look(rig, 0.7, 0.2));
  near(aside.position, POSE.position);
  assert.ok(length(minus(aside.target, POSE.target)) > 1);
});

test('the camera never turns over the top', () => {
  const rig = orbit(rigOf(POSE), 0, 99);
  assert.ok(rig.pitchRad < Math.PI / 2);
  assert.ok(orbit(rig, 0, -999).pitchRad > -Math.PI / 2);
});

test('moving right, up and ahead is so for the camera', () => {
  const rig = rigOf({ position: [0, 0, -4], target: [0, 0, 0], up: USUAL_UP, fovDegrees: 50 });
  near(move(rig, 1, 0, 0).target, [1, 0, 0]);
  near(move(rig, 0, 1, 0).target, [0, -1, 0]);
  near(move(rig, 0, 0, 1).target, [0, 0, 1]);
});

test('zooming never reaches the target, nor infinity', () => {
  const rig = rigOf(POSE);
  assert.equal(zoom(rig, 0.5).distance, rig.distance / 2);
  assert.ok(zoom(rig, 0).distance > 0);
  assert.ok(Number.isFinite(zoom(rig, 1e30).distance));
});

test('following a goal ends there', () => {
  let rig = rigOf(POSE);
  const goal = zoom(orbit(rig, 2, 0.3), 3);
  for (let frame = 0; frame < 100 && !isNear(rig, goal); frame++) rig = between(rig, goal, 0.2);
  assert.ok(isNear(rig, goal));
});

test('a link leads back to its camera, and keeps what else the address says', () => {
  const address = addressWith('https://example.org/view?src=a.splatz#note&camera=1,2', POSE);
  assert.ok(address.startsWith('https://example.org/view?src=a.splatz#note&camera='));
  const again = poseOfAddress(address)!;
  near(again.position, POSE.position, 1e-4);
  assert.equal(again.fovDegrees, 40);
  assert.equal(addressWith(address, null), 'https://example.org/view?src=a.splatz#note');
  assert.equal(addressWith('https://example.org/view#camera=1,2', null), 'https://example.org/view');
});

test('a camera that makes no sense in an address is none', () => {
  const bad = ['', '#', '#camera=', '#camera=1,2,3', '#camera=0,0,1,0,0,0,0,1,0,x', '#camera=0,0,1,0,0,0,0,0,0,50'];
  for (const fragment of [...bad, '#camera=1,1,1,1,1,1,0,1,0,50', '#camera=0,0,1e99,0,0,0,0,1,0,50', '#camera=0,0,1,0,0,0,0,1,0,180'])
    assert.equal(poseOfAddress(`https://example.org/${fragment}`), null, fragment);
});

test('framing ignores the few splats that are far away or cannot be seen', () => {
  const count = 1000;
  const positions = new Float32Array(3 * count).map((_, i) => Math.sin(i * 12.9898) % 1);
  const opacityLogits = new Float32Array(count).fill(2);
  for (let i = 0; i < 50; i++) positions.set([1e4, 1e4, 1e4], 3 * i);
  for (let i = 50; i < 400; i++) {
    positions.set([-900, 0, 0], 3 * i);
    opacityLogits[i] = -6;
  }
  const logScales = new Float32Array(3 * count).fill(-5);
  const pose = poseOfSplats([{ positions, logScales, opacityLogits, count } as SplatsEvent])!;
  assert.ok(length(pose.target) < 0.3, String(pose.target));
  assert.ok(length(minus(pose.position, pose.target)) < 8);
  assert.ok(pose.position[1] < pose.target[1], 'looks down a little: y points down');
});

/** Splats at points, all of them opaque and of one size. */
function splatsAt(points: readonly Vector3[], size = 0.01): SplatsEvent {
  const opacityLogits = new Float32Array(points.length).fill(3);
  const logScales = new Float32Array(3 * points.length).fill(Math.log(size));
  return { positions: Float32Array.from(points.flat()), logScales, opacityLogits, count: points.length } as SplatsEvent;
}

test('one splat, or a few on one spot, are as large as they look', () => {
  const spot: Vector3 = [3, -2, 1];
  for (const [count, size] of [[1, 2], [3, 0.02]] as const) {
    const { position, target } = poseOfSplats([splatsAt(Array(count).fill(spot), size)])!;
    near(target, spot);
    const half = length(minus(position, target)) * Math.tan((25 * Math.PI) / 180); // of what is seen
    assert.ok(half > 3.5 * size && half < 6 * size, `${half} for ${size}`);
  }
  const { position, target } = poseOfBox({ low: spot, high: spot });
  assert.ok(length(minus(position, target)) > 0, 'before it has come there is a direction, too');
});

test('the size of splats that are small beside their scene changes nothing', () => {
  const wall = grid(30).map(([x, y]): Vector3 => [x, y, 0]);
  assert.deepEqual(poseOfSplats([splatsAt(wall, 0.1)]), poseOfSplats([splatsAt(wall, 1e-6)]));
});

/** Even ones between -1 and 1. */
function grid(count: number): [number, number][] {
  const at = (i: number): number => (2 * (i + 0.5)) / count - 1;
  return Array.from({ length: count * count }, (_, i) => [at(i % count), at(Math.floor(i / count))]);
}

test('a thing that looks alike from all sides is looked at from the front, a little above', () => {
  const ball = grid(40).map(([a, b]): Vector3 => {
    const flat = Math.sqrt(1 - b * b);
    return [flat * Math.cos(a * Math.PI), b, flat * Math.sin(a * Math.PI)];
  });
  for (const [up, front] of [[USUAL_UP, [0, 0, -1]], [[0, 0, 7], [0, -1, 0]]] as [Vector3, Vector3][]) {
    const { position, target } = poseOfSplats([splatsAt(ball)], up)!;
    near(unit(minus(position, target)), plus(times(front, Math.cos(0.35)), unit(up), Math.sin(0.35)), 0.03);
  }
});

test('what a plain wall hides is looked at from its other side', () => {
  for (const toOtherSide of [1, -1]) {
    const wall = grid(30).map(([x, y]): Vector3 => [x, y, -0.4 * toOtherSide]);
    const picture = grid(60).map(([x, y]): Vector3 => [x, y, 0]);
    const { position } = poseOfSplats([splatsAt(wall), splatsAt(picture)])!;
    assert.ok(position[2] * toOtherSide > 0, String(position));
  }
});

test('boxes behind and beside the camera are not seen, those around and before it are', () => {
  const sees = sightOf({ position: [0, 0, 0], target: [0, 0, 1], up: USUAL_UP, fovDegrees: 60 }, 4 / 3);
  const box = (x: number, y: number, z: number): Parameters<typeof sees>[0] => {
    return { low: [x - 0.5, y - 0.5, z - 0.5], high: [x + 0.5, y + 0.5, z + 0.5] };
  };
  assert.equal(sees(box(0, 0, 5)), true);
  assert.equal(sees(box(0, 0, 0)), true);
  assert.equal(sees(box(0, 0, -5)), false);
  assert.equal(sees(box(9, 0, 5)), false);
  assert.equal(sees(box(0, 9, 5)), false);
  assert.equal(sees(box(3, 0, 5)), true);
  assert.equal(sees({ low: [-99, -99, -99], high: [99, 99, 99] }), true);
});

test('an upright picture shows as much of the width as a wide one of the height', () => {
  const [wide, square, upright] = [reachOf(60, 4 / 3), reachOf(60, 1), reachOf(60, 3 / 4)];
  assert.deepEqual([wide.tall, square.tall, square.wide, upright.wide], Array(4).fill(Math.tan(Math.PI / 6)));
  assert.ok(Math.abs(wide.wide - upright.tall) < 1e-12);
});

test('what is framed is seen in pictures of any shape, and what is beside an upright one is not', () => {
  const ball = splatsAt(grid(30).map(([a, b]): Vector3 => [a, b, Math.sin(9 * a * b)]));
  const places = (pose: Pose, aspect: number): number[] => {
    const ahead = unit(minus(pose.target, pose.position));
    const right = unit(cross(ahead, pose.up));
    const above = cross(right, ahead);
    const { wide, tall } = reachOf(pose.fovDegrees, aspect);
    const points = Array.from({ length: ball.count }, (_, i) => [...ball.positions.subarray(3 * i, 3 * i + 3)] as unknown as Vector3);
    return points.map((point) => {
      const from = minus(point, pose.position);
      const depth = dot(from, ahead);
      return Math.max(Math.abs(dot(from, right)) / depth / wide, Math.abs(dot(from, above)) / depth / tall);
    });
  };
  for (const aspect of [9 / 20, 3 / 4, 1, 4 / 3, 3]) {
    const inside = places(poseOfSplats([ball])!, aspect).filter((place) => place < 1).length;
    assert.equal(inside, ball.count, `aspect ${aspect}`);
  }
  const sees = sightOf({ position: [0, 0, 0], target: [0, 0, 1], up: USUAL_UP, fovDegrees: 60 }, 1 / 2);
  const at = (x: number, y: number): Box => ({ low: [x, y, 5], high: [x + 0.1, y + 0.1, 5.1] });
  assert.equal(sees(at(0, 6)), true); // 5 tan 30 degrees is 2.9: so far sideways, twice as far up and down
  assert.equal(sees(at(3, 0)), true);
  assert.equal(sees(at(3.4, 0)), false);
  assert.equal(sees(at(0, 6.6)), false);
});

test('the opening camera of a file is where the file says, its angle of the shorter side', () => {
  const said = openingPose({ position: [1, 2, 3], target: [0, 0, 0], fovYDegrees: 33 }, [0, 0, 1]);
  assert.deepEqual(said, { position: [1, 2, 3], target: [0, 0, 0], up: [0, 0, 1], fovDegrees: 33 });
  assert.deepEqual(openingPose({ position: [1, 2, 3], target: [0, 0, 0] }, undefined).up, USUAL_UP);
});

test('before any splat has come the whole box is looked at', () => {
  const pose = poseOfBox({ low: [-1, -1, -1], high: [1, 1, 3] });
  near(pose.target, [0, 0, 1]);
  assert.ok(pose.position[2] < -1 && pose.position[1] < 0, 'from the front, a little above');
});

test('a scene on its side is upright after a few turns, and as it was after all of them', () => {
  let pose: Pose = { position: [1, -2, -5], target: [0.5, 0, 1], up: [0, -3, 0.1], fovDegrees: 40 };
  const [{ target }, distance] = [pose, length(minus(pose.position, pose.target))];
  const seen: Vector3[] = [];
  for (let turn = 0; turn < WAYS_UP.size; turn++) {
    pose = turnedTo(WAYS_UP.get(nextWayUp(pose.up))!, pose);
    seen.push(pose.up);
    near(pose.target, target);
    assert.ok(Math.abs(length(minus(pose.position, pose.target)) - distance) < 1e-9);
    assert.ok(dot(minus(pose.position, target), pose.up) > 0, 'from a little above');
  }
  assert.deepEqual(seen, [...WAYS_UP.values()].slice(1).concat([USUAL_UP]));
});
