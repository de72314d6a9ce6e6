/** Chunks whose numbers tell where they belong. */

import type { SplatsEvent } from '../src/decoder/types';

/** Numbers that tell which splat and which value they are. */
export function numbered(count: number, width: number, base: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count * width }, (_, i) => base + i);
}

export function numberedSplats(first: number, count: number): SplatsEvent {
  return {
    type: 'chunk',
    layer: 0,
    tile: 0,
    tier: 0,
    first,
    count,
    positions: numbered(count, 3, 100 * first),
    logScales: numbered(count, 3, -9),
    rotations: numbered(count, 4, 1),
    opacityLogits: numbered(count, 1, first),
    color: numbered(count, 3, -1),
  };
}
