/**
 * Fetches the bytes that a plan asks for: in ranges if the server supports them, else as one stream; after an
 * interruption it resumes without fetching again what has arrived.
 *
 * A server without ranges answers 200 with the whole file, which is then read from the start; after an interruption the
 * bytes that have already arrived are skipped. The first response shows which kind a server is. One that stores the file
 * compressed, or sends other ranges than it is asked for, is asked for the whole file.
 *
 * A paused download releases its connection, since a browser has only six per server for all tabs together; one that
 * could not resume keeps it, and stops reading.
 */

import type { ByteRange } from '../decoder/types';
import { Gate } from './gate';
import { changedProblem, cutProblem, httpProblem, LoadError, shortProblem } from './problems';
import { Received } from './received';
import { readsOn, START_BYTES } from './schedule';
import { unlessStalled } from './stalls';

export interface DownloadOptions {
  readonly url: string;
  /** Gets each block once, as it comes; may keep it. */
  readonly onBytes: (bytes: Uint8Array, offset: number) => void;
  /** What to fetch next, null for nothing more. While the file's table of contents is not known: undefined. */
  readonly next: (received: Received) => ByteRange | null | undefined;
  /** How large the file says it is; null while that is not known. */
  readonly fileBytes: () => number | null;
  readonly signal: AbortSignal;
  readonly fetch?: typeof fetch;
  /** Seconds to wait before another attempt; as many attempts without a byte are made. */
  readonly pauses?: readonly number[];
  /** Seconds without a byte after which a connection counts as cut. */
  readonly stallSeconds?: number;
}

type Outcome = 'done' | 'more';

export class Download {
  readonly received = new Received();
  /** Of the file, as the server says; null until then, or if it does not. */
  total: number | null = null;
  /** Whether the server sends ranges; null before its first answer. */
  hasRanges: boolean | null = null;

