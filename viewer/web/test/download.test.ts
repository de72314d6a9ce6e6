import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ByteRange } from '../src/decoder/types';
import { Download, type DownloadOptions } from '../src/loading/download';
import { LoadError } from '../src/loading/problems';
import { nextRequest } from '../src/loading/schedule';

const FILE = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) & 255);

interface Server {
  readonly ranges?: boolean;
  /** Bytes after which an answer breaks off, one for each request; the last one for all further. */
  readonly cuts?: readonly number[];
  readonly statuses?: readonly number[];
  readonly tags?: readonly string[];
  /** What there is of the file. */
  readonly bytes?: number;
}

/** A server in 40 lines; `asked` has the Range of each request. */
function serverOf(server: Server): { fetch: typeof fetch; asked: (string | null)[] } {
  const asked: (string | null)[] = [];
  const there = FILE.subarray(0, server.bytes ?? FILE.length);
  const answer = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    const number = asked.length;
    const range = new Headers(init?.headers).get('Range');
    asked.push(range);
    const status = server.statuses?.[number] ?? 200;
    if (status !== 200) return new Response('no', { status });
    const tag = server.tags?.[Math.min(number, server.tags.length - 1)] ?? '"a"';
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [];
    const isPart = server.ranges !== false && from !== undefined;
    const start = isPart ? Number(from) : 0;
    if (isPart && start >= there.length)
      return new Response('', { status: 416, headers: { 'Content-Range': `bytes */${there.length}` } });
    const whole = isPart ? there.subarray(start, Number(to) + 1) : there;
    const cut = server.cuts?.[Math.min(number, server.cuts.length - 1)] ?? Infinity;
    const headers: Record<string, string> = { ETag: tag, 'Content-Length': String(whole.length) };
    if (isPart) headers['Content-Range'] = `bytes ${start}-${start + whole.length - 1}/${there.length}`;
    return new Response(bodyOf(whole.subarray(0, cut), cut < whole.length), { status: isPart ? 206 : 200, headers });
  };
  return { fetch: answer as typeof fetch, asked };
}

function bodyOf(bytes: Uint8Array, isCut: boolean): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += 10_000)));
      else if (isCut) controller.error(new TypeError('network error'));
      else controller.close();
    },
  });
}

interface Run {
  readonly got: Uint8Array;
  readonly twice: number;
  readonly error: unknown;
  readonly asked: (string | null)[];
  readonly download: Download;
}

async function run(server: Server, ranges: readonly ByteRange[], more: Partial<DownloadOptions> = {}): Promise<Run> {
  const got = new Uint8Array(FILE.length);
  const times = new Uint8Array(FILE.length);
  const { fetch, asked } = serverOf(server);
  const download = new Download({
    url: 'https://example.org/some%20scene.splatz',
    onBytes: (bytes, offset) => {
      got.set(bytes, offset);
      for (let i = 0; i < bytes.length; i++) times[offset + i]!++;
    },
    next: (received) => nextRequest(ranges, received),
    fileBytes: () => FILE.length,
    signal: new AbortController().signal,
    fetch,
    pauses: [0, 0, 0],
    ...more,
  });
  let error: unknown = null;
  await download.run().catch((thrown: unknown) => (error = thrown));
  return { got, twice: times.filter((count) => count > 1).length, error, asked, download };
}

const WHOLE = [{ offset: 0, size: FILE.length }];

function problemOf(error: unknown): string {
  assert.ok(error instanceof LoadError, String(error));
  return error.problem.title;
}

test('ranges are asked for as they are wanted, each byte once', async () => {
  const ranges = [
    { offset: 0, size: 1000 },
    { offset: 200_000, size: 50_000 },
    { offset: 1000, size: 1000 },
  ];
  const { got, twice, error, asked } = await run({}, ranges);
  assert.equal(error, null);
  assert.deepEqual(asked, ['bytes=0-999', 'bytes=200000-249999', 'bytes=1000-1999']);
  assert.equal(twice, 0);
  for (const { offset, size } of ranges) assert.deepEqual(got.slice(offset, offset + size), FILE.slice(offset, offset + size));
});

test('a server without ranges sends one stream, which is read to the end', async () => {
  const { got, error, asked, download } = await run({ ranges: false }, WHOLE);
  assert.equal(error, null);
  assert.equal(asked.length, 1);
  assert.equal(download.hasRanges, false);
  assert.deepEqual(got, FILE);
});

