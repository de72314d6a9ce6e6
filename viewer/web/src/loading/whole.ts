/** A whole file's bytes; a connection that fails or falls silent is tried again, as that of the scene is. */

import { STALL_SECONDS, unlessStalled } from './stalls';

export interface WholeOptions {
  readonly fetch?: typeof fetch;
  /** Seconds to wait before another attempt. */
  readonly pauses?: readonly number[];
  readonly stallSeconds?: number;
}

/**
 * @param hint - what to do about an answer that is none.
 * @throws Error with words for the visitor.
 */
export async function wholeFile(address: URL, hint: string, options: WholeOptions = {}): Promise<ArrayBuffer> {
  const { pauses = [0.4, 1, 2], stallSeconds = STALL_SECONDS } = options;
  for (let attempt = 0; ; attempt++) {
    const isLast = attempt === pauses.length;
    const stop = new AbortController();
    try {
      const response = await unlessStalled((options.fetch ?? fetch)(address, { signal: stop.signal }), stop, stallSeconds);
      if (response.ok) return await bytesOf(response, stop, stallSeconds);
      if (response.status < 500 || isLast) throw new Error(`the server answered ${response.status} for ${address.href}; ${hint}`);
    } catch (error) {
      if (!(error instanceof TypeError || stop.signal.aborted)) throw error; // that of connections
      const what = stop.signal.aborted ? `has not come: nothing for ${stallSeconds} seconds` : 'cannot be reached';
      if (isLast) throw new Error(`${address.href} ${what}`, { cause: error });
    } finally {
      stop.abort();
    }
    await new Promise((resolve) => setTimeout(resolve, pauses[attempt]! * 1000));
  }
}

async function bytesOf(response: Response, stop: AbortController, stallSeconds: number): Promise<ArrayBuffer> {
  if (response.body === null) return response.arrayBuffer();
  const reader = response.body.getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const { done, value } = await unlessStalled(reader.read(), stop, stallSeconds);
    if (done) return new Blob(parts).arrayBuffer();
    parts.push(value);
  }
}
