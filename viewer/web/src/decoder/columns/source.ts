/** The SOURCE chunks: what a quantized source says of itself (docs/FORMAT.md 7.5). */

import { corrupt } from '../errors';
import { isObject, jsonObject, type JsonObject } from '../json';
import { BYTES_OF, type DType, type Shape } from './layout';

const WHERE = 'chunk (3, 0)';
const MAX_CODE_COLUMNS = 75;

export interface Table {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Little-endian, row-major; a copy of its own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Source {
  readonly format: string;
  readonly version: number;
  readonly codes: Map<string, Shape>;
  readonly tables: Map<string, Table>;
  readonly header: JsonObject;
}

interface ListedTable {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** What SOURCE 0 says; its tables stand in SOURCE 1. */
export class SourceDescription {
  readonly #values: JsonObject;
  readonly #codes = new Map<string, Shape>();
  readonly #tables: ListedTable[] = [];
  #recordBytes = 0;

  constructor(bytes: Uint8Array) {
    this.#values = jsonObject(bytes, WHERE, { wrapReals: true });
    const { format, version, codes, tables, records, header } = this.#values;
    if (typeof format !== 'string' || !isWhole(version) || !isObject(codes) || !isObject(header)) throw badField();
    for (const [name, shape] of Object.entries(codes)) {
      const [columns, dtype] = pair(shape);
      if (!isWhole(columns)) throw badField();
      if (!isDType(dtype) || columns > MAX_CODE_COLUMNS)
        throw corrupt(`${WHERE}: an array of codes has an impossible shape`);
      this.#codes.set(name, { columns, dtype });
    }
    for (const table of list(tables)) {
      const [name, dtype, shape] = list(table);
      if (list(table).length !== 3 || typeof name !== 'string' || typeof dtype !== 'string') throw badField();
      this.#tables.push({ name, dtype, shape: list(shape).map(whole) });
    }
    for (const record of list(records)) {
      const [kind, size] = pair(record);
      whole(kind);
      this.#recordBytes += whole(size);
    }
  }

  /** Whether there must be a SOURCE 1. */
  get needsData(): boolean {
    return this.#recordBytes > 0 || this.#tables.some(({ shape }) => product(shape) > 0);
  }

  /** @param data - SOURCE 1; empty if there is none. */
  source(data: Uint8Array): Source {
    const tables = new Map<string, Table>();
    let at = 0;
    for (const { name, dtype, shape } of this.#tables) {
      if (!isDType(dtype)) throw corrupt(`${WHERE}: table '${name}' has an unknown type`);
      const size = product(shape) * BYTES_OF[dtype];
      if (size > data.length - at) throw corrupt(`${WHERE}: table '${name}' is larger than chunk (3, 1)`);
      tables.set(name, { dtype, shape, bytes: data.slice(at, at + size) });
      at += size;
    }
    at += this.#recordBytes;
    if (at > data.length) throw corrupt(`${WHERE}: a record is larger than chunk (3, 1)`);
    if (at < data.length) throw corrupt(`chunk (3, 1): ${data.length - at} bytes are left over`);
    const { format, version, header } = this.#values as { format: string; version: number; header: JsonObject };
    return { format, version, codes: this.#codes, tables, header };
  }
}

/** A whole number, 0 to 2^32 - 1, written without fraction or exponent. */
function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function whole(value: unknown): number {
  if (!isWhole(value)) throw badField();
  return value;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw badField();
  return value;
}

function pair(value: unknown): readonly [unknown, unknown] {
  const items = list(value);
  if (items.length !== 2) throw badField();
  return [items[0], items[1]];
}

function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(BYTES_OF, value);
}

function product(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

const badField = () => corrupt(`${WHERE}: a field is missing or not what it should be`);
