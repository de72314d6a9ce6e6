/**
 * Collects what has arrived of a file, until all of it is turned into one object.
 *
 * Nothing is allocated by what a file claims to hold: only decoded data takes memory.
 */

import type { ChunkEvent, StreamEvent } from '../decoder/types';
import { drawnDegree } from './packing';

export class Gathered {
  /** Coefficients a colour above degree 0 that engines draw. */
  rest = 0;
  /** Up to the last splat that came. */
  rows = 0;
  #chunks: ChunkEvent[] = [];

  take(event: StreamEvent): void {
    if (event.type === 'header') this.rest = (drawnDegree(event.shDegree) + 1) ** 2 - 1;
    if (event.type !== 'chunk') return;
    this.rows = Math.max(this.rows, event.first + event.count);
    this.#chunks.push(event);
  }

  /** The chunks, each of which is let go of before the next one. */
  *chunks(): Generator<ChunkEvent> {
    for (let chunk = this.#chunks.pop(); chunk !== undefined; chunk = this.#chunks.pop()) yield chunk;
  }
}
