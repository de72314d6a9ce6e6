/** Codec STEPPED (docs/FORMAT.md 6): chunks to floats, tier by tier of a tile. */

import type { CodecReader, SharedKey, Splats, WholeChunk } from './codec';
import { Codec, Kind } from './container';
import { corrupt } from './errors';
import { STATUS_OK, STATUS_SCENE, type Address, type Core } from './module';
import { SH_INDEX, streamHeads } from './streams';

/** Part of the format: what a chunk may hold, so that a file never costs more memory than its bytes account for. */
const MAX_CHUNK_SPLATS = Math.floor(2 ** 20 / 27);
const MAX_SPLATS_PER_BYTE = 256;
const MAX_TABLE_IDS = 256;
const FLOATS = 14; // of a splat without SH above degree 0
const SH_BOOKS = 0;
const BOOKS = [SH_BOOKS, 1, 2]; // of SH, scales, rotations

interface Tile {
  /** What its next tier needs. */
  readonly history: Address;
  /** By tier: what layer 1 needs of layer 0. */
  readonly chunks: Map<number, Address>;
}

export class SteppedReader implements CodecReader {
  readonly isChained = true;
  readonly essential: SharedKey[] = [[Kind.STEPS, 0]];
  readonly hasRest: boolean;
  readonly #core: Core;
  readonly #degree: number;
  readonly #listed: ReadonlySet<string>;
  readonly #lastTier: number;
  readonly #tiles = new Map<number, Tile>();
  readonly #early: [id: number, bytes: Uint8Array][] = []; // books and tables before the parameters
  #file: Address = 0;
  #booked: number[] = [];

  /** @param listed - keys of the shared chunks that the file has: `kind,id`. */
  constructor(core: Core, shDegree: number, tiers: number, listed: ReadonlySet<string>) {
    this.#core = core;
    this.#degree = shDegree;
    this.#listed = listed;
    this.#lastTier = tiers - 1;
    this.hasRest = shDegree > 0;
    for (const key of listed) {
      const [kind, id] = key.split(',').map(Number) as [number, number];
      if (kind === Kind.TABLES && id >= MAX_TABLE_IDS) throw corrupt(`chunk (1, ${id}): no stream can name tables of that id`);
    }
  }

