/**
 * Loads a file: bytes from the network to the decoder, events from the decoder to their consumer.
 *
 *     plan (schedule) -> Download -> SplatStream -> onEvent, onTier, onProgress
 *
 * `run` can be called again after a failure, unless the problem says `startsAnew`; received bytes are not fetched again.
 */

import type {
  ByteRange,
  ChunkEvent,
  ChunkPlace,
  EndEvent,
  HeaderEvent,
  SplatStream,
  StreamEvent,
  StreamListener,
} from '../decoder/types';
import { Download } from './download';
import { failureProblem, lackingProblem, LoadError, shortProblem } from './problems';
import { lastTier, nextRequest, runKey, wanted, type Known, type Limits, type Sees } from './schedule';

/** What web pages begin with. */
const LESS_THAN = 60;

export interface Progress {
  readonly bytes: number;
  /** Of the file; null before anybody said so. */
  readonly totalBytes: number | null;
  readonly splats: number;
  readonly totalSplats: number | null;
  /** Tiers that are whole. */
  readonly tiers: number;
  readonly totalTiers: number | null;
}

/** All chunks of one tier: with `layer` 0 its splats, with 1 their SH. */
export interface Tier {
  readonly tier: number;
  readonly layer: number;
  /** Tiers of the file. */
  readonly of: number;
  readonly chunks: readonly ChunkEvent[];
}

export interface LoadingOptions {
  readonly openStream: (listener: StreamListener) => SplatStream;
  /** Every event of the decoder, in its order. */
  readonly onEvent?: ((event: StreamEvent) => void) | undefined;
  /** A tier and layer is whole; its arrays are those of the events. */
  readonly onTier?: ((tier: Tier) => void) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Whether the camera sees a box; what it does not comes later. */
  readonly sees?: Sees | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly fetch?: typeof fetch | undefined;
  readonly pauses?: readonly number[] | undefined;
}

/** How it ended. */
export interface Outcome {
  readonly end: EndEvent;
  /** Whether the budget of splats left something out. */
  readonly isLimited: boolean;
}

export class Loading {
  readonly #options: LoadingOptions;
  readonly #source: string | Uint8Array;
  readonly #stream: SplatStream;
  readonly #download: Download;
  readonly #directories = new Map<string, readonly ChunkPlace[]>();
  readonly #come = new Map<string, number>();
  readonly #chunks = new Map<string, ChunkEvent[]>();
  #header: HeaderEvent | null = null;
  #splats = 0;
  #tiers = 0;
  #isPushed = false;
  #isDamaged = false;
  #isPage = false;
  #ended: (end: EndEvent) => void = () => {};
  #failed: (error: unknown) => void = () => {};
  readonly #finished: Promise<EndEvent>;
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;

