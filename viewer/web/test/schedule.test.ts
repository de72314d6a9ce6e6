import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Box, ByteRange, ChunkPlace, HeaderEvent } from '../src/decoder/types';
import { Received } from '../src/loading/received';
import { nextRequest, readsOn, runKey, wanted, WORTH_SKIPPING, type Known } from '../src/loading/schedule';

const HERE: Box = { low: [0, 0, 0], high: [1, 1, 1] };
const THERE: Box = { low: [9, 9, 9], high: [10, 10, 10] };
const MB = 1_000_000;
const all = { maxSplats: Infinity, sh: true };
const seesHere = (box: Box): boolean => box === HERE;

/** A file of 3 tiers with SH: 1,000 bytes of directory a run, two tiles in each, 1 MB a chunk. */
function file(known: readonly string[]): Known {
  const shared = [{ kind: 1, id: 0, offset: 500, size: 500 }];
  const runs = [];
  const directories = new Map<string, ChunkPlace[]>();
  let offset = 1000;
  for (const tier of [0, 1, 2]) {
    for (const layer of [0, 1]) {
      const run = { tier, layer, offset, directorySize: 1000, size: 1000 + 2 * MB };
      const chunk = (tile: number, box: Box): ChunkPlace => {
        return { tile, count: 100_000, first: 0, box, offset: run.offset + 1000 + tile * MB, size: MB };
      };
      if (known.includes(runKey(run))) directories.set(runKey(run), [chunk(0, THERE), chunk(1, HERE)]);
      runs.push(run);
      offset += run.size;
    }
  }
  const header = { type: 'header', bytes: offset, count: 600_000, tiers: 3, layers: 2, shared, runs } as unknown as HeaderEvent;
  return { header, directories };
}

const everything = file(['0/0', '0/1', '1/0', '1/1', '2/0', '2/1']);

function startsOf(ranges: readonly ByteRange[]): number[] {
  return ranges.map((range) => range.offset);
}

test('what nothing can be decoded without comes first, then tier 0 of every tile, seen or not', () => {
  const order = startsOf(wanted(everything, seesHere, all));
  assert.deepEqual(order.slice(0, 3), [500, 2000, 2000 + MB]);
});

test('then what the camera sees, in the order of the file, and the rest last', () => {
  const order = startsOf(wanted(everything, seesHere, all)).slice(3);
  const run = 1000 + 2 * MB;
  const seen = [1, 2, 3, 4, 5].map((index) => 2000 + index * run + MB);
  assert.deepEqual(order, [...seen, ...seen.map((offset) => offset - MB)]);
});

test('a run whose directory has not come is wanted whole', () => {
  const ranges = wanted(file([]), seesHere, all);
  assert.equal(ranges.reduce((sum, range) => sum + range.size, 0), everything.header.bytes - 500);
});

test('a file that is seen whole is one request', () => {
  const received = new Received();
  received.add(0, 65536);
  const next = nextRequest(wanted(everything, () => true, all), received);
  assert.deepEqual(next, { offset: 65536, size: everything.header.bytes - 65536 });
});

test('what lies between two wanted ranges is fetched where it is little, and not where it is much', () => {
  const near = [{ offset: 0, size: 10 }, { offset: 10 + WORTH_SKIPPING, size: 10 }];
  assert.deepEqual(nextRequest(near, new Received()), { offset: 0, size: 20 + WORTH_SKIPPING });
  const far = [{ offset: 0, size: 10 }, { offset: 11 + WORTH_SKIPPING, size: 10 }];
  assert.deepEqual(nextRequest(far, new Received()), { offset: 0, size: 10 });
});

test('nothing that has come is asked for again', () => {
  const received = new Received();
  const asked: ByteRange[] = [];
  for (;;) {
    const next = nextRequest(wanted(everything, seesHere, all), received);
    if (next === null) break;
    assert.deepEqual(received.missing(next), [next]);
    asked.push(next);
    received.add(next.offset, Math.ceil(next.size / 2)); // cut in the middle
  }
  assert.ok(asked.length > 10);
  assert.ok(wanted(everything, seesHere, all).every((range) => received.has(range)));
});

test('a response is read on as long as what it brings is wanted next', () => {
  assert.equal(readsOn(100, { offset: 100, size: 5 }), true);
  assert.equal(readsOn(100, { offset: 100 + WORTH_SKIPPING, size: 5 }), true);
  assert.equal(readsOn(100, { offset: 101 + WORTH_SKIPPING, size: 5 }), false);
  assert.equal(readsOn(100, { offset: 50, size: 5 }), false);
  assert.equal(readsOn(100, null), false);
});

test('a weak device stops at the tier that its budget ends with, but gets the first one always', () => {
  const last = (maxSplats: number, known = everything): number =>
    Math.max(...wanted(known, () => true, { maxSplats, sh: true }).map((range) => range.offset + range.size));
  const endOf = (runs: number): number => 1000 + runs * (1000 + 2 * MB);
  assert.equal(last(600_000), endOf(6));
  assert.equal(last(599_999), endOf(4));
  assert.equal(last(400_000), endOf(4));
  assert.equal(last(399_999), endOf(2));
  assert.equal(last(1), endOf(2));
});

test('of a tier that may be too much only the directory is fetched at first', () => {
  const known = file(['0/0', '0/1']);
  const ranges = wanted(known, () => true, { maxSplats: 500_000, sh: true });
  assert.deepEqual(ranges.at(-1), { offset: 1000 + 2 * (1000 + 2 * MB), size: 1000 });
});

test('without SH the second layers stay where they are', () => {
  const ranges = wanted(everything, () => true, { maxSplats: Infinity, sh: false });
  assert.equal(ranges.length, 1 + 3 * 2);
});

test('bytes that came are one account, whatever their order', () => {
  const received = new Received();
  received.add(10, 10);
  received.add(30, 10);
  received.add(0, 5);
  assert.deepEqual(received.missing({ offset: 0, size: 50 }), [
    { offset: 5, size: 5 },
    { offset: 20, size: 10 },
    { offset: 40, size: 10 },
  ]);
  assert.equal(received.prefix, 5);
  received.add(3, 30);
  assert.deepEqual([received.prefix, received.bytes], [40, 40]);
  assert.equal(received.has({ offset: 39, size: 1 }), true);
  assert.equal(received.has({ offset: 39, size: 2 }), false);
  received.add(7, 0);
  assert.equal(received.bytes, 40);
});
