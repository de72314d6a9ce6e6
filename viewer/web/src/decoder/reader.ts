/**
 * Reads one file as its bytes arrive, in any order, and hands out complete chunks: `SplatStream` without a worker.
 *
 *     bytes -> header -> table of contents -> shared chunks, directories -> chunks -> codec -> events
 *
 * Whatever fails a checksum or a codec is reported and left out (docs/FORMAT.md 3.4); an invalid table of contents ends
 * the stream.
 */

import { ArrivedBytes } from './arrived';
import type { CodecReader, WholeChunk } from './codec';
import { ColumnsReader } from './columns';
import {
  checkEntries, checkMagic, Codec, HEADER_BYTES, Kind, placed, readDirectory, readHeader, readIndex, readRoot,
  type Block, type ChunkEntry, type Entries, type Header, type Root, type RunEntry, type SharedEntry,
} from './container';
import { corrupt, FileError, truncated, unsupported } from './errors';
import { jsonObject } from './json';
import { metaEvent, tiersEvent } from './meta';
import type { Core } from './module';
import { Progress } from './progress';
import { SteppedReader } from './stepped';
import type { SplatStream, StreamEvent, StreamListener } from './types';

/** No file has more splats for each of its bytes, whatever it declares. */
const MAX_SPLATS_PER_BYTE = 1024;

interface PendingChunk {
  readonly run: RunEntry;
  readonly entry: ChunkEntry;
}

export class FileReader implements SplatStream {
  readonly #core: Core;
  readonly #listener: StreamListener;
  readonly #arrived = new ArrivedBytes();
  #isDone = false;
  #hasEnded = false;
  #header: Header | null = null;
  #root: Root | null = null;
  #codec: CodecReader | null = null;
  #progress: Progress | null = null;
  #shared: SharedEntry[] = [];
  #runs: RunEntry[] = [];
  #chunks: PendingChunk[] = [];
  /** Whole, but something else has to come first. */
  #waiting: WholeChunk[] = [];

  constructor(core: Core, listener: StreamListener) {
    this.#core = core;
    this.#listener = listener;
  }

