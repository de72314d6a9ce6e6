/** A camera in a URL: `#camera=px,py,pz,tx,ty,tz,ux,uy,uz,fov`. */

import type { Vector3 } from '../decoder/types';
import type { Pose } from './pose';

const NAME = 'camera';

/** The address with this camera, or with none; whatever else its fragment says stays. */
export function addressWith(address: string, pose: Pose | null): string {
  const [front, fragment = ''] = address.split('#', 2) as [string, string?];
  const others = fragment.split('&').filter((part) => part !== '' && !part.startsWith(`${NAME}=`));
  if (pose !== null) {
    const numbers = [...pose.position, ...pose.target, ...pose.up, pose.fovDegrees];
    others.push(`${NAME}=${numbers.map((number) => Number(number.toPrecision(6))).join(',')}`);
  }
  return others.length ? `${front}#${others.join('&')}` : front;
}

/** The camera of an address, or null if it has none that makes sense. */
export function poseOfAddress(address: string): Pose | null {
  const fragment = address.split('#', 2)[1] ?? '';
  const part = fragment.split('&').find((one) => one.startsWith(`${NAME}=`));
  if (part === undefined) return null;
  const numbers = part.slice(NAME.length + 1).split(',').map((text) => (text === '' ? NaN : Number(text)));
  if (numbers.length !== 10 || !numbers.every((number) => Math.abs(number) < 1e12)) return null;
  const [px, py, pz, tx, ty, tz, ux, uy, uz, fovDegrees] = numbers as [
    number, number, number, number, number, number, number, number, number, number,
  ];
  const up: Vector3 = [ux, uy, uz];
  if (!(fovDegrees > 1 && fovDegrees < 170) || Math.hypot(...up) < 1e-6) return null;
  if (px === tx && py === ty && pz === tz) return null;
  return { position: [px, py, pz], target: [tx, ty, tz], up, fovDegrees };
}
