/**
 * The parts that go with this module: decoder worker, decoder, and in an offline page the scene.
 *
 * A page made by `splatzip export-html` holds them as base64 in script elements that no browser runs
 * (splatzip/publish/page.py); everywhere else they are beside this module.
 */

import { wholeFile } from './loading/whole';

export interface Parts {
  /** Starts the decoder's worker, a classic script. */
  startWorker(): Worker;
  /** The decoder's WebAssembly. */
  decoder(): Promise<ArrayBuffer>;
}

/** The addresses of worker.js and decoder.wasm. */
export interface PartsAt {
  readonly worker: string | URL;
  readonly decoder: string | URL;
}

const BESIDE = 'worker.js and decoder.wasm must lie beside viewer.js, or where findPartsIn says';
const WASM = '0,97,115,109'; // "\0asm"

/** Parts that are looked for when they are needed, from the page's address on. */
export function partsAt({ worker, decoder }: PartsAt): Parts {
  return {
    startWorker: () => {
      const held = heldPart('worker');
      if (held) return new Worker(URL.createObjectURL(new Blob([held], { type: 'text/javascript' })));
      return workerAt(new URL(worker, document.baseURI));
    },
    decoder: async () => {
      const bytes = heldPart('decoder');
      if (bytes) return bytes.buffer;
      const address = new URL(decoder, document.baseURI);
      const fetched = await wholeFile(address, BESIDE);
      if (new Uint8Array(fetched).subarray(0, 4).join() !== WASM) throw new Error(`${address.href} is no WebAssembly; ${BESIDE}`);
      return fetched;
    },
  };
}

/** @param folder - address of the folder that both parts lie in. */
export function partsIn(folder: string | URL): Parts {
  const base = String(folder).replace(/\/$/, '');
  return partsAt({ worker: `${base}/worker.js`, decoder: `${base}/decoder.wasm` });
}

/** The scene that the page itself holds, if it does. */
export function heldScene(): Uint8Array | null {
  return heldPart('scene');
}

/** Workers have to come from the page's own site; a client embedded from elsewhere or in a sandbox uses a Blob. */
function workerAt(address: URL): Worker {
  if (address.origin === globalThis.origin) return new Worker(address);
  const script = `importScripts(${JSON.stringify(address.href)})`;
  return new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
}

function heldPart(name: string): Uint8Array<ArrayBuffer> | null {
  const text = document.getElementById(`splatzip-${name}`)?.textContent;
  if (!text) return null;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
