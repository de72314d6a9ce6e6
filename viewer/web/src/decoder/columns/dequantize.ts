/** The dequantizers of source formats, and the checks of types and shapes before them (docs/FORMAT.md 8). */

import { FileError } from '../errors';
import { numberOf } from '../json';
import { STATUS_OK, type Address, type Blocks, type Core } from '../module';
import type { DType, Shapes } from './layout';
import type { Source, Table } from './source';

/** Codes of n splats in the module's memory. */
export interface Codes {
  readonly n: number;
  /** B; 0 without layer 1. */
  readonly coefficients: number;
  readonly at: (array: string) => Address;
  /** Numbers of chunks or buckets that stood above coordinate 0. */
  readonly prefix: Address;
  /** SOG: palette of SH, row by row. */
  readonly palette: Uint8Array | null;
}

/** Writes (n, 3), (n, 3), (n, 4), (n), (n, 1 + B, 3) floats, one array after another. */
export interface Dequantizer {
  /** B of the source. */
  readonly coefficients: number;
  /** Returns a status. */
  run(codes: Codes, blocks: Blocks, out: Address): number;
}

const AXES = [
  'LDB', 'RDB', 'LUB', 'RUB', 'LDF', 'RDF', 'LUF', 'RUF', 'LFD', 'RFD', 'LFU', 'RFU', 'LBD', 'RBD', 'LBU', 'RBU',
];
const FLOAT_MAX = 3.4028234663852886e38;

/** Checks what a source says against its format. */
export function dequantizerOf(core: Core, source: Source): Dequantizer {
  const make = DEQUANTIZERS[source.format];
  if (!make) throw new FileError('UnsupportedFeatureError', `no dequantizer for the source format '${source.format}'`);
  return make(core, source);
}

