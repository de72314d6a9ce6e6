/**
 * What a reader of `.splatz` files reports while bytes arrive: the interface between decoder and client.
 *
 *     bytes (any order) -> SplatStream -> header, meta, directory, chunk, chunk, ..., end
 *
 * Words are those of docs/FORMAT.md. A tile is a region of space, a tier a share of its splats (each prefix of the
 * tiers is a complete picture), layer 0 a splat without its SH above degree 0, layer 1 that SH. N splats of a scene,
 * n of a chunk, B SH coefficients a colour above degree 0 (0, 3, 8, 15 or 24).
 */

/** x, y, z. Positions are right-down-front: x right, y down, z front. */
export type Vector3 = readonly [number, number, number];

export interface Box {
  readonly low: Vector3;
  readonly high: Vector3;
}

/** Bytes of the file, `offset` counted from its start. */
export interface ByteRange {
  readonly offset: number;
  readonly size: number;
}

/** A chunk that belongs to no tile (tables, parameters, facts). All of them are needed before the first splat. */
export interface SharedRange extends ByteRange {
  readonly kind: number;
  readonly id: number;
}

/** All chunks of one tier and layer: a directory of them, then the chunks; `size` is both together. */
export interface RunRange extends ByteRange {
  readonly tier: number;
  readonly layer: number;
  readonly directorySize: number;
}

/** Comes first, once: the header, the root and the index blocks are there. */
export interface HeaderEvent {
  readonly type: 'header';
  /** Bytes of the whole file. */
  readonly bytes: number;
  /** N. */
  readonly count: number;
  /** 0 to 4. */
  readonly shDegree: number;
  /** Added to positions where absolute coordinates matter (surveyed scenes); float64, zero for most scenes. */
  readonly origin: Vector3;
  /** Holds all positions, without the origin. */
  readonly box: Box;
  readonly tiers: number;
  /** 1, or 2 where SH above degree 0 follows the rest of its splats. */
  readonly layers: number;
  readonly codec: 'stepped' | 'columns';
  /** Where to fetch what, for clients that fetch ranges. */
  readonly shared: readonly SharedRange[];
  readonly runs: readonly RunRange[];
}

/** Where a scene wants to be looked at from first. */
export interface OpeningCamera {
  readonly position: Vector3;
  readonly target: Vector3;
  readonly up?: Vector3;
  readonly fovYDegrees?: number;
}

