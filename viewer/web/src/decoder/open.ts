/** A stream whose reader works in a Web Worker. */

import type { SplatStream, StreamEvent, StreamListener } from './types';
import type { ToWorker } from './worker';

export interface DecoderParts {
  /** Starts worker.js; one worker a stream. */
  startWorker(): Worker;
  /** The decoder's WebAssembly, compiled or as bytes. */
  decoder(): Promise<WebAssembly.Module | ArrayBuffer>;
}

export function openStream(listener: StreamListener, parts: DecoderParts): SplatStream {
  return new WorkerStream(listener, parts);
}

class WorkerStream implements SplatStream {
  readonly #worker: Worker;
  readonly #listener: StreamListener;
  #isOpen = true;
  #hasStarted = false;

  constructor(listener: StreamListener, parts: DecoderParts) {
    this.#listener = listener;
    this.#worker = parts.startWorker();
    this.#worker.onmessage = ({ data }: MessageEvent<StreamEvent>) => {
      this.#hasStarted = true;
      this.#hand(data);
    };
    this.#worker.onerror = ({ message }) => {
      const where = 'worker.js did not start; it must lie beside viewer.js, or where findPartsIn says';
      this.#fail(this.#hasStarted ? message : `${where}${message && ` (${message})`}`);
    };
    // Messages wait for the module: the worker takes them in order.
    this.#module = parts.decoder().then(
      (module) => this.#worker.postMessage({ module } satisfies ToWorker),
      (error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)),
    );
  }
  readonly #module: Promise<void>;

  push(bytes: Uint8Array, offset?: number): void {
    void this.#module.then(() => {
      if (this.#isOpen) this.#worker.postMessage({ bytes, offset } satisfies ToWorker, [bytes.buffer]);
    });
  }

  end(): void {
    void this.#module.then(() => {
      if (this.#isOpen) this.#worker.postMessage('end' satisfies ToWorker);
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#worker.terminate();
  }

  #hand(event: StreamEvent): void {
    if (this.#isOpen) this.#listener(event);
    if (event.type === 'end' || event.type === 'failure') this.close();
  }

  #fail(message: string): void {
    this.#hand({ type: 'failure', error: 'InternalError', message });
  }
}
