import assert from 'node:assert/strict';
import { test } from 'node:test';

import { wholeFile } from '../src/loading/whole';

const ADDRESS = new URL('https://example.org/decoder.wasm');

/** Answers one after the other; `null` never comes, a body ends, or falls silent behind its bytes. */
function serverOf(...answers: (Response | null)[]): { fetch: typeof fetch; asked: () => number } {
  const waiting = [...answers];
  const answer = (_: unknown, { signal }: { signal: AbortSignal }): Promise<Response> => {
    const next = waiting.shift();
    if (next) return Promise.resolve(next);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  };
  return { fetch: answer as unknown as typeof fetch, asked: () => answers.length - waiting.length };
}

/** A body that sends some bytes and nothing more. */
function silentBody(bytes: number[]): Response {
  return new Response(new ReadableStream({ start: (body) => body.enqueue(Uint8Array.from(bytes)) }));
}

/** As fetch does: a body fails once its request is given up. */
function givenUp(make: () => Response): typeof fetch {
  return ((_: unknown, { signal }: { signal: AbortSignal }) => {
    const response = make();
    const reader = response.body!.getReader();
    const body = new ReadableStream({
      async pull(out) {
        const silent = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        const { value } = await Promise.race([reader.read(), silent]);
        out.enqueue(value);
      },
    });
    return Promise.resolve(new Response(body));
  }) as unknown as typeof fetch;
}

test('a connection that says nothing is given up and tried again', async () => {
  const server = serverOf(null, new Response('', { status: 503 }), new Response(Uint8Array.of(1, 2, 3)));
  const bytes = await wholeFile(ADDRESS, 'look there', { ...server, pauses: [0, 0, 0], stallSeconds: 0.02 });
  assert.deepEqual([...new Uint8Array(bytes)], [1, 2, 3]);
  assert.equal(server.asked(), 3);
});

test('one that falls silent every time is said, by name', async () => {
  const options = { fetch: givenUp(() => silentBody([0, 97])), pauses: [0], stallSeconds: 0.02 };
  await assert.rejects(wholeFile(ADDRESS, 'look there', options), /decoder.wasm has not come: nothing for 0.02 seconds/);
});

test('an answer that will not change is not asked for again', async () => {
  const server = serverOf(new Response('', { status: 404 }), new Response(Uint8Array.of(1)));
  await assert.rejects(wholeFile(ADDRESS, 'look there', { ...server, pauses: [0] }), /answered 404 .*; look there/);
  assert.equal(server.asked(), 1);
});
