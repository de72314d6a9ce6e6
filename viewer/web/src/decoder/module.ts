/** The WebAssembly module: its exports, and blocks of its memory (native/bind/wasm.cpp). */

/** An address in the module's memory; 0 is no address. */
export type Address = number;

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  splatzip_alloc(size: number): Address;
  splatzip_free(block: Address): void;
  crc32(data: Address, size: number): number;
  stepped_open(params: Address, size: number): Address;
  stepped_close(file: Address): void;
  stepped_books(file: Address, id: number, data: Address, size: number): number;
  stepped_tables(file: Address, id: number, data: Address, size: number): number;
  stepped_new_tile(): Address;
  stepped_forget_tile(tile: Address): void;
  stepped_new_chunk(): Address;
  stepped_forget_chunk(chunk: Address): void;
  stepped_layer_0(file: Address, tile: Address, chunk: Address, data: Address, size: number, n: number, out: Address): number;
  stepped_layer_1(file: Address, chunk: Address, data: Address, size: number, n: number, rest: Address): number;
  columns_open(spec: Address, size: number): Address;
  columns_close(file: Address): void;
  columns_components(file: Address): number;
  columns_layer(file: Address, component: number): number;
  columns_tables(file: Address, id: number, data: Address, size: number): number;
  columns_decode(
    file: Address, n: number, data: Address, size: number, rest: Address, restSize: number, targets: Address,
    prefixShift: number, prefix: Address,
  ): number;
  dequantize_spz(
    n: number, positions: Address, halfPositions: Address, alphas: Address, colors: Address, scales: Address,
    rotations: Address, firstThree: Address, sh: Address, fractionalBits: number, shDegree: number, axes: number,
    out: Address,
  ): number;
  dequantize_sog(
    version: number, n: number, positions: Address, rotations: Address, scales: Address, colors: Address,
    labels: Address, palette: Address, paletteRows: number, coefficients: number, means: Address, scaleTable: Address,
    colorTable: Address, restTable: Address, out: Address,
  ): number;
  dequantize_compressed_ply(
    n: number, position: Address, rotation: Address, scale: Address, color: Address, sh: Address, coefficients: number,
    chunks: Address, chunkCount: number, chunkColumns: number, chunkOf: Address, out: Address,
  ): number;
  dequantize_splat(
    n: number, positions: Address, scales: Address, colors: Address, rotations: Address, out: Address,
  ): number;
  dequantize_ksplat(
    n: number, level: number, positions: Address, scales: Address, rotations: Address, sh: Address, colors: Address,
    buckets: Address, bucketCount: number, bucketCenters: Address, bucketSections: Address, sectionCount: number,
    blockSizes: Address, ranges: Address, degrees: Address, coefficients: number, shRange: Address, out: Address,
  ): number;
  is_scene(n: number, coefficients: number, out: Address): number;
}

/** Statuses of native/include/splatzip/status.h. */
export const STATUS_OK = 0;
export const STATUS_SCENE = -2;

export class Core {
  readonly call: Exports;

  /** @param module - the compiled decoder; it imports nothing. */
  constructor(module: WebAssembly.Module) {
    this.call = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
    this.call._initialize();
  }

  /** CRC-32 as zip, PNG and zlib have it. */
  crc32(bytes: Uint8Array): number {
    return this.withBlocks((blocks) => this.call.crc32(blocks.put(bytes), bytes.length)) >>> 0;
  }

  /** Calls `use` with memory that is given back behind it. */
  withBlocks<T>(use: (blocks: Blocks) => T): T {
    const blocks = new Blocks(this.call);
    try {
      return use(blocks);
    } finally {
      blocks.free();
    }
  }
}

/** Blocks of the module's memory that live as long as a call. */
export class Blocks {
  readonly #call: Exports;
  readonly #taken: Address[] = [];

  constructor(call: Exports) {
    this.#call = call;
  }

  /** Room, with what memory held before. */
  room(bytes: number): Address {
    const block = this.#call.splatzip_alloc(bytes);
    this.#taken.push(block);
    return block;
  }

  zeros(bytes: number): Address {
    const block = this.room(bytes);
    new Uint8Array(this.#call.memory.buffer, block, bytes).fill(0);
    return block;
  }

  /** A copy of an array's bytes. */
  put(array: ArrayBufferView): Address {
    const block = this.room(array.byteLength);
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    new Uint8Array(this.#call.memory.buffer, block, bytes.length).set(bytes);
    return block;
  }

  /** A copy of floats. Not by slice(): engines fill what that makes with zeros first. */
  floats(at: Address, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(new Float32Array(this.#call.memory.buffer, at, count));
  }

  words(at: Address, count: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(new Uint32Array(this.#call.memory.buffer, at, count));
  }

  bytes(at: Address, count: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(new Uint8Array(this.#call.memory.buffer, at, count));
  }

  free(): void {
    for (const block of this.#taken) this.#call.splatzip_free(block);
    this.#taken.length = 0;
  }
}