test('a stream of which no more is wanted is left', async () => {
  const { error, download } = await run({ ranges: false }, [{ offset: 0, size: 25_000 }]);
  assert.equal(error, null);
  assert.equal(download.received.bytes, 30_000);
});

test('a connection that is cut goes on where it was cut', async () => {
  const { got, twice, error, asked } = await run({ cuts: [70_000, 30_000, 90_000, Infinity] }, WHOLE);
  assert.equal(error, null);
  assert.deepEqual(asked, ['bytes=0-299999', 'bytes=70000-299999', 'bytes=100000-299999', 'bytes=190000-299999']);
  assert.equal(twice, 0);
  assert.deepEqual(got, FILE);
});

test('without ranges a cut means reading over, and nothing is handed on twice', async () => {
  const { got, twice, error } = await run({ ranges: false, cuts: [70_000, Infinity] }, WHOLE);
  assert.equal(error, null);
  assert.equal(twice, 0);
  assert.deepEqual(got, FILE);
});

test('where every attempt fails the person is told how far it came, and can go on from there', async () => {
  const { error, asked, download } = await run({ cuts: [70_000, 0] }, WHOLE);
  assert.equal(problemOf(error), 'The connection was lost after 70 KB of 300 KB.');
  assert.equal(asked.length, 1 + 3);
  assert.equal((error as LoadError).problem.canRetry, true);
  assert.equal(download.received.prefix, 70_000);
});

test('a failing server is asked again, a missing file is not', async () => {
  const { got, error, asked } = await run({ statuses: [503, 500, 429] }, WHOLE);
  assert.equal(error, null);
  assert.equal(asked.length, 4);
  assert.deepEqual(got, FILE);
  const missing = await run({ statuses: [404, 404] }, WHOLE);
  assert.equal(problemOf(missing.error), 'The server cannot find some scene.splatz (404).');
  assert.equal(missing.asked.length, 1);
  const down = await run({ statuses: [500, 500, 500, 500, 500] }, WHOLE);
  assert.equal(problemOf(down.error), 'The server failed (500).');
  const secret = await run({ statuses: [403] }, WHOLE);
  assert.equal(problemOf(secret.error), 'The server refuses access to some scene.splatz (403).');
});

test('a file that changes on the way is not mixed with the old one', async () => {
  const { error, download } = await run({ cuts: [70_000, Infinity], tags: ['"a"', '"b"'] }, WHOLE);
  assert.match(problemOf(error), /^The server replaced /);
  assert.equal(download.received.bytes, 70_000);
});

test('a copy that was not uploaded whole is called that, with and without ranges', async () => {
  for (const ranges of [true, false]) {
    const { error, got } = await run({ ranges, bytes: 123_456 }, WHOLE);
    assert.equal(problemOf(error), "The server's copy of the file ends after 124 KB of 300 KB.", `ranges: ${ranges}`);
    assert.deepEqual(got.slice(0, 123_456), FILE.slice(0, 123_456));
  }
});

/** A server whose answers somebody between changes. */
async function between(change: (asked: string | null, init: RequestInit | undefined) => Response | undefined): Promise<Run> {
  const { fetch } = serverOf({});
  const seen: (string | null)[] = [];
  const changed = (async (url: string, init?: RequestInit) => {
    const range = new Headers(init?.headers).get('Range');
    seen.push(range);
    return change(range, init) ?? fetch(url, init);
  }) as typeof globalThis.fetch;
  const halves = [{ offset: 0, size: 150_000 }, { offset: 150_000, size: 150_000 }];
  const next: DownloadOptions['next'] = (received) =>
    nextRequest(halves.filter((half) => !received.has(half)).slice(0, 1), received);
  const done = await run({}, WHOLE, { fetch: changed, next });
  return { ...done, asked: seen };
}

test('a file that is stored compressed comes as a whole, since browsers read no ranges of it', async () => {
  const { got, error, asked } = await between((range) => {
    if (range !== null) throw new TypeError('Failed to fetch');
    return undefined;
  });
  assert.equal(error, null);
  assert.deepEqual(asked, ['bytes=0-149999', null]);
  assert.deepEqual(got, FILE);
});

test('an answer that holds nothing of its range is not taken for it, and the whole file asked for', async () => {
  const { got, error, asked } = await between((range) => {
    if (range === null || range.startsWith('bytes=0-')) return undefined;
    return new Response(FILE.slice(0, 150_000), { status: 206, headers: { 'Content-Range': 'bytes 0-149999/300000' } });
  });
  assert.equal(error, null);
  assert.deepEqual(asked, ['bytes=0-149999', 'bytes=150000-299999', null]);
  assert.deepEqual(got, FILE);
});

