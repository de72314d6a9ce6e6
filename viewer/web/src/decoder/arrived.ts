/** The bytes of a file that have arrived, in any order, kept until they are taken. */

interface Piece {
  readonly start: number;
  readonly end: number;
  /** null: all of it was taken. */
  bytes: Uint8Array | null;
  /** Bytes not taken yet. */
  left: number;
}

export class ArrivedBytes {
  /** Disjoint, ascending. */
  #pieces: Piece[] = [];

  /** Where the bytes from the start of the file end that have arrived without a gap. */
  get whole(): number {
    return this.#coveredFrom(0);
  }

  /** Takes bytes over; what had arrived before is ignored. */
  add(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    let at = offset;
    for (let i = this.#after(offset); at < end; i++) {
      const piece = this.#pieces[i];
      const until = Math.min(end, piece?.start ?? end);
      if (until > at) {
        const fresh = bytes.subarray(at - offset, until - offset);
        this.#pieces.splice(i, 0, { start: at, end: until, bytes: fresh, left: fresh.length });
        i++;
      }
      at = Math.max(at, piece?.end ?? end);
    }
  }

  has(offset: number, size: number): boolean {
    return size === 0 || this.#coveredFrom(offset) >= offset + size;
  }

  /** What has arrived of a range, from its start on. */
  peek(offset: number, size: number): Uint8Array {
    const end = Math.min(offset + size, Math.max(offset, this.#coveredFrom(offset)));
    const out = new Uint8Array(end - offset);
    this.#each(offset, end, (piece, start, until) => {
      if (piece.bytes) out.set(piece.bytes.subarray(start - piece.start, until - piece.start), start - offset);
    });
    return out;
  }

  /** The bytes of a range that has arrived; nobody needs them again. */
  take(offset: number, size: number): Uint8Array {
    const inside = this.#pieces[this.#after(offset)];
    const alone = inside?.bytes && inside.start <= offset && offset + size <= inside.end;
    const out = alone
      ? (inside.bytes as Uint8Array).subarray(offset - inside.start, offset - inside.start + size)
      : this.peek(offset, size);
    this.#each(offset, offset + size, (piece, start, until) => {
      piece.left -= until - start;
      if (piece.left <= 0) piece.bytes = null;
    });
    return out;
  }

  /** Index of the first piece that ends behind an offset. */
  #after(offset: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pieces[middle] as Piece).end > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #coveredFrom(offset: number): number {
    let at = offset;
    for (let i = this.#after(offset); i < this.#pieces.length; i++) {
      const piece = this.#pieces[i] as Piece;
      if (piece.start > at) break;
      at = piece.end;
    }
    return at;
  }

  #each(start: number, end: number, visit: (piece: Piece, start: number, end: number) => void): void {
    for (let i = this.#after(start); i < this.#pieces.length; i++) {
      const piece = this.#pieces[i] as Piece;
      if (piece.start >= end) break;
      visit(piece, Math.max(start, piece.start), Math.min(end, piece.end));
    }
  }
}
