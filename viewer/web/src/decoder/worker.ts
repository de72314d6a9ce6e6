/** The decoder's thread: a reader behind messages. Built as a classic script, so that it also starts from a Blob. */

import { Core } from './module';
import { FileReader } from './reader';
import type { StreamEvent } from './types';

/** What the page sends: the module first, then bytes as they arrive. */
export type ToWorker =
  | { readonly module: WebAssembly.Module | ArrayBuffer }
  | { readonly bytes: Uint8Array; readonly offset: number | undefined }
  | 'end';

/** What it says before anything else: a script that never comes says nothing at all. */
export type FromWorker = StreamEvent | 'started';

const scope = self as unknown as DedicatedWorkerGlobalScope;
let reader: Promise<FileReader> | null = null;

async function start(module: WebAssembly.Module | ArrayBuffer): Promise<FileReader> {
  const compiled = module instanceof WebAssembly.Module ? module : await WebAssembly.compile(module);
  return new FileReader(new Core(compiled), (event) => scope.postMessage(event, { transfer: buffersOf(event) }));
}

/** The arrays of an event go to the page without a copy. */
function buffersOf(event: StreamEvent): ArrayBufferLike[] {
  return Object.values(event).filter(ArrayBuffer.isView).map(({ buffer }) => buffer);
}

/** A module with a function that makes a vector. */
const WITH_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

function fail(error: unknown): void {
  const canDecode = typeof WebAssembly === 'object' && WebAssembly.validate(WITH_SIMD);
  const message = `the decoder did not start: ${error instanceof Error ? error.message : String(error)}`;
  scope.postMessage({ type: 'failure', error: canDecode ? 'InternalError' : 'BrowserError', message } satisfies StreamEvent);
}

scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data !== 'end' && 'module' in data) {
    reader = start(data.module);
    reader.catch(fail);
    return;
  }
  void reader?.then(
    (open) => (data === 'end' ? open.end() : open.push(data.bytes, data.offset)),
    () => {}, // it was said that there is no reader
  );
};

scope.postMessage('started' satisfies FromWorker);