const DEQUANTIZERS: Readonly<Record<string, (core: Core, source: Source) => Dequantizer>> = {
  float32: ({ call }, { codes: shapes }) => {
    const names = ['positions', 'log_scales', 'rotations', 'opacity_logits', 'sh'];
    const coefficients = oneOf('sh', shapes, [3, 12, 27, 48, 75]) / 3 - 1;
    const columns = [3, 3, 4, 1, 3 * (1 + coefficients)];
    names.forEach((name, i) => expect(shapes, name, 'uint32', columns[i] as number));
    return {
      coefficients,
      run: ({ n, at, coefficients: b }, _, out) => {
        const memory = new Uint32Array(call.memory.buffer);
        let to = out >> 2;
        names.forEach((name, i) => {
          const words = n * (name === 'sh' ? 3 * (1 + b) : (columns[i] as number));
          memory.copyWithin(to, at(name) >> 2, (at(name) >> 2) + words);
          to += words;
        });
        return STATUS_OK;
      },
    };
  },
  spz: ({ call }, { version, codes: shapes, header }) => {
    const { sh_degree: degree, fractional_bits: bits, axes = 'RUB' } = header;
    const axis = AXES.indexOf(axes as string) + 1;
    if (![1, 2, 3, 4].includes(version)) throw bad(`SPZ version ${version} is not known; 1 to 4 are`);
    if (!isIndex(degree, 4) || !isIndex(bits, 30) || axis === 0) throw bad('an SPZ header field is out of its range');
    const coefficients = (degree + 1) ** 2 - 1;
    expect(shapes, 'positions', version === 1 ? 'uint16' : 'uint32', 3);
    expect(shapes, 'alphas', 'uint8', 1);
    for (const name of ['colors', 'scales']) expect(shapes, name, 'uint8', 3);
    if (version >= 3) expect(shapes, 'rotations', 'uint32', 1);
    else expect(shapes, 'rotations', 'uint8', 3);
    expect(shapes, 'sh', 'uint8', 3 * coefficients);
    return {
      coefficients,
      run: ({ n, at, coefficients: b }, _, out) => {
        const [positions, rotations] = [at('positions'), at('rotations')];
        return call.dequantize_spz(
          n, version === 1 ? 0 : positions, version === 1 ? positions : 0, at('alphas'), at('colors'), at('scales'),
          version >= 3 ? rotations : 0, version >= 3 ? 0 : rotations, b > 0 ? at('sh') : 0, bits, b > 0 ? degree : 0, axis,
          out,
        );
      },
    };
  },
  sog: ({ call }, { version, codes: shapes, tables }) => {
    if (version !== 1 && version !== 2) throw bad(`SOG version ${version} is not 1 or 2`);
    expect(shapes, 'positions', 'uint16', 3);
    expect(shapes, 'rotations', 'uint8', 4);
    expect(shapes, 'scales', 'uint8', 3);
    expect(shapes, 'colors', 'uint8', 4);
    const hasRest = shapes.has('labels');
    if (hasRest) expect(shapes, 'labels', 'uint16', 1);
    const sizes = version === 1 ? [6, 6, 8, 2] : [6, 256, 256, 256];
    const numbers = ['means', 'scales', 'sh0', 'shN'].map((name, i) =>
      name === 'shN' && !hasRest ? new Float64Array(256) : doubles(tables, name, sizes[i] as number),
    );
    return {
      coefficients: 0, // of the palette
      run: ({ n, at, coefficients: b, palette }, blocks, out) => {
        const [means, scales, sh0, shN] = numbers.map((values) => blocks.put(values)) as [number, number, number, number];
        const rows = b > 0 && palette ? palette.length / (3 * b) : 0;
        const labels = b > 0 ? at('labels') : 0;
        return call.dequantize_sog(
          version, n, at('positions'), at('rotations'), at('scales'), at('colors'), labels,
          rows > 0 && palette ? blocks.put(palette) : 0, rows, b, means, scales, sh0, shN, out,
        );
      },
    };
  },
  compressed_ply: ({ call }, { version, codes: shapes, tables }) => {
    if (version !== 1) throw bad(`compressed.ply version ${version} is not 1`);
    for (const name of ['position', 'rotation', 'scale', 'color']) expect(shapes, name, 'uint32', 1);
    const coefficients = shapes.has('sh') ? oneOf('sh', shapes, [9, 24, 45]) / 3 : 0;
    if (coefficients > 0) expect(shapes, 'sh', 'uint8', 3 * coefficients);
    const chunks = table(tables, 'chunks', 'float32', 2);
    const [count, columns] = chunks.shape as [number, number];
    if (columns !== 12 && columns !== 18) throw bad(`a chunk of the compressed.ply source has ${columns} bounds`);
    return {
      coefficients,
      run: ({ n, at, coefficients: b, prefix }, blocks, out) =>
        call.dequantize_compressed_ply(
          n, at('position'), at('rotation'), at('scale'), at('color'), b > 0 ? at('sh') : 0, b, blocks.put(chunks.bytes),
          count, columns, prefix, out,
        ),
    };
  },
  splat: ({ call }, { version, codes: shapes }) => {
    if (version !== 1) throw bad(`.splat version ${version} is not 1`);
    for (const name of ['positions', 'scales']) expect(shapes, name, 'uint32', 3);
    for (const name of ['colors', 'rotations']) expect(shapes, name, 'uint8', 4);
    return {
      coefficients: 0,
      run: ({ n, at }, _, out) =>
        call.dequantize_splat(n, at('positions'), at('scales'), at('colors'), at('rotations'), out),
    };
  },
  ksplat: ({ call }, { version, codes: shapes, tables, header }) => {
    const level = header['compression_level'];
    const range = [numberOf(header['sh_min']), numberOf(header['sh_max'])];
    if (version !== 1 || !isIndex(level, 2)) throw bad('this version and compression level of .ksplat are not known');
    if (range.some((bound) => bound === undefined || Math.abs(bound) > FLOAT_MAX))
      throw bad('the SH range of the .ksplat source is not finite');
    const geometry = level === 0 ? 'uint32' : 'uint16';
    for (const name of ['positions', 'scales']) expect(shapes, name, geometry, 3);
    expect(shapes, 'rotations', geometry, 4);
    expect(shapes, 'colors', 'uint8', 4);
    expect(shapes, 'buckets', 'uint32', 1);
    const coefficients = shapes.has('sh') ? oneOf('sh', shapes, [0, 9, 24]) / 3 : 0;
    if (shapes.has('sh')) expect(shapes, 'sh', (['uint32', 'uint16', 'uint8'] as const)[level] as DType, 3 * coefficients);
    const sections = rows(tables, 'bucket_sections', 'uint32');
    const buckets = sections.shape[0] as number;
    const blockSizes = rows(tables, 'block_sizes', 'float32');
    const count = blockSizes.shape[0] as number;
    const centers = table(tables, 'bucket_centers', 'float32', 2, [buckets, 3]);
    const [ranges, degrees] = ['ranges', 'sh_degrees'].map((name) => table(tables, name, 'uint32', 1, [count])) as [Table, Table];
    return {
      coefficients,
      run: ({ n, at, coefficients: b, prefix }, blocks, out) => {
        const put = (each: Table) => blocks.put(each.bytes);
        // Without layer 1 no section has SH: the dequantizer would refuse degrees that are not stored.
        const stored = b > 0 ? put(degrees) : blocks.zeros(4 * count);
        return call.dequantize_ksplat(
          n, level, at('positions'), at('scales'), at('rotations'), b > 0 ? at('sh') : 0, at('colors'),
          prefix === 0 ? at('buckets') : prefix, buckets, put(centers), put(sections), count, put(blockSizes), put(ranges),
          stored, b, blocks.put(Float64Array.from(range as number[])), out,
        );
      },
    };
  },
};

