/**
 * Splats that stand in for those that have not arrived: wider, softer and more opaque, as the file says (FORMAT.md 3.7).
 *
 * Near a splat a tier is missing if its directory has not arrived, or if the splat lies in the box of one of that tier's
 * chunks that has not. The first missing tier after the splat's own decides by how much.
 */

import type { Box, ChunkPlace, DirectoryEvent, SplatsEvent, TiersEvent } from './types';

export type Compensation = Omit<TiersEvent, 'type'>;

const NOTHING = [0, 0, 0] as const;

/**
 * A splat near which the tier after `tier` is lacking.
 *
 * @param shape - its log scales and its opacity, which are replaced.
 */
export function standIn(compensation: Compensation, tier: number, shape: Float64Array): void {
  const [size, widenBySize, strengthenBySize] = compensation.bySize ?? NOTHING;
  const [widenByOpacity, strengthenByOpacity] = compensation.byOpacity ?? NOTHING;
  const [a, b, c, alpha] = shape as unknown as [number, number, number, number];
  const larger = between((a + b + c - Math.min(a, b, c)) / 2 - size, -3, 3);
  const logAlpha = Math.max(Math.log(alpha), -4);
  const widen = compensation.widen[tier]! + widenBySize * larger + widenByOpacity * logAlpha;
  const factor = Math.exp(strengthenBySize * larger + strengthenByOpacity * logAlpha);
  const variance = compensation.blur ? Math.exp(2 * compensation.blur[tier]!) : 0;
  for (let axis = 0; axis < 3; axis++) {
    const wider = shape[axis]! + between(widen, -1, 3);
    shape[axis] = variance > 0 ? Math.log(Math.exp(2 * wider) + variance) / 2 : wider;
  }
  shape[3] = 1 - (1 - alpha) ** between(compensation.strengthen[tier]! * factor, 0.1, 20);
}

function between(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** Of a splat that stands in for nothing. */
export const ITSELF = 255;

export class StandIns {
  /** Of the file. */
  readonly tiers: number;
  readonly #directories = new Map<number, readonly ChunkPlace[]>();
  readonly #come = new Set<string>();

  constructor(tiers: number) {
    this.tiers = tiers;
  }

  list(directory: DirectoryEvent): void {
    if (directory.layer === 0) this.#directories.set(directory.tier, directory.chunks);
  }

  come(chunk: { readonly tier: number; readonly tile: number }): void {
    this.#come.add(`${chunk.tier}/${chunk.tile}`);
  }

  /** Whether anything is still lacking. */
  get areNeeded(): boolean {
    for (let tier = 1; tier < this.tiers; tier++) if (this.#lacking(tier)?.length !== 0) return true;
    return false;
  }

  /** (n) of each splat of a chunk the tier whose compensation it takes, or `ITSELF`. */
  stages(chunk: SplatsEvent): Uint8Array {
    const stages = new Uint8Array(chunk.count).fill(ITSELF);
    for (let tier = this.tiers - 1; tier > chunk.tier; tier--) {
      const boxes = this.#lacking(tier);
      if (boxes === null) stages.fill(tier - 1);
      else if (boxes.length > 0) mark(stages, chunk.positions, boxes, tier - 1);
    }
    return stages;
  }

  /** The boxes in which a tier is lacking; null: everywhere. */
  #lacking(tier: number): Box[] | null {
    const chunks = this.#directories.get(tier);
    if (chunks === undefined) return null;
    return chunks.filter((chunk) => !this.#come.has(`${tier}/${chunk.tile}`)).map((chunk) => chunk.box);
  }
}

function mark(stages: Uint8Array, positions: Float32Array, boxes: readonly Box[], stage: number): void {
  for (let i = 0; i < stages.length; i++) {
    const x = positions[3 * i]!;
    const y = positions[3 * i + 1]!;
    const z = positions[3 * i + 2]!;
    for (const { low, high } of boxes) {
      if (x < low[0] || y < low[1] || z < low[2] || x > high[0] || y > high[1] || z > high[2]) continue;
      stages[i] = stage;
      break;
    }
  }
}
