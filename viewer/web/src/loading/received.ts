/** Which bytes of a file have arrived and need not be fetched again. */

import type { ByteRange } from '../decoder/types';

export class Received {
  /** Ascending, apart: [start, end), start, end, ... */
  #bounds: number[] = [];
  #bytes = 0;

  /** How many bytes have come, each counted once. */
  get bytes(): number {
    return this.#bytes;
  }

  add(offset: number, size: number): void {
    if (size <= 0) return;
    let start = offset;
    let end = offset + size;
    const kept: number[] = [];
    for (let i = 0; i < this.#bounds.length; i += 2) {
      const low = this.#bounds[i]!;
      const high = this.#bounds[i + 1]!;
      if (high < start || low > end) kept.push(low, high);
      else {
        start = Math.min(start, low);
        end = Math.max(end, high);
      }
    }
    const at = kept.findIndex((bound, i) => i % 2 === 0 && bound > end);
    kept.splice(at < 0 ? kept.length : at, 0, start, end);
    this.#bounds = kept;
    this.#bytes = 0;
    for (let i = 0; i < kept.length; i += 2) this.#bytes += kept[i + 1]! - kept[i]!;
  }

  /** The parts of a range that have not come, ascending. */
  missing(range: ByteRange): ByteRange[] {
    const lacking: ByteRange[] = [];
    let from = range.offset;
    const end = range.offset + range.size;
    for (let i = 0; i < this.#bounds.length && from < end; i += 2) {
      const low = this.#bounds[i]!;
      const high = this.#bounds[i + 1]!;
      if (high <= from) continue;
      if (low >= end) break;
      if (low > from) lacking.push({ offset: from, size: low - from });
      from = high;
    }
    if (from < end) lacking.push({ offset: from, size: end - from });
    return lacking;
  }

  has(range: ByteRange): boolean {
    return this.missing(range).length === 0;
  }

  /** How many bytes from the start on have come without a gap. */
  get prefix(): number {
    return this.#bounds[0] === 0 ? this.#bounds[1]! : 0;
  }
}
