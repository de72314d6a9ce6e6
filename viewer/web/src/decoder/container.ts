/** Header, root, index blocks and directories: bytes to records (docs/FORMAT.md 2 and 3). */

import { Cursor } from './cursor';
import { corrupt, FileError, truncated, unsupported } from './errors';
import type { Box, Vector3 } from './types';

/** Part of the format: docs/FORMAT.md holds the same numbers. */
export const VERSION_MAJOR = 0;
export const VERSION_MINOR = 4;
export const HEADER_BYTES = 32;
export const MAX_ROOT_BYTES = 4096;
export const MAX_TILES = 2 ** 31;
/** Kinds and streams from here on are optional. */
export const REQUIRED_LIMIT = 128;

export const Codec = { STEPPED: 1, COLUMNS: 2 } as const;
export const Kind = {
  TABLES: 1,
  STEPS: 2,
  SOURCE: 3,
  PALETTE: 4,
  COLUMNS: 5,
  CODEBOOKS: 6,
  META: 128,
  SETTINGS: 129,
  QUALITY: 130,
  TIERS: 131,
} as const;

const MAGIC = [0x53, 0x50, 0x4c, 0x41, 0x54, 0x5a, 13, 10]; // SPLATZ, CR, LF
const BOX_STEPS = 65535;
const DIRECTORY_ENTRY_BYTES = 18; // at least

export interface Header {
  readonly rootSize: number;
  readonly fileSize: number;
  readonly rootCrc: number;
}

/** A part of the file and its checksum; `offset` from the start of the file. */
export interface Block {
  readonly offset: number;
  readonly size: number;
  readonly crc: number;
  readonly name: string;
}

export interface SharedEntry extends Block {
  readonly kind: number;
  readonly id: number;
}

export interface RunEntry {
  readonly segment: number;
  readonly tier: number;
  readonly layer: number;
  readonly offset: number;
  readonly size: number;
  readonly directory: Block;
}

export interface ChunkEntry extends Block {
  readonly tile: number;
  readonly splats: number;
  readonly box: Box;
}

export interface Root {
  readonly codec: number;
  readonly splats: number;
  readonly shDegree: number;
  readonly tiers: number;
  readonly layers: number;
  readonly origin: Vector3;
  readonly box: Box;
  readonly segments: number;
  /** Whether no segment lasts or is predicted. */
  readonly isStatic: boolean;
  readonly indexes: readonly { readonly size: number; readonly crc: number }[];
  readonly entries: Entries;
}

/** What a root or an index block lists; offsets count from the end of the index blocks. */
export interface Entries {
  readonly shared: readonly SharedEntry[];
  readonly runs: readonly RunEntry[];
}

/** Throws if the first bytes of a file, however few, are not those of one. */
export function checkMagic(start: Uint8Array): void {
  if (start.length === 0 || MAGIC.some((byte, i) => i < start.length && start[i] !== byte))
    throw new FileError('NotSplatzipError', 'not a .splatz file: it does not start with SPLATZ');
}

/** @param crc32 - the checksum function. */
export function readHeader(bytes: Uint8Array, crc32: (bytes: Uint8Array) => number): Header {
  checkMagic(bytes);
  const cursor = new Cursor(bytes, 'header at byte 0');
  cursor.skip(MAGIC.length);
  const major = cursor.u16();
  const minor = cursor.u16();
  if (major !== VERSION_MAJOR || minor !== VERSION_MINOR) {
    const own = `${VERSION_MAJOR}.${VERSION_MINOR}`;
    throw new FileError('UnsupportedVersionError', `this file is version ${major}.${minor}; this decoder reads ${own}`);
  }
  const rootSize = cursor.u32();
  const fileSize = cursor.u32() + cursor.u32() * 2 ** 32;
  const rootCrc = cursor.u32();
  if (crc32(bytes.subarray(0, HEADER_BYTES - 4)) !== cursor.u32())
    throw cursor.corrupt('the checksum is wrong; the file was damaged');
  if (rootSize > MAX_ROOT_BYTES || HEADER_BYTES + rootSize > fileSize) throw cursor.corrupt('sizes disagree');
  return { rootSize, fileSize, rootCrc };
}

export function readRoot(bytes: Uint8Array): Root {
  const cursor = new Cursor(bytes, `root at byte ${HEADER_BYTES}`);
  const [codec, splats, shDegree, tiers, layers] = times(5, () => cursor.uint()) as [number, number, number, number, number];
  const origin = vector(() => cursor.f64());
  const box = { low: vector(() => cursor.f32()), high: vector(() => cursor.f32()) };
  if (![...box.low, ...box.high].every(Number.isFinite) || box.low.some((low, axis) => low > (box.high[axis] as number)))
    throw cursor.corrupt('the bounding box is not finite, or its corners are swapped');
  const segments = cursor.uint();
  let isStatic = true;
  repeat(cursor, segments, () => {
    const [duration, predictedFrom] = times(2, () => cursor.uint());
    isStatic &&= duration === 0 && predictedFrom === 0;
  });
  const indexes: { size: number; crc: number }[] = [];
  repeat(cursor, cursor.uint(), () => indexes.push({ size: cursor.uint(), crc: cursor.u32() }));
  const entries = readEntries(cursor);
  cursor.end();
  if (splats === 0 || shDegree > 4 || segments === 0 || !origin.every(Number.isFinite))
    throw cursor.corrupt('its number of splats, SH degree, number of segments or origin is impossible');
  return { codec, splats, shDegree, tiers, layers, origin, box, segments, isStatic, indexes, entries };
}

