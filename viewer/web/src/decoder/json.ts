/** JSON as allowed in files: RFC 8259 in UTF-8, no number too large for a float64 (docs/FORMAT.md 3.5). */

import { corrupt } from './errors';

export type JsonObject = Record<string, unknown>;

/** A number that is written with a fraction or an exponent, where that matters (`wrapReals`). */
export interface Real {
  readonly '~real': number;
}

const STRING_OR_REAL = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)/gs;
const MOST_DEPTH = 500;

/**
 * The object that the bytes are the text of.
 *
 * @param where - the chunk, for messages.
 * @param wrapReals - numbers with a fraction or an exponent become `Real`, so that 1.0 is no 1.
 */
export function jsonObject(bytes: Uint8Array, where: string, { wrapReals = false } = {}): JsonObject {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const wrapped = (token: string): string => (token.startsWith('"') ? token : `{"~real":${token}}`);
    value = JSON.parse(wrapReals ? text.replace(STRING_OR_REAL, wrapped) : text);
  } catch {
    throw corrupt(`${where}: it is not JSON`);
  }
  check(value, where, 0);
  if (!isObject(value)) throw corrupt(`${where}: it is not a JSON object`);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The number, however it was written; undefined if it is none. */
export function numberOf(value: unknown): number | undefined {
  const inner = isObject(value) && '~real' in value ? value['~real'] : value;
  return typeof inner === 'number' ? inner : undefined;
}

function check(value: unknown, where: string, depth: number): void {
  if (depth > MOST_DEPTH) throw corrupt(`${where}: it is not JSON: it is nested too deeply`);
  if (typeof value === 'number' && !Number.isFinite(value)) throw corrupt(`${where}: a number is too large`);
  if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) check(inner, where, depth + 1);
}