function expect(shapes: Shapes, name: string, dtype: DType, columns: number): void {
  const found = shapes.get(name);
  if (!found) throw bad(`the source has no array '${name}'`);
  if (found.dtype !== dtype || found.columns !== columns)
    throw bad(`array '${name}' of the source is ${found.columns} ${found.dtype}, expected ${columns} ${dtype}`);
}

function oneOf(name: string, shapes: Shapes, columns: readonly number[]): number {
  const found = shapes.get(name)?.columns ?? -1;
  if (!columns.includes(found)) throw bad(`the source has ${found} values of '${name}' a splat`);
  return found;
}

function table(tables: ReadonlyMap<string, Table>, name: string, dtype: DType, rank: number, extents?: number[]): Table {
  const found = tables.get(name);
  if (!found) throw bad(`the source has no array '${name}'`);
  const fits = found.shape.length === rank && (!extents || extents.every((extent, k) => found.shape[k] === extent));
  if (found.dtype !== dtype || !fits) throw bad(`array '${name}' of the source is ${found.shape.join('x')} ${found.dtype}`);
  return found;
}

function rows(tables: ReadonlyMap<string, Table>, name: string, dtype: DType): Table {
  return table(tables, name, dtype, 1);
}

/** JSON numbers as a table holds them: float32 where that loses nothing, else the bits of float64. */
function doubles(tables: ReadonlyMap<string, Table>, name: string, count: number): Float64Array {
  const found = tables.get(name);
  if (!found) throw bad(`the source has no array '${name}'`);
  const isWide = found.dtype === 'uint64';
  const { bytes, shape } = table(tables, name, isWide ? 'uint64' : 'float32', count === 256 ? 1 : 2);
  if (shape.reduce((a, b) => a * b, 1) !== count || (shape.length === 2 && shape[0] !== 2))
    throw bad(`array '${name}' of the source is ${shape.join('x')}`);
  return isWide ? new Float64Array(bytes.buffer) : Float64Array.from(new Float32Array(bytes.buffer));
}

function isIndex(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

const bad = (message: string) => new FileError('FormatError', message);
