/** What of a file is known, decoded and lost so far: bookkeeping, without bytes. */

import type { SharedKey, WholeChunk } from './codec';
import { HEADER_BYTES, type ChunkEntry, type Entries, type Root, type RunEntry, type SharedEntry } from './container';
import { corrupt, type FileError } from './errors';

export type Readiness = 'ready' | 'wait' | 'lost';

interface ListedChunk {
  /** Row of its first splat in its tier. */
  readonly row: number;
  readonly splats: number;
}

/** By tile. */
type Directory = ReadonlyMap<number, ListedChunk>;

export class Progress {
  /** What is damaged, in words. */
  readonly missing: string[] = [];

  readonly #root: Root;
  readonly #isChained: boolean;
  readonly #runs: ReadonlySet<string>;
  readonly #shared = new Map<string, Readiness>();
  /** By `tier,layer`. */
  readonly #directories = new Map<string, Directory>();
  /** Tiers from this one on are lost. */
  #lostTier = Infinity;
  readonly #lostRuns = new Set<string>();
  /** Tiles that lost a tier, and where tiers are chained all later ones with it. */
  readonly #cut = new Map<number, number>();
  readonly #decoded = new Set<string>();
  #count = 0;
  #withSh = 0;
  #listedSplats = 0;

  /** @param isChained - whether a tile's tier needs all its earlier ones. */
  constructor(root: Root, { shared, runs }: Entries, isChained: boolean) {
    this.#root = root;
    this.#isChained = isChained;
    this.#runs = new Set(runs.map(({ tier, layer }) => `${tier},${layer}`));
    for (const { kind, id } of shared) this.#shared.set(`${kind},${id}`, 'wait');
  }

  sharedCame({ kind, id }: SharedEntry): void {
    this.#shared.set(`${kind},${id}`, 'ready');
  }

  sharedLost({ kind, id }: SharedEntry): void {
    this.#shared.set(`${kind},${id}`, 'lost');
  }

  /** Whether the file has such a chunk that has not come yet. */
  awaits(kind: number, id: number): boolean {
    return this.#shared.get(`${kind},${id}`) === 'wait';
  }

  /** @throws FileError if the file never had one of them. */
  sharedState(keys: readonly SharedKey[], name: string): Readiness {
    let all: Readiness = 'ready';
    for (const [kind, id] of keys) {
      const state = this.#shared.get(`${kind},${id}`);
      if (state === undefined) throw corrupt(`${name}: it needs chunk (${kind}, ${id}), which is not listed`);
      if (state === 'lost' || (state === 'wait' && all === 'ready')) all = state;
      if (all === 'lost') break;
    }
    return all;
  }

  /**
   * A directory was read.
   *
   * @returns what of it is not as it should be, and can be left out.
   * @throws FileError if it lists more than the root promises, or all together less.
   */
  directoryCame({ tier, layer }: RunEntry, entries: readonly ChunkEntry[]): FileError[] {
    const directory = new Map<number, ListedChunk>();
    let row = 0;
    for (const { tile, splats } of entries) {
      directory.set(tile, { row, splats });
      row += splats;
    }
    this.#directories.set(`${tier},${layer}`, directory);
    if (layer === 0) this.#addSplats(row);
    return this.#strays(tier);
  }

  directoryLost({ tier, layer }: RunEntry): void {
    this.#lostRuns.add(`${tier},${layer}`);
    if (layer === 0) this.#lostTier = Math.min(this.#lostTier, tier);
  }

  /** The tile goes without this tier and the later ones. */
  cut(tile: number, tier: number): void {
    this.#cut.set(tile, Math.min(tier, this.#cut.get(tile) ?? Infinity));
  }

  /** Row of a chunk's first splat in the whole scene; -1: earlier directories are lacking. */
  firstRow(tile: number, tier: number): number {
    let first = 0;
    for (let earlier = 0; earlier < tier; earlier++) {
      const directory = this.#directories.get(`${earlier},0`);
      if (!directory) return -1;
      for (const { splats } of directory.values()) first += splats;
    }
    const own = this.#directories.get(`${tier},0`)?.get(tile);
    return own ? first + own.row : -1;
  }

  /** Whether what a chunk builds on was decoded. */
  readiness({ tile, tier, layer, name }: WholeChunk): Readiness {
    const cut = this.#cut.get(tile) ?? Infinity;
    if (tier >= this.#lostTier || (this.#isChained ? tier >= cut : tier === cut)) return 'lost';
    for (let earlier = 0; earlier <= tier; earlier++) {
      if (earlier === tier && layer === 0) break;
      const directory = this.#directories.get(`${earlier},0`);
      if (!directory) return 'wait';
      const isNeeded = this.#isChained || earlier === tier;
      if (isNeeded && directory.has(tile) && !this.#decoded.has(`${tile},${earlier}`)) return 'wait';
      if (earlier === tier && !directory.has(tile)) throw corrupt(`${name}: its layer 0 is not listed`);
    }
    return 'ready';
  }

  decoded({ tile, tier, layer, count }: WholeChunk): void {
    if (layer > 0) {
      this.#withSh += count;
    } else {
      this.#count += count;
      this.#decoded.add(`${tile},${tier}`);
    }
  }

  counts(hasRest: boolean): { count: number; withoutSh: number } {
    return { count: this.#count, withoutSh: hasRest ? this.#count - this.#withSh : 0 };
  }

  /** What a scene lacks of what the root promises, in words. */
  lacking(hasRest: boolean): string[] {
    const { count, withoutSh } = this.counts(hasRest);
    const lacking = [...this.missing];
    if (count < this.#root.splats) lacking.push(`${this.#root.splats - count} of ${this.#root.splats} splats`);
    if (withoutSh > 0) lacking.push(`SH of ${withoutSh} splats`);
    return lacking;
  }

  #addSplats(splats: number): void {
    this.#listedSplats += splats;
    const promised = this.#root.splats;
    let isAll = true;
    for (let tier = 0; tier < this.#root.tiers; tier++) isAll &&= this.#directories.has(`${tier},0`);
    if (this.#listedSplats > promised || (isAll && this.#listedSplats < promised))
      throw corrupt(
        `root at byte ${HEADER_BYTES}: it promises ${promised} splats, the directories list ${this.#listedSplats}`,
      );
  }

  /** Chunks of a tier that are in one of its layers alone. */
  #strays(tier: number): FileError[] {
    const first = this.#directories.get(`${tier},0`);
    const rest = this.#directories.get(`${tier},1`);
    if (!first || this.#root.layers < 2) return [];
    if (!rest) {
      const isUnlisted = first.size > 0 && !this.#runs.has(`${tier},1`);
      return isUnlisted ? [corrupt(`root: the SH of tier ${tier} is not listed`)] : [];
    }
    const lacking = [...first.keys()].filter((tile) => !rest.has(tile));
    return lacking.length > 0 ? [corrupt(`tier ${tier}: the SH of tile ${lacking[0]} is not listed`)] : [];
  }
}
