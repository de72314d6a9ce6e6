/**
 * Codec COLUMNS (docs/FORMAT.md 7): integer codes of a tile, then the floats that they stand for in their own format.
 *
 * Layer 1 is predicted from layer 0. To keep only a tile's compressed bytes until layer 1 arrives, layer 0 is then
 * decoded again.
 */

import type { CodecReader, SharedKey, Splats, WholeChunk } from './codec';
import { dequantizerOf, type Codes, type Dequantizer } from './columns/dequantize';
import { BYTES_OF, greenFirst, layoutOf, type Component, type Layout } from './columns/layout';
import { SourceDescription, type Source } from './columns/source';
import { Codec, Kind } from './container';
import { corrupt, unsupported } from './errors';
import { STATUS_OK, type Address, type Blocks, type Core } from './module';
import { streamHeads } from './streams';

/** Part of the format: identical splats cost next to nothing, and memory must stay bounded. */
const MAX_CHUNK_POINTS = 65536;
const MAX_POINTS_PER_BYTE = 1024;
const PALETTE_TABLES = 2; // 0 and 1 are those of the splats
const CHUNK_SPLATS = 256; // of compressed_ply
const TARGET_WORDS = 6;
const FLOATS = 11; // of a splat, without SH

export class ColumnsReader implements CodecReader {
  readonly isChained = false;
  readonly essential: SharedKey[] = [[Kind.SOURCE, 0], [Kind.COLUMNS, 0], [Kind.TABLES, 0]];
  readonly #core: Core;
  readonly #listed: ReadonlySet<string>;
  /** B, of the root. */
  readonly #coefficients: number;
  readonly #shared = new Map<string, Uint8Array>();
  readonly #palettes: SharedKey[] = [];
  #description: SourceDescription | null = null;
  #opened: Opened | null = null;
  #palette: Palette | null = null;
  /** By tier and tile, as long as layer 1 may come: layer 0. */
  readonly #first = new Map<string, Uint8Array>();
  /** What coordinate 0 holds above the coordinate. */
  readonly #prefixes: { readonly tier: number; readonly tile: number; readonly words: Uint32Array }[] = [];

  /** @param listed - keys of the shared chunks that the file has: `kind,id`. */
  constructor(core: Core, shDegree: number, listed: ReadonlySet<string>) {
    this.#core = core;
    this.#listed = listed;
    this.#coefficients = (shDegree + 1) ** 2 - 1;
    if (listed.has(`${Kind.SOURCE},1`)) this.essential.push([Kind.SOURCE, 1]);
    for (let id = 0; listed.has(`${Kind.PALETTE},${id}`); id++) this.#palettes.push([Kind.PALETTE, id]);
  }

  get hasRest(): boolean {
    return this.#opened?.layout.components.some(({ layer }) => layer === 1) ?? false;
  }

