/**
 * What to fetch next: pure decisions from what is known of a file, without network, decoder or GPU.
 *
 *     start                     the first 64 KB: header, root, directory and, in most files, a first picture
 *     up to tier 0              its tables and all of its tiles: a complete picture
 *     the rest in file order    the order of most quality per byte, except for tiles that the camera does not see
 *     the rest
 *
 * From the tier that exceeds the device's splat budget on, tiers are left out.
 */

import type { Box, ByteRange, ChunkPlace, HeaderEvent, RunRange } from '../decoder/types';
import type { Received } from './received';

/** The first request; a file's start answers nearly always what comes next. */
export const START_BYTES = 65_536;

/** Bytes that are not wanted but fetched all the same, because asking twice takes longer. */
export const WORTH_SKIPPING = 65_536;

/** What is known of a file so far. */
export interface Known {
  readonly header: HeaderEvent;
  /** By `runKey`, of the runs whose directory has come. */
  readonly directories: ReadonlyMap<string, readonly ChunkPlace[]>;
}

export interface Limits {
  /** No tier that would make more splats than this, but always the first. */
  readonly maxSplats: number;
  /** Whether SH above degree 0 is wanted at all. */
  readonly sh: boolean;
}

export type Sees = (box: Box) => boolean;

export function runKey(run: { readonly tier: number; readonly layer: number }): string {
  return `${run.tier}/${run.layer}`;
}

/** Ranges in the order in which they should come; together all that will ever be wanted. */
export function wanted(known: Known, sees: Sees, limits: Limits): ByteRange[] {
  const { header, directories } = known;
  const last = lastTier(known, limits.maxSplats);
  const first: ByteRange[] = [];
  const soon: ByteRange[] = [];
  const later: ByteRange[] = [];
  for (const part of [...header.shared, ...header.runs].sort((a, b) => a.offset - b.offset)) {
    if (!('tier' in part)) {
      soon.push(part); // stands before the first run that needs it, and not before others
    } else if (part.tier > last.tier) {
      // Whether this tier fits is only known once its directory is.
      if (part.tier === last.tier + 1 && last.mayGoOn && part.layer === 0) soon.push(directoryOf(part));
    } else if (part.layer === 0 || limits.sh) {
      const chunks = directories.get(runKey(part));
      if (part.tier === 0 && part.layer === 0) first.push(...soon.splice(0), ...(chunks ?? [part]));
      else if (chunks === undefined) soon.push(part);
      else for (const chunk of chunks) (sees(chunk.box) ? soon : later).push(chunk);
    }
  }
  return [...first, ...soon, ...later];
}

/**
 * The next request: the first range that has not come, as far as what is wanted after it follows in the file.
 *
 * @returns null if all of `ranges` has come.
 */
export function nextRequest(ranges: readonly ByteRange[], received: Received): ByteRange | null {
  let start = -1;
  let end = -1;
  for (const range of ranges) {
    for (const part of received.missing(range)) {
      if (start < 0) {
        start = part.offset;
        end = part.offset + part.size;
      } else if (part.offset >= end && part.offset - end <= WORTH_SKIPPING) {
        end = part.offset + part.size;
      } else {
        return { offset: start, size: end - start };
      }
    }
  }
  return start < 0 ? null : { offset: start, size: end - start };
}

/** Whether a response that has come up to `position` should be read on, now that `next` is what is wanted. */
export function readsOn(position: number, next: ByteRange | null): boolean {
  return next !== null && next.offset >= position && next.offset - position <= WORTH_SKIPPING;
}

function directoryOf(run: RunRange): ByteRange {
  return { offset: run.offset, size: run.directorySize };
}

/** The last tier that the budget allows, of those whose size is known; whether a further one might fit. */
export function lastTier(known: Known, maxSplats: number): { tier: number; mayGoOn: boolean } {
  const { header, directories } = known;
  if (header.count <= maxSplats) return { tier: header.tiers - 1, mayGoOn: false };
  let splats = 0;
  for (let tier = 0; tier < header.tiers; tier++) {
    const chunks = directories.get(runKey({ tier, layer: 0 }));
    if (chunks === undefined) return { tier: Math.max(tier - 1, 0), mayGoOn: tier > 0 };
    splats += chunks.reduce((sum, chunk) => sum + chunk.count, 0);
    if (splats > maxSplats && tier > 0) return { tier: tier - 1, mayGoOn: false };
  }
  return { tier: header.tiers - 1, mayGoOn: false };
}