test('the length of a compressed copy is no end of the file', async () => {
  // From another site one sees the length, and not that it is that of something compressed.
  const { got, error } = await between(() => new Response(FILE.slice(), { headers: { 'Content-Length': '120000' } }));
  assert.equal(error, null);
  assert.deepEqual(got, FILE);
});

test('a server that sends on to another one is asked without the header that the other one may forbid', async () => {
  Object.assign(globalThis, { location: new URL('https://example.org/page'), origin: 'https://example.org' });
  try {
    for (const answeredBy of ['https://example.org/b', 'https://store.example/b']) {
      const { fetch } = serverOf({});
      const conditions: (string | null)[] = [];
      const moved = (async (url: string, init?: RequestInit) => {
        conditions.push(new Headers(init?.headers).get('If-Range'));
        return Object.defineProperty(await fetch(url, init), 'url', { value: answeredBy });
      }) as typeof globalThis.fetch;
      const { error } = await run({}, [{ offset: 0, size: 1000 }, { offset: 200_000, size: 1000 }], { fetch: moved });
      assert.equal(error, null);
      assert.deepEqual(conditions, [null, answeredBy.includes('store') ? null : '"a"']);
    }
  } finally {
    for (const name of ['location', 'origin']) Reflect.deleteProperty(globalThis, name);
  }
});

test('a server that says nothing for too long counts as cut', async () => {
  const silent = (async (_url: unknown, init?: RequestInit) => {
    return new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal!.reason));
    });
  }) as typeof fetch;
  const { error } = await run({}, WHOLE, { fetch: silent, stallSeconds: 0.01 });
  assert.equal(problemOf(error), 'The server cannot be reached.');
});

test('until somebody knows what is where, the file is read from its start', async () => {
  let asked = 0;
  const { got, error } = await run({}, WHOLE, { next: () => (asked++, undefined) });
  assert.equal(error, null);
  assert.ok(asked > 3);
  assert.deepEqual(got, FILE);
});

for (const ranges of [true, false]) {
  test(`paused, nothing is fetched; then it goes on where it was, ${ranges ? 'with' : 'without'} ranges`, async () => {
    const got = new Uint8Array(FILE.length);
    const { fetch, asked } = serverOf({ ranges });
    let reached: () => void = () => {};
    const middle = new Promise<void>((resolve) => (reached = resolve));
    const download = new Download({
      url: 'https://example.org/scene.splatz',
      onBytes: (bytes, offset) => {
        got.set(bytes, offset);
        if (download.received.bytes !== 100_000) return;
        download.paused = true;
        reached();
      },
      next: (received) => nextRequest(WHOLE, received),
      fileBytes: () => FILE.length,
      signal: new AbortController().signal,
      fetch,
      stallSeconds: 0.02,
      pauses: [],
    });
    const done = download.run();
    await middle;
    await new Promise((resolve) => setTimeout(resolve, 60)); // longer than a connection may be silent
    assert.equal(download.received.bytes, 100_000);
    assert.equal(asked.length, 1);
    download.paused = false;
    await done;
    assert.deepEqual(got, FILE);
    assert.deepEqual(asked, ranges ? ['bytes=0-299999', 'bytes=100000-299999'] : ['bytes=0-299999']);
  });
}

test('what is paused can be left', async () => {
  const leaving = new AbortController();
  const { fetch, asked } = serverOf({});
  const download = new Download({
    url: 'https://example.org/scene.splatz',
    onBytes: () => {},
    next: (received) => nextRequest(WHOLE, received),
    fileBytes: () => FILE.length,
    signal: leaving.signal,
    fetch,
  });
  download.paused = true;
  const done = download.run();
  leaving.abort();
  await assert.rejects(done, { name: 'AbortError' });
  assert.equal(asked.length, 0);
});

test('whoever leaves stops it at once', async () => {
  const leaving = new AbortController();
  const { error, asked } = await run({}, WHOLE, {
    signal: leaving.signal,
    next: (received) => {
      if (received.bytes > 50_000) leaving.abort();
      return nextRequest(WHOLE, received);
    },
  });
  assert.equal((error as Error).name, 'AbortError');
  assert.equal(asked.length, 1);
});
