/** Reads the fields of one checked block one after another (docs/FORMAT.md 1.1). */

import { corrupt, type FileError } from './errors';

export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  #next = 0;

  /** @param where - the block's name and offset, for messages. */
  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  /** A varint, below 2^64. Beyond 2^53 it is not exact: no file is that large, so such a number is refused later. */
  uint(): number {
    let value = 0;
    for (let scale = 1, shift = 0; ; scale *= 128, shift += 7) {
      if (shift > 63) throw this.corrupt('a number is too long');
      const byte = this.u8();
      if (shift === 63 && byte > 1 && byte < 128) throw this.corrupt('a number is too large');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** Leaves out `size` bytes. */
  skip(size: number): void {
    this.#take(size);
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#next;
  }

  /** Everything must have been read. */
  end(): void {
    if (this.left > 0) throw this.corrupt(`${this.left} bytes are left over`);
  }

  corrupt(what: string): FileError {
    return corrupt(`${this.#where}: ${what}`);
  }

  #take(size: number): number {
    if (size > this.left) throw this.corrupt('it ends too early');
    this.#next += size;
    return this.#next - size;
  }
}