  push(bytes: Uint8Array, offset = this.#arrived.whole): void {
    if (this.#isDone) return;
    this.#arrived.add(bytes, offset);
    this.#guarded(() => this.#advance());
  }

  end(): void {
    if (this.#isDone) return;
    this.#guarded(() => {
      const progress = this.#progress;
      if (!progress) throw this.#cut();
      this.#hasEnded = true;
      this.#advance();
      if (!this.#isDone) this.#finish(progress, this.#arrived.whole);
    });
  }

  close(): void {
    this.#isDone = true;
    this.#codec?.close();
    this.#codec = null;
  }

  /** Whatever is thrown becomes the last event. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (this.#isDone) throw error; // the listener's own
      this.#isDone = true;
      const name = error instanceof FileError ? error.name : 'InternalError';
      const message = error instanceof Error ? error.message : String(error);
      this.#codec = null; // its memory may be in any state
      this.#listener({ type: 'failure', error: name, message });
    }
  }

  #emit(event: StreamEvent): void {
    if (!this.#isDone) this.#listener(event);
  }

  #advance(): void {
    const progress = this.#progress ?? this.#readContents();
    const codec = this.#codec;
    if (!progress || !codec) return;
    for (let again = true; again && !this.#isDone; ) {
      const shared = this.#come(this.#shared, (entry) => entry);
      this.#shared = shared.rest;
      for (const entry of shared.come) this.#takeShared(entry, codec, progress);
      const runs = this.#come(this.#runs, (run) => run.directory);
      this.#runs = runs.rest;
      for (const run of runs.come) this.#takeDirectory(run, progress);
      const chunks = this.#come(this.#chunks, ({ entry }) => entry);
      this.#chunks = chunks.rest;
      for (const chunk of chunks.come) this.#takeChunk(chunk, progress);
      const before = this.#waiting.length;
      this.#waiting = this.#waiting.filter((chunk) => !this.#settle(chunk, codec, progress));
      again = runs.come.length > 0 || this.#waiting.length < before;
    }
    if (this.#shared.length + this.#runs.length + this.#chunks.length === 0 && !this.#isDone)
      this.#finish(progress, this.#header?.fileSize ?? 0);
  }

  /** Splits what is waited for into what has come, in the order of the file, and the rest. */
  #come<T>(all: readonly T[], blockOf: (item: T) => Block): { come: T[]; rest: T[] } {
    const come: T[] = [];
    const rest: T[] = [];
    for (const item of all) {
      const { offset, size } = blockOf(item);
      (this.#arrived.has(offset, size) ? come : rest).push(item);
    }
    return { come: come.sort((a, b) => blockOf(a).offset - blockOf(b).offset), rest };
  }

  /** Header, root, index blocks; null as long as they are not there. */
  #readContents(): Progress | null {
    if (!this.#header) {
      if (!this.#arrived.has(0, HEADER_BYTES)) {
        const start = this.#arrived.peek(0, HEADER_BYTES);
        if (start.length > 0) checkMagic(start);
        return null;
      }
      this.#header = readHeader(this.#arrived.take(0, HEADER_BYTES), (bytes) => this.#core.crc32(bytes));
    }
    const { rootSize, fileSize, rootCrc } = this.#header;
    if (!this.#root) {
      if (!this.#arrived.has(HEADER_BYTES, rootSize)) return null;
      this.#root = readRoot(this.#checked({ offset: HEADER_BYTES, size: rootSize, crc: rootCrc, name: 'root' }));
      if (this.#root.segments !== 1)
        throw unsupported(`root: ${this.#root.segments} segments; scenes in time are not readable by this version`);
      if (!this.#root.isStatic)
        throw unsupported('root: its segment lasts or is predicted; scenes in time are not readable by this version');
    }
    const root = this.#root;
    const first = HEADER_BYTES + rootSize;
    const indexSize = root.indexes.reduce((sum, { size }) => sum + size, 0);
    if (first + indexSize > fileSize) throw truncated('index blocks: they reach beyond the end of the file');
    if (!this.#arrived.has(first, indexSize)) return null;
    const lists = [root.entries];
    let at = first;
    for (const [number, { size, crc }] of root.indexes.entries()) {
      const name = `index block ${number}`;
      lists.push(readIndex(this.#checked({ offset: at, size, crc, name }), `${name} at byte ${at}`));
      at += size;
    }
    const all = { shared: lists.flatMap(({ shared }) => shared), runs: lists.flatMap(({ runs }) => runs) };
    return this.#start(root, placed(all, at), at, fileSize);
  }

  #start(root: Root, entries: Entries, start: number, fileSize: number): Progress {
    checkEntries(root, entries, start, fileSize);
    if (root.splats > MAX_SPLATS_PER_BYTE * fileSize)
      throw corrupt(`root: ${fileSize} bytes cannot hold ${root.splats} splats`);
    const tiers = entries.runs.filter(({ layer }) => layer === 0).length;
    if (tiers !== root.tiers) throw corrupt(`root: it promises ${root.tiers} tiers, ${tiers} are listed`);
    const listed = new Set(entries.shared.map(({ kind, id }) => `${kind},${id}`));
    const codec = this.#codecOf(root, listed);
    this.#codec = codec;
    for (const [kind, id] of codec.essential)
      if (!listed.has(`${kind},${id}`)) throw corrupt(`root: chunk (${kind}, ${id}) is not listed, nothing can be decoded`);
    this.#shared = [...entries.shared];
    this.#runs = [...entries.runs];
    this.#progress = new Progress(root, entries, codec.isChained);
    this.#emit({
      type: 'header',
      bytes: fileSize,
      count: root.splats,
      shDegree: root.shDegree,
      origin: root.origin,
      box: root.box,
      tiers: root.tiers,
      layers: root.layers,
      codec: root.codec === Codec.STEPPED ? 'stepped' : 'columns',
      shared: entries.shared.map(({ kind, id, offset, size }) => ({ kind, id, offset, size })),
      runs: entries.runs.map(({ tier, layer, offset, size, directory }) => ({
        tier, layer, offset, size, directorySize: directory.size,
      })),
    });
    return this.#progress;
  }

  #codecOf(root: Root, listed: ReadonlySet<string>): CodecReader {
    if (root.codec !== Codec.STEPPED && root.codec !== Codec.COLUMNS)
      throw unsupported(`root: codec ${root.codec} is not known to this version`);
    if (root.layers !== (root.shDegree > 0 ? 2 : 1))
      throw unsupported(`root: ${root.layers} layers at SH degree ${root.shDegree} are not known`);
    if (root.codec === Codec.COLUMNS) return new ColumnsReader(this.#core, root.shDegree, listed);
    return new SteppedReader(this.#core, root.shDegree, root.tiers, listed);
  }

  #takeShared(entry: SharedEntry, codec: CodecReader, progress: Progress): void {
    const isEssential = () => codec.essential.some(([kind, id]) => kind === entry.kind && id === entry.id);
    try {
      const bytes = this.#checked(entry);
      if (entry.kind === Kind.META && entry.id === 0) this.#emit(metaEvent(jsonObject(bytes, entry.name)));
      else if (entry.kind === Kind.TIERS && entry.id === 0) this.#takeTiers(bytes);
      else codec.take(entry.kind, entry.id, bytes);
      progress.sharedCame(entry);
    } catch (error) {
      if (!(error instanceof FileError) || isEssential()) throw error;
      progress.sharedLost(entry);
      this.#damage(error, progress);
    }
  }

  #takeTiers(bytes: Uint8Array): void {
    const event = tiersEvent(bytes, (this.#root as Root).tiers);
    if (event) this.#emit(event);
  }

  #takeDirectory(run: RunEntry, progress: Progress): void {
    let entries: ChunkEntry[];
    try {
      entries = readDirectory(this.#checked(run.directory), run, (this.#root as Root).box);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      progress.directoryLost(run);
      return this.#damage(error, progress, { tier: run.tier, layer: run.layer });
    }
    for (const problem of progress.directoryCame(run, entries)) this.#damage(problem, progress);
    this.#chunks.push(...entries.map((entry) => ({ run, entry })));
    this.#emit({
      type: 'directory',
      tier: run.tier,
      layer: run.layer,
      chunks: entries.map(({ tile, splats, offset, size, box }) => ({
        tile, offset, size, box, count: splats, first: progress.firstRow(tile, run.tier),
      })),
    });
  }

  #takeChunk({ run, entry }: PendingChunk, progress: Progress): void {
    const { tile, splats, name } = entry;
    const { tier, layer } = run;
    try {
      this.#waiting.push({ tile, tier, layer, count: splats, bytes: this.#checked(entry), name });
    } catch (error) {
      this.#lose({ tile, tier, layer }, error, progress);
    }
  }

  /** Decodes a chunk if all it needs is there. True: it is done with, whether decoded or lost. */
  #settle(chunk: WholeChunk, codec: CodecReader, progress: Progress): boolean {
    const { tile, tier, layer, count } = chunk;
    try {
      const ready = progress.readiness(chunk);
      if (ready !== 'ready') return ready === 'lost';
      if (!this.#hasEnded && progress.awaits(Kind.TIERS, 0)) return false; // it comes before the first splat
      const needs = progress.sharedState(codec.needs(chunk), chunk.name);
      if (needs !== 'ready') {
        if (needs === 'lost' && layer === 0) progress.cut(tile, tier);
        return needs === 'lost';
      }
      if (layer > 0 && !codec.hasRest) return true;
      const place = { type: 'chunk', tile, tier, first: progress.firstRow(tile, tier), count } as const;
      if (layer === 0) {
        const splats = codec.splats(chunk);
        progress.decoded(chunk);
        this.#emit({ ...place, layer: 0, ...splats });
      } else {
        const sh = codec.sh(chunk);
        progress.decoded(chunk);
        this.#emit({ ...place, layer: 1, sh });
      }
    } catch (error) {
      this.#lose(chunk, error, progress);
    }
    return true;
  }

  #lose(where: { tile: number; tier: number; layer: number }, error: unknown, progress: Progress): void {
    if (!(error instanceof FileError)) throw error;
    const { tile, tier, layer } = where;
    if (layer === 0) {
      progress.cut(tile, tier);
      this.#codec?.forget(tile);
    }
    this.#damage(error, progress, { tile, tier, layer });
  }

