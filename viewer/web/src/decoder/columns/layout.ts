/** How arrays of a quantized source, or of a float scene, are components of codec COLUMNS (docs/FORMAT.md 7.5). */

import { corrupt, unsupported } from '../errors';

export type DType = 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'float32';
export const BYTES_OF: Readonly<Record<DType, number>> = { uint8: 1, uint16: 2, uint32: 4, uint64: 8, float32: 4 };

/** Of one array of codes, N rows. */
export interface Shape {
  readonly columns: number;
  readonly dtype: DType;
}

export type Shapes = ReadonlyMap<string, Shape>;

/** Bits [shift, shift + bits) of a column of an array; `folded`: sign and magnitude. */
export interface Component {
  readonly array: string;
  readonly column: number;
  readonly shift: number;
  readonly bits: number;
  readonly layer: 0 | 1;
  readonly folded: boolean;
}

/** From bit `prefixShift` on, coordinate 0 holds a chunk's or bucket's number. */
export interface Layout {
  readonly coordinates: readonly Component[];
  readonly components: readonly Component[];
  readonly prefixShift?: number;
}

interface Options {
  readonly folded?: boolean;
  readonly layer?: 0 | 1;
}

type Field = readonly [shift: number, bits: number];

const AXES = [0, 1, 2];
const ROTATION_FIELDS: readonly Field[] = [[30, 2], [20, 10], [10, 10], [0, 10]];

/** @param shapes - of all arrays of codes that the source has. */
export function layoutOf(format: string, version: number, shapes: Shapes): Layout {
  const make = LAYOUTS[format];
  if (!make) throw unsupported(`the source format '${format.slice(0, 40)}' is not known; a newer decoder may read it`);
  return make(version, shapes);
}

const LAYOUTS: Readonly<Record<string, (version: number, shapes: Shapes) => Layout>> = {
  spz: (version, shapes) => ({
    coordinates: whole('positions', AXES, version === 1 ? 16 : 32, { folded: version === 1 }),
    components: [
      ...whole('scales', AXES, 8),
      ...whole('alphas', [0], 8),
      ...whole('colors', [1, 0, 2], 8),
      ...(version >= 3 ? foldedRotation('rotations') : whole('rotations', AXES, 8)),
      ...whole('sh', greenFirst(coefficients(shapes)), 8, { layer: 1 }),
    ],
  }),
  sog: (_, shapes) => ({
    coordinates: whole('positions', AXES, 16),
    components: [
      ...whole('scales', AXES, 8),
      ...whole('colors', [3, 0, 1, 2], 8),
      ...whole('rotations', [3, 0, 1, 2], 8),
      ...(shapes.has('labels') ? fields('labels', [[8, 8], [0, 8]], { layer: 1 }) : []),
    ],
  }),
  compressed_ply: (_, shapes) => ({
    coordinates: fields('position', [[21, 11], [11, 10], [0, 11]]),
    components: [
      ...fields('scale', [[21, 11], [11, 10], [0, 11]]),
      ...fields('color', [[0, 8], [16, 8], [24, 8], [8, 8]]),
      ...fields('rotation', ROTATION_FIELDS),
      ...whole('sh', greenFirst(coefficients(shapes), true), 8, { layer: 1 }),
    ],
    prefixShift: 11,
  }),
  splat: () => ({
    coordinates: whole('positions', AXES, 32, { folded: true }),
    components: [
      ...whole('scales', AXES, 32, { folded: true }),
      ...whole('colors', [3, 1, 0, 2], 8),
      ...whole('rotations', [0, 1, 2, 3], 8),
    ],
  }),
  ksplat: (_, shapes) => {
    const isWide = shape(shapes, 'positions').dtype === 'uint32';
    const bits = isWide ? 32 : 16;
    const shBits = 8 * BYTES_OF[shapes.get('sh')?.dtype ?? 'uint8'];
    return {
      coordinates: whole('positions', AXES, bits, { folded: isWide }),
      components: [
        ...whole('scales', AXES, bits, { folded: true }),
        ...whole('colors', [3, 1, 0, 2], 8),
        ...whole('rotations', [0, 1, 2, 3], bits, { folded: true }),
        ...(isWide ? whole('buckets', [0], 32) : []),
        ...whole('sh', greenFirst(coefficients(shapes)), shBits, { folded: shBits > 8, layer: 1 }),
      ],
      ...(!isWide && { prefixShift: 16 }),
    };
  },
  float32: (version, shapes) => {
    if (version !== 1) throw unsupported(`version ${version} of the bits of a float scene is not known`);
    const rest = greenFirst(Math.floor(shape(shapes, 'sh').columns / 3) - 1).map((column) => column + 3);
    return {
      coordinates: whole('positions', AXES, 32, { folded: true }),
      components: [
        ...whole('log_scales', AXES, 32, { folded: true }),
        ...whole('opacity_logits', [0], 32, { folded: true }),
        ...whole('sh', [1, 0, 2], 32, { folded: true }),
        ...whole('rotations', [0, 1, 2, 3], 32, { folded: true }),
        ...whole('sh', rest, 32, { folded: true, layer: 1 }),
      ],
    };
  },
};

/** Columns of SH by coefficient, green before red before blue. */
export function greenFirst(count: number, isChannelMajor = false): number[] {
  const columns: number[] = [];
  for (let k = 0; k < count; k++)
    for (const channel of [1, 0, 2]) columns.push(isChannelMajor ? channel * count + k : 3 * k + channel);
  return columns;
}

function whole(array: string, columns: readonly number[], bits: number, { folded = false, layer = 0 }: Options = {}): Component[] {
  return columns.map((column) => ({ array, column, shift: 0, bits, layer, folded }));
}

function fields(array: string, list: readonly Field[], { folded = false, layer = 0 }: Options = {}): Component[] {
  return list.map(([shift, bits]) => ({ array, column: 0, shift, bits, layer, folded }));
}

function foldedRotation(array: string): Component[] {
  return fields(array, ROTATION_FIELDS).map((component, i) => ({ ...component, folded: i > 0 }));
}

/** B, from the columns of `sh`. */
function coefficients(shapes: Shapes): number {
  return Math.floor((shapes.get('sh')?.columns ?? 0) / 3);
}

export function shape(shapes: Shapes, name: string): Shape {
  const found = shapes.get(name);
  if (!found) throw corrupt(`chunk (3, 0): it has no array '${name}'`);
  return found;
}