  take(kind: number, id: number, bytes: Uint8Array): void {
    if (kind === Kind.STEPS && id === 0) {
      this.#open(bytes);
    } else if (kind === Kind.TABLES || kind === Kind.CODEBOOKS) {
      if (this.#file === 0) this.#early.push([kind === Kind.TABLES ? id : -1 - id, bytes]);
      else this.#give(kind, id, bytes);
    }
  }

  needs(chunk: WholeChunk): SharedKey[] {
    const most = Math.min(MAX_CHUNK_SPLATS, MAX_SPLATS_PER_BYTE * chunk.bytes.length);
    if (!(chunk.count >= 1 && chunk.count <= most))
      throw corrupt(`${chunk.name}: ${chunk.bytes.length} bytes cannot hold ${chunk.count} splats`);
    if (this.#file === 0) return this.essential;
    const heads = streamHeads(chunk.bytes, Codec.STEPPED, chunk.layer, chunk.name);
    const tables = heads.map(({ tableSet }): SharedKey => [Kind.TABLES, tableSet]);
    const books = this.#booked.filter((id) =>
      id === SH_BOOKS ? heads.some(({ stream }) => stream === SH_INDEX) : chunk.layer === 0,
    );
    return [...this.essential, ...tables, ...books.map((id): SharedKey => [Kind.CODEBOOKS, id])];
  }

  splats(chunk: WholeChunk): Splats {
    const { call } = this.#core;
    const tile = this.#tile(chunk.tile);
    const state = call.stepped_new_chunk();
    tile.chunks.set(chunk.tier, state);
    const n = chunk.count;
    return this.#core.withBlocks((blocks) => {
      const out = blocks.room(4 * FLOATS * n);
      const data = blocks.put(chunk.bytes);
      check(call.stepped_layer_0(this.#file, tile.history, state, data, chunk.bytes.length, n, out), chunk);
      if (!this.hasRest) this.#forgetChunk(tile, chunk.tier);
      if (chunk.tier === this.#lastTier && tile.chunks.size === 0) this.forget(chunk.tile);
      const floats = (first: number, width: number) => blocks.floats(out + 4 * first * n, width * n);
      return {
        positions: floats(0, 3),
        logScales: floats(3, 3),
        rotations: floats(6, 4),
        opacityLogits: floats(10, 1),
        color: floats(11, 3),
      };
    });
  }

  sh(chunk: WholeChunk): Float32Array<ArrayBuffer> {
    const { call } = this.#core;
    const tile = this.#tile(chunk.tile);
    const state = tile.chunks.get(chunk.tier);
    if (state === undefined) throw corrupt(`${chunk.name}: its layer 0 is not there`);
    const floats = 3 * ((this.#degree + 1) ** 2 - 1) * chunk.count;
    try {
      return this.#core.withBlocks((blocks) => {
        const rest = blocks.room(4 * floats);
        const data = blocks.put(chunk.bytes);
        check(call.stepped_layer_1(this.#file, state, data, chunk.bytes.length, chunk.count, rest), chunk);
        return blocks.floats(rest, floats);
      });
    } finally {
      this.#forgetChunk(tile, chunk.tier);
    }
  }

  forget(tile: number): void {
    const kept = this.#tiles.get(tile);
    if (!kept) return;
    for (const tier of [...kept.chunks.keys()]) this.#forgetChunk(kept, tier);
    this.#core.call.stepped_forget_tile(kept.history);
    this.#tiles.delete(tile);
  }

  order(): undefined {
    return undefined;
  }

  close(): void {
    for (const tile of [...this.#tiles.keys()]) this.forget(tile);
    if (this.#file !== 0) this.#core.call.stepped_close(this.#file);
    this.#file = 0;
  }

  #open(bytes: Uint8Array): void {
    if (bytes[0] !== this.#degree) throw corrupt("chunk (2, 0): its SH degree is not the root's");
    const params = bytes.slice();
    this.#file = this.#core.withBlocks((blocks) => this.#core.call.stepped_open(blocks.put(params), params.length));
    if (this.#file === 0) throw corrupt('chunk (2, 0): its numbers make no sense');
    this.#booked = BOOKS.filter((id) => ((params[1] as number) >> (1 + id)) & 1);
    for (const id of this.#booked)
      if (!this.#listed.has(`${Kind.CODEBOOKS},${id}`)) throw corrupt(`root: codebook ${id} is not listed`);
    for (const id of this.#booked) if (id !== SH_BOOKS) this.essential.push([Kind.CODEBOOKS, id]);
    for (const [id, early] of this.#early.splice(0))
      if (id >= 0) this.#give(Kind.TABLES, id, early);
      else this.#give(Kind.CODEBOOKS, -1 - id, early);
  }

  #give(kind: number, id: number, bytes: Uint8Array): void {
    const { call } = this.#core;
    const give = kind === Kind.TABLES ? call.stepped_tables : call.stepped_books;
    if (!this.#core.withBlocks((blocks) => give(this.#file, id, blocks.put(bytes), bytes.length)))
      throw corrupt(`chunk (${kind}, ${id}): its numbers make no sense`);
  }

  #tile(number: number): Tile {
    const tile = this.#tiles.get(number) ?? { history: this.#core.call.stepped_new_tile(), chunks: new Map() };
    this.#tiles.set(number, tile);
    return tile;
  }

  #forgetChunk(tile: Tile, tier: number): void {
    const state = tile.chunks.get(tier);
    if (state !== undefined) this.#core.call.stepped_forget_chunk(state);
    tile.chunks.delete(tier);
  }
}

function check(status: number, chunk: WholeChunk): void {
  if (status === STATUS_OK) return;
  const what = status === STATUS_SCENE ? 'the decoded values are not a valid scene' : 'its codes make no sense';
  throw corrupt(`${chunk.name}: ${what}`);
}
