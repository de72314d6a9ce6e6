/** A stream whose reader works in a Web Worker. */

import type { ErrorName, SplatStream, StreamEvent, StreamListener } from './types';
import type { FromWorker, ToWorker } from './worker';

/** Without a word of the worker; its script is small. */
const START_SECONDS = 60;
const WHERE = 'it must lie beside viewer.js, or where findPartsIn says';

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
  readonly #startTimer: ReturnType<typeof setTimeout>;

  constructor(listener: StreamListener, parts: DecoderParts) {
    this.#listener = listener;
    this.#worker = parts.startWorker();
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      this.#hasStarted = true;
      clearTimeout(this.#startTimer);
      if (data !== 'started') this.#hand(data);
    };
    this.#worker.onerror = ({ message }: Partial<ErrorEvent>) => {
      if (this.#hasStarted) this.#fail('InternalError', message ?? 'its worker ended');
      // Where it could not be fetched browsers give no reason.
      else if (!message) this.#fail('PartsError', `worker.js cannot be fetched: there is no connection, or ${WHERE}`);
      else this.#fail('PartsError', `worker.js did not start; ${WHERE} (${message})`);
    };
    const silent = (): void => this.#fail('PartsError', `worker.js has not come: nothing for ${START_SECONDS} seconds`);
    this.#startTimer = setTimeout(silent, 1000 * START_SECONDS);
    // Messages wait for the module: the worker takes them in order.
    this.#module = parts.decoder().then(
      (module) => this.#worker.postMessage({ module } satisfies ToWorker),
      (error: unknown) => this.#fail('PartsError', error instanceof Error ? error.message : String(error)),
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
    clearTimeout(this.#startTimer);
    this.#worker.terminate();
  }

  #hand(event: StreamEvent): void {
    if (this.#isOpen) this.#listener(event);
    if (event.type === 'end' || event.type === 'failure') this.close();
  }

  #fail(error: ErrorName, message: string): void {
    this.#hand({ type: 'failure', error, message });
  }
}
