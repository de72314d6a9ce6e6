/** META and TIERS: the data besides the splats, as far as it conforms to docs/FORMAT.md 3.5 and 3.7. */

import { FileError } from './errors';
import { isObject, jsonObject, type JsonObject } from './json';
import type { MetaEvent, OpeningCamera, TiersEvent, Vector3 } from './types';

export function metaEvent(values: JsonObject): MetaEvent {
  const camera = cameraOf(values['camera']);
  const up = vectorOf(values['up']);
  const { antialiased } = values;
  return {
    type: 'meta',
    ...(camera && { camera }),
    ...(up && { up }),
    ...(typeof antialiased === 'boolean' && { antialiased }),
    ...text('title', values),
    ...text('author', values),
    ...text('licence', values),
    values,
  };
}

/** undefined where the chunk is not as the format has it: then it is ignored. */
export function tiersEvent(bytes: Uint8Array, tiers: number): TiersEvent | undefined {
  let values: JsonObject;
  try {
    values = jsonObject(bytes, 'chunk (131, 0)');
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
  const each = (range: Range): Range[] => Array.from({ length: tiers - 1 }, () => range);
  const widen = numbers(values['widen'], each([-1, 3]));
  const strengthen = numbers(values['strengthen'], each([0.1, 20]));
  const blur = numbers(values['blur'], each(LOG_SCALES));
  const bySize = numbers<[number, number, number]>(values['by_size'], [LOG_SCALES, SLOPES, SLOPES]);
  const byOpacity = numbers<[number, number]>(values['by_opacity'], [SLOPES, SLOPES]);
  if (!widen || !strengthen || ('blur' in values && !blur)) return undefined;
  if (('by_size' in values && !bySize) || ('by_opacity' in values && !byOpacity)) return undefined;
  return { type: 'tiers', widen, strengthen, ...(blur && { blur }), ...(bySize && { bySize }), ...(byOpacity && { byOpacity }) };
}

type Range = readonly [least: number, most: number];
const LOG_SCALES: Range = [-60, 60];
const SLOPES: Range = [-1, 1];

/** undefined unless it is one number in each range. */
function numbers<T extends number[] = number[]>(value: unknown, ranges: readonly Range[]): T | undefined {
  if (!Array.isArray(value) || value.length !== ranges.length) return undefined;
  const fits = ranges.every(([least, most], at) => {
    const number: unknown = value[at];
    return typeof number === 'number' && number >= least && number <= most;
  });
  return fits ? (value as T) : undefined;
}

function cameraOf(value: unknown): OpeningCamera | undefined {
  if (!isObject(value)) return undefined;
  const position = vectorOf(value['position']);
  const target = vectorOf(value['target']);
  const up = vectorOf(value['up']);
  const angle = value['fov_y_degrees'];
  if (!position || !target) return undefined;
  const fov = typeof angle === 'number' && angle > 0 && angle < 180 ? { fovYDegrees: angle } : {};
  return { position, target, ...(up && { up }), ...fov };
}

function vectorOf(value: unknown): Vector3 | undefined {
  if (!Array.isArray(value) || value.length !== 3 || !value.every((v) => typeof v === 'number')) return undefined;
  const [x, y, z] = value as [number, number, number];
  return [x, y, z];
}

function text<K extends 'title' | 'author' | 'licence'>(key: K, values: JsonObject): { [key in K]?: string } {
  const value = values[key];
  return typeof value === 'string' ? ({ [key]: value } as { [key in K]: string }) : {};
}