  #damage(error: FileError, progress: Progress, where: { tile?: number; tier?: number; layer?: number } = {}): void {
    progress.missing.push(error.message);
    this.#emit({ type: 'damage', error: error.name, message: error.message, ...where });
  }

  #finish(progress: Progress, bytes: number): void {
    const codec = this.#codec as CodecReader;
    const { fileSize } = this.#header as Header;
    const cut = this.#shared.length + this.#runs.length + this.#chunks.length > 0;
    const missing = progress.lacking(codec.hasRest);
    if (cut) missing.unshift(`the file is cut: ${bytes} of ${fileSize} bytes came without a gap`);
    let order: Uint32Array | undefined;
    try {
      order = codec.order(missing.length === 0);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#damage(error, progress);
      missing.push(error.message);
    }
    const { count, withoutSh } = progress.counts(codec.hasRest);
    codec.close();
    this.#codec = null;
    const end = { type: 'end', complete: missing.length === 0, count, withoutSh, missing } as const;
    this.#emit(order ? { ...end, order } : end);
    this.#isDone = true;
  }

  #cut(): FileError {
    const came = this.#arrived.whole;
    if (came === 0) return new FileError('NotSplatzipError', 'not a .splatz file: it is empty');
    if (!this.#header) return truncated(`the file ends inside its header: ${came} of ${HEADER_BYTES} bytes`);
    return truncated(`the file is cut inside its table of contents: ${came} of ${this.#header.fileSize} bytes`);
  }

  #checked({ offset, size, crc, name }: Block): Uint8Array {
    const bytes = this.#arrived.take(offset, size);
    if (this.#core.crc32(bytes) !== crc) throw corrupt(`${name}: the checksum is wrong; the file was damaged`);
    return bytes;
  }
}
