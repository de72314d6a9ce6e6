/** What a codec does for the reader of a file: shared chunks in, splats of one chunk out. */

/** A chunk with a (kind, id) key, as a reader waits for it. */
export type SharedKey = readonly [kind: number, id: number];

/** One chunk whose checksum is right. */
export interface WholeChunk {
  readonly tile: number;
  readonly tier: number;
  readonly layer: number;
  /** n. */
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Its key and offset, for messages. */
  readonly name: string;
}

/** The arrays of `SplatsEvent`. */
export interface Splats {
  readonly positions: Float32Array<ArrayBuffer>;
  readonly logScales: Float32Array<ArrayBuffer>;
  readonly rotations: Float32Array<ArrayBuffer>;
  readonly opacityLogits: Float32Array<ArrayBuffer>;
  readonly color: Float32Array<ArrayBuffer>;
}

/** Every method throws FileError for what is not as the format has it. */
export interface CodecReader {
  /** Whether a tile's tier needs all its earlier ones. */
  readonly isChained: boolean;
  /** Shared chunks without which nothing can be decoded. */
  readonly essential: readonly SharedKey[];
  /** A shared chunk of a known kind has come; in any order. */
  take(kind: number, id: number, bytes: Uint8Array): void;
  /** Shared chunks that must have been taken before this chunk is decoded. */
  needs(chunk: WholeChunk): readonly SharedKey[];
  /** Whether the file means to have a layer 1 of this codec's. */
  readonly hasRest: boolean;
  /** Layer 0; where tiers are chained, all earlier ones of the tile were decoded before. */
  splats(chunk: WholeChunk): Splats;
  /** Layer 1, (n, B, 3); layer 0 was decoded before, and is not asked for again. */
  sh(chunk: WholeChunk): Float32Array<ArrayBuffer>;
  /** Nothing more comes of a tile: what was kept for it can go. */
  forget(tile: number): void;
  /** All layers 0 were decoded, tile by tile: the order of `EndEvent`. */
  order(isComplete: boolean): Uint32Array<ArrayBuffer> | undefined;
  close(): void;
}