  take(kind: number, id: number, bytes: Uint8Array): void {
    this.#shared.set(`${kind},${id}`, bytes.slice());
    if (kind === Kind.SOURCE && id === 0) {
      this.#description = new SourceDescription(bytes);
      if (this.#description.needsData && !this.#listed.has(`${Kind.SOURCE},1`))
        throw corrupt('root: it does not list the tables of its source');
    }
    if (kind === Kind.TABLES && id < PALETTE_TABLES && this.#opened) this.#giveTables(this.#opened.file, id, bytes);
    if (!this.#opened && this.essential.every(([k, i]) => this.#shared.has(`${k},${i}`))) this.#opened = this.#open();
  }

  needs(chunk: WholeChunk): SharedKey[] {
    const most = Math.min(MAX_CHUNK_POINTS, MAX_POINTS_PER_BYTE * chunk.bytes.length);
    if (!(chunk.count >= 1 && chunk.count <= most)) throw corrupt(`${chunk.name}: it cannot hold ${chunk.count} splats`);
    if (!this.#opened) return this.essential;
    const heads = streamHeads(chunk.bytes, Codec.COLUMNS, chunk.layer, chunk.name);
    const tables = heads.map(({ tableSet }): SharedKey => [Kind.TABLES, tableSet]);
    const palette: SharedKey[] =
      chunk.layer === 1 && this.#opened.source.format === 'sog'
        ? [[Kind.PALETTE, 0], ...this.#palettes, [Kind.COLUMNS, 1], [Kind.TABLES, PALETTE_TABLES]]
        : [];
    return [...this.essential, ...tables, ...palette];
  }

  splats(chunk: WholeChunk): Splats {
    const n = chunk.count;
    const splats = this.#core.withBlocks((blocks) => {
      const out = this.#floats(blocks, chunk, chunk.bytes, null, 0);
      const floats = (first: number, width: number) => blocks.floats(out + 4 * first * n, width * n);
      return {
        positions: floats(0, 3),
        logScales: floats(3, 3),
        rotations: floats(6, 4),
        opacityLogits: floats(10, 1),
        color: floats(FLOATS, 3),
      };
    });
    if (this.hasRest) this.#first.set(keyOf(chunk), chunk.bytes.slice());
    return splats;
  }

  sh(chunk: WholeChunk): Float32Array<ArrayBuffer> {
    const first = this.#first.get(keyOf(chunk));
    if (!first) throw corrupt(`${chunk.name}: its layer 0 is not there`);
    this.#first.delete(keyOf(chunk));
    const { dequantizer, source } = this.#opened as Opened;
    if (source.format === 'sog') this.#palette ??= this.#decodePalette();
    const b = this.#palette?.coefficients ?? dequantizer.coefficients;
    if (b !== this.#coefficients) throw corrupt(`${chunk.name}: its SH degree is not the root's`);
    const n = chunk.count;
    return this.#core.withBlocks((blocks) => {
      const all = blocks.floats(this.#floats(blocks, chunk, first, chunk.bytes, b) + 4 * FLOATS * n, 3 * (1 + b) * n);
      const rest = new Float32Array(3 * b * n);
      for (let row = 0; row < n; row++) {
        const from = 3 * (1 + b) * row;
        rest.set(all.subarray(from + 3, from + 3 * (1 + b)), 3 * b * row);
      }
      return rest;
    });
  }

  forget(): void {} // chunks do not know each other

  order(isComplete: boolean): Uint32Array<ArrayBuffer> | undefined {
    if (this.#prefixes.length === 0) return undefined;
    this.#prefixes.sort((a, b) => a.tier - b.tier || a.tile - b.tile);
    const count = this.#prefixes.reduce((sum, { words }) => sum + words.length, 0);
    const prefix = new Uint32Array(count);
    let at = 0;
    for (const { words } of this.#prefixes) {
      prefix.set(words, at);
      at += words.length;
    }
    const order = Uint32Array.from({ length: count }, (_, row) => row);
    order.sort((a, b) => (prefix[a] as number) - (prefix[b] as number) || a - b);
    if (isComplete && this.#opened?.source.format === 'compressed_ply') checkChunks(order, prefix);
    return order;
  }

  close(): void {
    if (this.#opened) this.#core.call.columns_close(this.#opened.file);
    this.#opened = null;
  }

  #open(): Opened {
    const source = (this.#description as SourceDescription).source(this.#shared.get(`${Kind.SOURCE},1`) ?? new Uint8Array());
    const layout = layoutOf(source.format, source.version, source.codes);
    const file = this.#openSpec(0);
    const layers = this.#layersOf(file);
    if (layers.length !== layout.components.length || layout.components.some(({ layer }, c) => layer !== layers[c]))
      throw corrupt('chunk (5, 0): its components are not those of the source');
    const rest = layout.components.filter(({ layer }) => layer === 1);
    const isDegree = source.format === 'sog' ? rest.length > 0 === this.#coefficients > 0 : rest.length === 3 * this.#coefficients;
    if (!isDegree) throw corrupt("chunk (3, 0): its SH degree is not the root's");
    for (const component of [...layout.coordinates, ...layout.components]) {
      const shape = source.codes.get(component.array);
      const what = `chunk (3, 0): array '${component.array}'`;
      if (!shape || component.column >= shape.columns) throw corrupt(`${what} lacks a column`);
      if (component.shift + component.bits > 8 * BYTES_OF[shape.dtype]) throw corrupt(`${what} is of too narrow a type`);
    }
    for (const [key, bytes] of this.#shared) {
      const [kind, id] = key.split(',').map(Number) as [number, number];
      if (kind === Kind.TABLES && id < PALETTE_TABLES) this.#giveTables(file, id, bytes);
    }
    return { source, layout, file, dequantizer: dequantizerOf(this.#core, source) };
  }

  #openSpec(id: number): Address {
    const spec = this.#shared.get(`${Kind.COLUMNS},${id}`) as Uint8Array;
    const file = this.#core.withBlocks((blocks) => this.#core.call.columns_open(blocks.put(spec), spec.length));
    if (file === 0) throw corrupt(`chunk (5, ${id}): its numbers make no sense`);
    return file;
  }

  #layersOf(file: Address): number[] {
    const { call } = this.#core;
    return Array.from({ length: call.columns_components(file) }, (_, c) => call.columns_layer(file, c));
  }

  #giveTables(file: Address, id: number, bytes: Uint8Array): void {
    if (!this.#core.withBlocks((blocks) => this.#core.call.columns_tables(file, id, blocks.put(bytes), bytes.length)))
      throw corrupt(`chunk (1, ${id}): its numbers make no sense`);
  }

  /** The floats of a tile, one attribute after another; without `rest`, of its layer 0 alone. */
  #floats(blocks: Blocks, chunk: WholeChunk, data: Uint8Array, rest: Uint8Array | null, b: number): Address {
    const { source, layout, dequantizer, file } = this.#opened as Opened;
    const n = chunk.count;
    const hasPrefix = layout.prefixShift !== undefined;
    const prefix = hasPrefix ? blocks.zeros(4 * n) : 0;
    // Without layer 1 there are no labels, and no sh but degree 0 of a float scene.
    const columnsOf = (name: string): number => {
      if (!rest && (name === 'sh' || name === 'labels')) return source.format === 'float32' ? 3 : 0;
      return source.codes.get(name)?.columns ?? 0;
    };
    const arrays = new Map<string, Address>();
    for (const [name, { dtype }] of source.codes) arrays.set(name, blocks.zeros(n * columnsOf(name) * BYTES_OF[dtype]));
    const target = (component: Component): number[] => {
      if (component.layer === 1 && !rest) return [0, 1, 1, 0, 8, 0];
      const { array, column, shift, bits, folded } = component;
      const bytes = BYTES_OF[source.codes.get(array)?.dtype ?? 'uint8'];
      return [(arrays.get(array) as number) + column * bytes, bytes, columnsOf(array), shift, bits, folded ? 1 : 0];
    };
    this.#decode(blocks, chunk.name, file, n, data, rest, [...layout.coordinates, ...layout.components].map(target), {
      shift: layout.prefixShift ?? 32,
      at: prefix,
    });
    const out = blocks.room(4 * (FLOATS + 3 * (1 + b)) * n);
    const at = (name: string): Address => arrays.get(name) ?? 0;
    const codes: Codes = { n, coefficients: b, at, prefix, palette: this.#palette?.rows ?? null };
    const status = dequantizer.run(codes, blocks, out);
    if (status !== STATUS_OK) throw corrupt(`${chunk.name}: its codes are not those of a ${source.format} source`);
    if (!this.#core.call.is_scene(n, 1 + b, out)) throw corrupt(`${chunk.name}: the decoded values are not a valid scene`);
    if (hasPrefix && !rest) this.#prefixes.push({ tier: chunk.tier, tile: chunk.tile, words: blocks.words(prefix, n) });
    return out;
  }

  #decode(
    blocks: Blocks, name: string, file: Address, n: number, data: Uint8Array, rest: Uint8Array | null,
    targets: readonly number[][], prefix: { shift: number; at: Address },
  ): void {
    if (targets.some((target) => target.length !== TARGET_WORDS)) throw unsupported('a target of six numbers');
    const wrong = this.#core.call.columns_decode(
      file, n, blocks.put(data), data.length, rest ? blocks.put(rest) : 0, rest?.length ?? 0,
      blocks.put(Int32Array.from(targets.flat())), prefix.shift, prefix.at,
    );
    if (wrong === 1 || wrong === 2) throw corrupt(`${name}: its codes make no sense`);
    if (wrong > 2) throw corrupt(`${name}: a code has more bits than its array`);
  }

  /** Rows of the SOG palette, one behind the other. */
  #decodePalette(): Palette {
    const file = this.#openSpec(1);
    try {
      const components = this.#layersOf(file);
      if (![9, 24, 45].includes(components.length) || components.some((layer) => layer !== 0))
        throw corrupt('chunk (5, 1): its components are not those of a palette');
      const tables = this.#shared.get(`${Kind.TABLES},${PALETTE_TABLES}`) as Uint8Array;
      this.#giveTables(file, PALETTE_TABLES, tables);
      const columns = greenFirst(components.length / 3);
      const parts = this.#palettes.map(([kind, id]) => this.#paletteRows(file, id, columns, this.#shared.get(`${kind},${id}`) as Uint8Array));
      const rows = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        rows.set(part, at);
        at += part.length;
      }
      return { rows, coefficients: components.length / 3 };
    } finally {
      this.#core.call.columns_close(file);
    }
  }

  #paletteRows(file: Address, id: number, columns: readonly number[], bytes: Uint8Array): Uint8Array {
    const name = `chunk (4, ${id})`;
    const rows = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (!(rows > 0 && rows <= Math.min(MAX_CHUNK_POINTS, MAX_POINTS_PER_BYTE * bytes.length)))
      throw corrupt(`${name}: it cannot hold ${rows} rows`);
    return this.#core.withBlocks((blocks) => {
      const out = blocks.zeros(rows * columns.length);
      const none = [0, 1, 1, 0, 8, 0];
      const targets = [none, none, none, ...columns.map((column) => [out + column, 1, columns.length, 0, 8, 0])];
      this.#decode(blocks, name, file, rows, bytes.subarray(4), null, targets, { shift: 32, at: 0 });
      return blocks.bytes(out, rows * columns.length);
    });
  }
}

/** Rows of 3 B bytes, one behind the other. */
interface Palette {
  readonly rows: Uint8Array;
  readonly coefficients: number;
}

interface Opened {
  readonly source: Source;
  readonly layout: Layout;
  readonly dequantizer: Dequantizer;
  readonly file: Address;
}

function keyOf({ tier, tile }: WholeChunk): string {
  return `${tier},${tile}`;
}

/** Chunks of compressed_ply hold 256 splats each, the last one what is left. */
function checkChunks(order: Uint32Array, prefix: Uint32Array): void {
  for (let first = 0; first < order.length; first += CHUNK_SPLATS) {
    const last = Math.min(first + CHUNK_SPLATS, order.length) - 1;
    const at = (place: number) => prefix[order[place] as number];
    if (at(first) !== at(last) || (first > 0 && at(first - 1) === at(first)))
      throw corrupt(`a chunk of the source does not have ${CHUNK_SPLATS} splats`);
  }
}