  readonly #options: DownloadOptions;
  readonly #gate = new Gate();
  #tag: string | null = null;
  /** Who answered last: a server may send the browser on to another one. */
  #answeredBy: string;
  /** Whether the file ends where `total` says; a length without ranges may be that of a compressed copy. */
  #isTotalSure = false;
  #asksForAll = false;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.#answeredBy = options.url;
  }

  /** Whether it waits, with what has come. */
  set paused(paused: boolean) {
    this.#gate.isShut = paused;
  }

  /**
   * Fetches until the plan wants no more. Can be called again after it threw, and goes on where it stopped.
   *
   * @throws LoadError; AbortError once the signal says so.
   */
  async run(): Promise<void> {
    const pauses = this.#options.pauses ?? [0.4, 1, 2];
    for (let attempt = 0; ; ) {
      const before = this.received.bytes;
      try {
        if ((await this.#request()) === 'done') return;
        attempt = 0;
      } catch (error) {
        if (this.#options.signal.aborted) throw error;
        const isFinal = error instanceof LoadError && error.problem.mayPass !== true;
        if (this.received.bytes > before) attempt = 0;
        if (isFinal || attempt >= pauses.length) {
          throw error instanceof LoadError ? error : new LoadError(cutProblem(this.received.bytes, this.total));
        }
        await pause(pauses[attempt]! * 1000, this.#options.signal);
        attempt++;
        // A range that comes compressed cannot be read, and browsers say no more of it than of a lost connection.
        this.#asksForAll = attempt === 1 && this.received.bytes === 0 && error instanceof TypeError;
      }
    }
  }

  /** One request, as far as it is of use. */
  async #request(): Promise<Outcome> {
    await this.#gate.pass(this.#options.signal);
    const range = this.#wanted();
    if (range === null) return 'done';
    const stop = new AbortController();
    const stopIt = (): void => stop.abort();
    this.#options.signal.addEventListener('abort', stopIt, { once: true });
    try {
      this.#options.signal.throwIfAborted();
      const response = await unlessStalled(this.#ask(range, stop.signal), stop, this.#options.stallSeconds);
      return await this.#read(response, range, stop);
    } finally {
      this.#options.signal.removeEventListener('abort', stopIt);
      stop.abort();
    }
  }

  #wanted(): ByteRange | null {
    const next = this.#options.next(this.received);
    const total = this.#isTotalSure ? this.total! : Infinity;
    if (next && next.offset >= total) {
      throw new LoadError(shortProblem(total, this.#options.fileBytes() ?? next.offset + next.size));
    }
    if (next !== undefined) return next;
    // Nobody knows yet what is where: further from the start, more each time.
    const from = this.received.prefix;
    if (from >= total) return null;
    const end = Math.min(from + Math.max(START_BYTES, from), total);
    return { offset: from, size: end - from };
  }

  #ask(range: ByteRange, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.hasRanges !== false && !this.#asksForAll) {
      headers['Range'] = `bytes=${range.offset}-${range.offset + range.size - 1}`;
      // From other sites this header has to be allowed first, and few servers do; there the answer's ETag has to do.
      if (this.#tag !== null && isOwn(this.#options.url) && isOwn(this.#answeredBy)) headers['If-Range'] = this.#tag;
    }
    return (this.#options.fetch ?? fetch)(this.#options.url, { headers, signal });
  }

  async #read(response: Response, range: ByteRange, stop: AbortController): Promise<Outcome> {
    let position = this.#startOf(response, range);
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await unlessStalled(reader.read(), stop, this.#options.stallSeconds);
      if (done) break;
      this.#options.signal.throwIfAborted();
      const offset = position;
      position += value.length;
      if (this.received.has({ offset, size: value.length })) continue; // comes again: a cut, and no ranges
      this.received.add(offset, value.length);
      this.#options.onBytes(value, offset);
      const next = this.#wanted();
      if (next === null) return 'done';
      if (this.hasRanges && (this.#gate.isShut || !readsOn(position, next))) return 'more';
      await this.#gate.pass(this.#options.signal);
    }
    const end = this.hasRanges ? Math.min(range.offset + range.size, this.total ?? Infinity) : (this.total ?? position);
    if (position < end) throw new LoadError(cutProblem(this.received.bytes, this.total));
    if (!this.hasRanges) this.#end(position); // all there is; `#wanted` says what is lacking
    return this.#wanted() === null ? 'done' : 'more';
  }

  /**
   * Where in the file an answer's bytes begin.
   *
   * @throws LoadError if the answer is none that can be used.
   */
  #startOf(response: Response, range: ByteRange): number {
    const { url } = this.#options;
    this.#answeredBy = response.url || url;
    const said = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(response.headers.get('Content-Range') ?? '');
    const total = said ? Number(said[3]) : NaN;
    const isPlain = ['', 'identity'].includes(response.headers.get('Content-Encoding') ?? '');
    if (response.status === 416) {
      const end = Number.isFinite(total) ? total : this.received.prefix;
      throw new LoadError(shortProblem(end, this.#options.fileBytes() ?? range.offset + range.size));
    }
    if (!response.ok || response.body === null) throw new LoadError(httpProblem(response.status, url));
    const tag = response.headers.get('ETag');
    if (this.#tag !== null && tag !== null && tag !== this.#tag) throw new LoadError(changedProblem(url));
    if (tag !== null && !tag.startsWith('W/')) this.#tag = tag;
    this.hasRanges = response.status === 206;
    if (this.hasRanges) {
      const hidden = [range.offset, range.offset]; // by a server that lacks CORS headers
      const [first, last] = said?.[1] === undefined ? hidden : [Number(said[1]), Number(said[2])];
      if (!isPlain || first! > range.offset || last! < range.offset) {
        this.hasRanges = false;
        throw new LoadError(cutProblem(this.received.bytes, null)); // none that could be read
      }
      if (Number.isFinite(total)) this.#end(total);
      return first!;
    }
    const length = Number(response.headers.get('Content-Length'));
    if (length > 0 && isPlain) this.total = length;
    return 0;
  }

  #end(total: number): void {
    this.total = total;
    this.#isTotalSure = true;
  }
}

function isOwn(url: string): boolean {
  const here = globalThis.location?.href;
  return here !== undefined && new URL(url, here).origin === globalThis.origin; // that of a sandbox is nobody's
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