  /** @param source - an address, or the bytes of a whole file. */
  constructor(source: string | Uint8Array, options: LoadingOptions) {
    this.#source = source;
    this.#options = options;
    this.#finished = new Promise((resolve, reject) => {
      this.#ended = resolve;
      this.#failed = reject;
    });
    this.#finished.catch(() => {}); // whoever runs gets it
    this.#stream = options.openStream((event) => this.#take(event));
    const signals = [this.#failure.signal, ...(options.signal ? [options.signal] : [])];
    this.#signal = AbortSignal.any(signals);
    this.#signal.addEventListener('abort', () => this.#failed(this.#signal.reason)); // also while it decodes
    this.#download = new Download({
      url: typeof source === 'string' ? source : '',
      onBytes: (bytes, offset) => {
        if (offset === 0) this.#isPage = bytes[0] === LESS_THAN;
        this.#stream.push(bytes, offset);
        this.#report();
      },
      next: () => this.#next(),
      fileBytes: () => this.#header?.bytes ?? null,
      signal: this.#signal,
      ...(options.fetch && { fetch: options.fetch }),
      ...(options.pauses && { pauses: options.pauses }),
    });
  }

  /**
   * Loads until everything that is wanted has come.
   *
   * @throws LoadError with words; AbortError if the signal says so.
   */
  async run(): Promise<Outcome> {
    try {
      this.#signal.throwIfAborted();
      if (typeof this.#source === 'string') await this.#download.run();
      else if (!this.#isPushed) {
        this.#isPushed = true;
        this.#download.received.add(0, this.#source.length);
        this.#stream.push(this.#source.slice(), 0); // what the caller gave stays the caller's
      }
    } catch (error) {
      if (this.#failure.signal.aborted) await this.#finished; // throws what the decoder said
      if (error instanceof LoadError && (error.problem.startsAnew || !error.problem.canRetry)) this.#stream.end();
      throw error;
    }
    this.#stream.end();
    const end = await this.#finished;
    const isLimited = this.#lastTier < (this.#header?.tiers ?? 1) - 1;
    // What nobody wanted is no part that is missing.
    const isWhole = end.complete || (!this.#limits.sh && end.count === this.#header?.count);
    if (!isWhole && !isLimited && !this.#isDamaged) this.#refuse(end);
    return { end, isLimited };
  }

  /** @throws LoadError: everything that there is has come, and it is not all. */
  #refuse(end: EndEvent): never {
    const total = this.#download.total ?? this.#download.received.bytes;
    const bytes = this.#header?.bytes ?? total;
    throw new LoadError(total < bytes ? shortProblem(total, bytes) : lackingProblem(end.missing));
  }

  /** Whether nothing is fetched for now. */
  set paused(paused: boolean) {
    this.#download.paused = paused;
  }

  close(): void {
    this.#stream.close();
  }

  #next(): ByteRange | null | undefined {
    if (this.#header === null) return undefined;
    const ranges = wanted(this.#known(this.#header), this.#options.sees ?? (() => true), this.#limits);
    return nextRequest(ranges, this.#download.received);
  }

  #known(header: HeaderEvent): Known {
    return { header, directories: this.#directories };
  }

  get #limits(): Limits {
    return { maxSplats: Infinity, sh: true, ...this.#options.limits };
  }

  /** The last tier that the budget allows. */
  get #lastTier(): number {
    return this.#header === null ? 0 : lastTier(this.#known(this.#header), this.#limits.maxSplats).tier;
  }

  /** What goes wrong with whoever listens ends it, too: nobody else would hear of it. */
  #take(event: StreamEvent): void {
    try {
      this.#hand(event);
    } catch (error) {
      this.#failed(error);
      this.#failure.abort();
    }
  }

  #hand(event: StreamEvent): void {
    if (event.type === 'header') this.#header = event;
    else if (event.type === 'directory') this.#directories.set(runKey(event), event.chunks);
    else if (event.type === 'damage') this.#isDamaged = true;
    // What is beyond the budget may have come before anybody could know.
    else if (event.type === 'chunk' && event.tier > this.#lastTier) return;
    this.#options.onEvent?.(event);
    if (event.type === 'chunk') this.#count(event);
    if (event.type === 'directory' && event.chunks.length === 0) this.#complete(event.tier, event.layer);
    if (event.type === 'end') this.#ended(event);
    if (event.type === 'failure') {
      this.#failed(new LoadError(failureProblem(event.error, event.message, this.#isPage)));
      this.#failure.abort();
    }
    this.#report();
  }

  #count(event: ChunkEvent): void {
    if (event.layer === 0) this.#splats += event.count;
    const key = runKey(event);
    const come = (this.#come.get(key) ?? 0) + 1;
    this.#come.set(key, come);
    if (this.#options.onTier) {
      const chunks = this.#chunks.get(key);
      if (chunks) chunks.push(event);
      else this.#chunks.set(key, [event]);
    }
    if (come === this.#directories.get(key)?.length) this.#complete(event.tier, event.layer);
  }

  #complete(tier: number, layer: number): void {
    const key = runKey({ tier, layer });
    const chunks = this.#chunks.get(key) ?? [];
    if (layer === 0) this.#tiers++;
    this.#options.onTier?.({ tier, layer, of: this.#header!.tiers, chunks });
    this.#chunks.delete(key);
  }

  #report(): void {
    this.#options.onProgress?.({
      bytes: this.#download.received.bytes,
      totalBytes: this.#header?.bytes ?? this.#download.total,
      splats: this.#splats,
      totalSplats: this.#header?.count ?? null,
      tiers: this.#tiers,
      totalTiers: this.#header?.tiers ?? null,
    });
  }
}
