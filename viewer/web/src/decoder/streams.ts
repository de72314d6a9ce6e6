/** The heads of a chunk's streams: which tables it needs (docs/FORMAT.md 4.1). */

import { Codec, REQUIRED_LIMIT } from './container';
import { Cursor } from './cursor';

export const SH_INDEX = 12;

export interface StreamHead {
  readonly stream: number;
  readonly tableSet: number;
}

/** Of the streams that may not be skipped. */
export function streamHeads(bytes: Uint8Array, codec: number, layer: number, where: string): StreamHead[] {
  const cursor = new Cursor(bytes, where);
  if (layer === 0) (codec === Codec.STEPPED ? skipTileFrame : skipColumnsFrame)(cursor);
  const heads: StreamHead[] = [];
  for (let left = cursor.uint(); left > 0; left--) {
    const head = { stream: cursor.u8(), tableSet: Math.floor(cursor.uint() / 4) };
    cursor.uint(); // bytes of words
    cursor.uint(); // of raw bits
    if (head.stream < REQUIRED_LIMIT) heads.push(head);
  }
  return heads;
}

function skipTileFrame(cursor: Cursor): void {
  if (cursor.u8() === 0) return;
  for (let k = 0; k < 3; k++) cursor.uint(); // origin
  cursor.u8(); // mantissa
  for (let k = 0; k < 4; k++) cursor.uint(); // exponent and levels
}

function skipColumnsFrame(cursor: Cursor): void {
  cursor.skip(2); // depth, low
  for (let k = 0; k < 3; k++) cursor.uint(); // origin
}