/** @param where - its name and offset. */
export function readIndex(bytes: Uint8Array, where: string): Entries {
  const cursor = new Cursor(bytes, where);
  const entries = readEntries(cursor);
  cursor.end();
  return entries;
}

/** The same entries, counted from the start of the file. */
export function placed({ shared, runs }: Entries, base: number): Entries {
  return {
    shared: shared.map((entry) => ({ ...entry, offset: base + entry.offset })),
    runs: runs.map((run) => ({
      ...run,
      offset: base + run.offset,
      directory: { ...run.directory, offset: base + run.offset },
    })),
  };
}

/**
 * The table of contents by itself: keys that exist, each once, and blocks that fill the file from `start` to `end`
 * without gap or overlap. Before any checksum, so that no byte is summed twice, however often a hostile file lists it.
 */
export function checkEntries(root: Root, { shared, runs }: Entries, start: number, end: number): void {
  const where = `root at byte ${HEADER_BYTES}`;
  const known = new Set<number>(Object.values(Kind));
  for (const { kind, name } of shared)
    if (!known.has(kind) && kind < REQUIRED_LIMIT)
      throw unsupported(`${name}: this version does not know its kind and cannot skip it; use a newer one`);
  for (const run of runs) {
    if (run.segment >= root.segments || run.tier >= root.tiers || run.layer >= root.layers)
      throw corrupt(`${where}: it lists ${runName(run)}, which the scene does not have`);
    if (run.directory.size > run.size) throw corrupt(`${where}: the directory of ${runName(run)} is larger than the run`);
  }
  const keys = [...shared.map(({ name }) => name), ...runs.map(runName)];
  if (new Set(keys).size < keys.length) throw corrupt(`${where}: a chunk or a run is listed twice`);
  const blocks = [...shared, ...runs.map((run) => ({ ...run, name: runName(run) }))];
  for (const { name, offset, size } of blocks)
    if (offset + size > end)
      throw truncated(`${name} at byte ${offset}: its ${size} bytes reach beyond the end at byte ${end}`);
  let at = start;
  for (const { offset, size } of blocks.sort((a, b) => a.offset - b.offset || a.size - b.size)) {
    if (offset !== at) throw corrupt(`byte ${Math.min(offset, at)}: chunks leave a gap or overlap`);
    at += size;
  }
  if (at !== end) throw corrupt(`byte ${at}: ${end - at} bytes belong to no chunk`);
}

/** The chunks of a run. */
export function readDirectory(bytes: Uint8Array, run: RunEntry, scene: Box): ChunkEntry[] {
  const cursor = new Cursor(bytes, `${run.directory.name} at byte ${run.offset}`);
  const count = cursor.uint();
  if (count * DIRECTORY_ENTRY_BYTES > cursor.left) throw cursor.corrupt('it lists more chunks than it has room for');
  const step = vector((axis) => ((scene.high[axis] as number) - (scene.low[axis] as number)) / BOX_STEPS);
  const corner = (): Vector3 => vector((axis) => (scene.low[axis] as number) + cursor.u16() * (step[axis] as number));
  const chunks: ChunkEntry[] = [];
  let tile = -1;
  let offset = run.offset + run.directory.size;
  for (let i = 0; i < count; i++) {
    tile += 1 + cursor.uint();
    if (tile >= MAX_TILES) throw cursor.corrupt(`tile number ${tile} is too large`);
    const [splats, size, crc] = [cursor.uint(), cursor.uint(), cursor.u32()];
    const name = `tile ${tile} tier ${run.tier} layer ${run.layer} at byte ${offset}`;
    chunks.push({ tile, splats, offset, size, crc, name, box: { low: corner(), high: corner() } });
    offset += size;
  }
  cursor.end();
  if (offset !== run.offset + run.size) throw cursor.corrupt('its chunks do not fill the run');
  return chunks;
}

function readEntries(cursor: Cursor): Entries {
  const shared: SharedEntry[] = [];
  repeat(cursor, cursor.uint(), () => {
    const [kind, id, offset, size] = times(4, () => cursor.uint()) as [number, number, number, number];
    shared.push({ kind, id, offset, size, crc: cursor.u32(), name: `chunk (${kind}, ${id})` });
  });
  const runs: RunEntry[] = [];
  repeat(cursor, cursor.uint(), () => {
    const [segment, tier, layer, offset] = times(4, () => cursor.uint()) as [number, number, number, number];
    const [directorySize, size] = times(2, () => cursor.uint()) as [number, number];
    const name = `directory of segment ${segment} tier ${tier} layer ${layer}`;
    const directory = { offset, size: directorySize, crc: cursor.u32(), name };
    runs.push({ segment, tier, layer, offset, size, directory });
  });
  return { shared, runs };
}

function runName({ segment, tier, layer }: RunEntry): string {
  return `segment ${segment} tier ${tier} layer ${layer}`;
}

/** Reads something as often as a file says; each time takes bytes, so a lie ends with the block. */
function repeat(cursor: Cursor, count: number, read: () => void): void {
  for (let i = 0; i < count; i++) {
    if (cursor.left === 0) throw cursor.corrupt('it ends too early');
    read();
  }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

function vector(make: (axis: number) => number): Vector3 {
  return [make(0), make(1), make(2)];
}
