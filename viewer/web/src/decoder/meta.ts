/** META and TIERS: what stands beside the splats, as far as it is what docs/FORMAT.md 3.5 and 3.7 say. */

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
  const widen = numbers(values['widen'], tiers - 1, -1, 3);
  const strengthen = numbers(values['strengthen'], tiers - 1, 0.1, 20);
  return widen && strengthen ? { type: 'tiers', widen, strengthen } : undefined;
}

function numbers(value: unknown, count: number, least: number, most: number): number[] | undefined {
  if (!Array.isArray(value) || value.length !== count) return undefined;
  return value.every((v) => typeof v === 'number' && v >= least && v <= most) ? (value as number[]) : undefined;
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
