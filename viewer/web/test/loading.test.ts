import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { EndEvent, HeaderEvent, SplatStream, StreamEvent, StreamListener } from '../src/decoder/types';
import { Loading } from '../src/loading/loading';
import { LoadError } from '../src/loading/problems';

const HEADER = { type: 'header', count: 3, tiers: 1, layers: 1, bytes: 5, shared: [], runs: [] } as unknown as HeaderEvent;
const END: EndEvent = { type: 'end', complete: true, count: 3, withoutSh: 0, missing: [] };

/** A decoder that says of any bytes that they are a whole file. */
function decoderOf(events: StreamEvent[] = [HEADER, END]): { openStream: (listener: StreamListener) => SplatStream; ends: string[] } {
  const ends: string[] = [];
  const openStream = (listener: StreamListener): SplatStream => ({
    push: () => events.forEach((event) => listener(event)),
    end: () => void ends.push('end'),
    close: () => void ends.push('close'),
  });
  return { openStream, ends };
}

test('what goes wrong with whoever listens ends the loading and is thrown', async () => {
  const onEvent = (): void => {
    throw new RangeError('no memory for that');
  };
  const loading = new Loading(new Uint8Array(5), { ...decoderOf(), onEvent });
  await assert.rejects(loading.run(), { name: 'RangeError', message: 'no memory for that' });
});

/** A server that answers with these statuses, then with the file. */
function serverOf(...statuses: number[]): typeof fetch {
  return (async () => {
    const status = statuses.shift() ?? 206;
    const headers = { 'Content-Range': 'bytes 0-4/5', ETag: '"a"' };
    return new Response(status === 206 ? new Uint8Array(5) : 'no', { status, headers });
  }) as unknown as typeof fetch;
}

test('a decoder waits for what a server refuses at first, and is told of the end where nothing more can come', async () => {
  const { openStream, ends } = decoderOf();
  const loading = new Loading('https://example.org/a.splatz', { openStream, fetch: serverOf(403, 404), pauses: [] });
  for (const status of [403, 404]) {
    await assert.rejects(loading.run(), (error: LoadError) => error.problem.title.includes(`(${status})`));
    assert.deepEqual(ends, []);
  }
  assert.equal((await loading.run()).end, END);
  assert.deepEqual(ends, ['end']);
});

test('SH that nobody wants is no part that is missing', async () => {
  const end: EndEvent = { ...END, complete: false, withoutSh: 3, missing: ['SH of 3 splats'] };
  const open = (): ReturnType<typeof decoderOf> => decoderOf([HEADER, end]);
  const { isLimited } = await new Loading(new Uint8Array(5), { ...open(), limits: { sh: false } }).run();
  assert.equal(isLimited, false);
  await assert.rejects(new Loading(new Uint8Array(5), open()).run(), /Part of the file is missing/);
});

test('a signal ends it while bytes in memory are decoded, too', async () => {
  const reason = new Error('the visitor left');
  const before = new Loading(new Uint8Array(5), { ...decoderOf(), signal: AbortSignal.abort(reason) });
  await assert.rejects(before.run(), reason);
  const stop = new AbortController();
  const decoding = new Loading(new Uint8Array(5), { ...decoderOf([HEADER]), signal: stop.signal }).run();
  stop.abort(reason);
  await assert.rejects(decoding, reason);
});

test('a web page in place of a file is called that', async () => {
  const events = [{ type: 'failure', error: 'NotSplatzipError', message: 'no' }] as const;
  const page = (async () => new Response('<!doctype html>')) as unknown as typeof fetch;
  const loading = new Loading('https://example.org/a.splatz', { ...decoderOf([...events]), fetch: page, pauses: [] });
  await assert.rejects(loading.run(), /The server sent a web page instead: check the address\./);
});