/** Facts beside the splats; at most once, when their chunk has come (nearly always right behind the header). */
export interface MetaEvent {
  readonly type: 'meta';
  readonly camera?: OpeningCamera;
  readonly up?: Vector3;
  /** Whether the scene was trained with the antialiasing of Mip-Splatting. */
  readonly antialiased?: boolean;
  readonly title?: string;
  readonly author?: string;
  readonly licence?: string;
  /** The whole JSON object. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** How splats stand in for those of later tiers (FORMAT.md 3.7); at most once, before the first splat. */
export interface TiersEvent {
  readonly type: 'tiers';
  /** (tiers - 1) added to log scales of a splat near which the next tier is the first one to be lacking. */
  readonly widen: readonly number[];
  /** (tiers - 1) its opacity alpha becomes 1 - (1 - alpha)^strengthen. */
  readonly strengthen: readonly number[];
  /** (tiers - 1) log scale of what is added to its covariance. */
  readonly blur?: readonly number[];
  /** A size, and what a splat's widen and the logarithm of its strengthen change by for each unit that it is larger. */
  readonly bySize?: readonly [number, number, number];
  /** The same for each unit of the logarithm of its opacity. */
  readonly byOpacity?: readonly [number, number];
}

/** One chunk that a directory lists. */
export interface ChunkPlace extends ByteRange {
  readonly tile: number;
  /** n. */
  readonly count: number;
  /** Row of its first splat among the N: tier by tier, tiles ascending. -1: not known before earlier tiers are. */
  readonly first: number;
  /** Holds the chunk's positions; what a camera does not see can wait. */
  readonly box: Box;
}

/** The directory of a run has come: its chunks can be told apart, and fetched by their ranges. */
export interface DirectoryEvent {
  readonly type: 'directory';
  readonly tier: number;
  readonly layer: number;
  readonly chunks: readonly ChunkPlace[];
}

interface ChunkEventBase {
  readonly type: 'chunk';
  readonly tile: number;
  readonly tier: number;
  /** Row of the first splat; the chunk's rows are `first` to `first + count - 1`, of every layer. */
  readonly first: number;
  /** n. */
  readonly count: number;
}

/** Splats that can be shown. Their SH above degree 0 is zero until layer 1 comes. */
export interface SplatsEvent extends ChunkEventBase {
  readonly layer: 0;
  /** (n, 3), relative to the header's origin. */
  readonly positions: Float32Array;
  /** (n, 3): natural logarithms of the standard deviations along the splat's axes. */
  readonly logScales: Float32Array;
  /** (n, 4): w, x, y, z. Of length 1 in codec STEPPED, else as the source had them. */
  readonly rotations: Float32Array;
  /** (n); +Infinity is opaque, -Infinity invisible. */
  readonly opacityLogits: Float32Array;
  /** (n, 3): SH coefficients of degree 0, RGB; a colour is 0.5 + 0.28209479 times them. */
  readonly color: Float32Array;
}

/** SH of splats that came before. */
export interface ShEvent extends ChunkEventBase {
  readonly layer: 1;
  /** (n, B, 3): coefficients above degree 0, degree by degree, RGB last. */
  readonly sh: Float32Array;
}

export type ChunkEvent = SplatsEvent | ShEvent;

/** Names of what can be wrong with a file, the same as the Python package's errors; or with the decoder's own files. */
export type ErrorName =
  | 'NotSplatzipError'
  | 'UnsupportedVersionError'
  | 'UnsupportedFeatureError'
  | 'TruncatedError'
  | 'CorruptError'
  | 'FormatError'
  | 'PartsError'
  | 'BrowserError'
  | 'InternalError';

/**
 * A part of the file cannot be used: it is left out and the rest goes on. A tile that lost a tier gets no later one.
 */
export interface DamageEvent {
  readonly type: 'damage';
  readonly error: ErrorName;
  /** One line: what, and where. */
  readonly message: string;
  readonly tile?: number;
  readonly tier?: number;
  readonly layer?: number;
}

/** Nothing more can come of this file: it is none, of another version, or its table of contents is damaged. */
export interface FailureEvent {
  readonly type: 'failure';
  readonly error: ErrorName;
  /** One line. */
  readonly message: string;
}

/** The last event but for a failure: the caller said that no more bytes come, or the whole file was decoded. */
export interface EndEvent {
  readonly type: 'end';
  /** Whether all of the file was decoded and checked. */
  readonly complete: boolean;
  /** Splats that were handed out, and how many of those lack their layer 1. */
  readonly count: number;
  readonly withoutSh: number;
  /** What is lacking, in words; empty if complete. */
  readonly missing: readonly string[];
  /**
   * (N) Only of sources whose order of splats is not the file's (compressed_ply, .ksplat): splat i of the source is
   * row order[i]. Pictures do not depend on it.
   */
  readonly order?: Uint32Array;
}

export type StreamEvent =
  | HeaderEvent
  | MetaEvent
  | TiersEvent
  | DirectoryEvent
  | ChunkEvent
  | DamageEvent
  | FailureEvent
  | EndEvent;

export type StreamListener = (event: StreamEvent) => void;

/**
 * A file that is being read. Events come in this order: header, then anything else, then end; a failure may take the
 * place of any of them and is the last.
 */
export interface SplatStream {
  /**
   * Bytes that have arrived.
   *
   * @param bytes - the stream takes them over: where it runs in a worker, their buffer is transferred and empty then.
   * @param offset - where they stand in the file; without it, behind what was pushed before. Ranges may come in any
   *   order; bytes that came before are ignored.
   */
  push(bytes: Uint8Array, offset?: number): void;
  /** No more bytes come: what is still lacking is missing. The stream answers with `end` (or `failure`). */
  end(): void;
  /** Forget everything; no more events come. */
  close(): void;
}
