// Decodes a file through worker.js as a page does, in a thread of node that has what a worker of a browser has.
//
//     node worker.mjs WEB_FOLDER FILE     prints a JSON list of the events, each array as its length

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';

const [folder, file] = process.argv.slice(2);
const { openStream } = await import(pathToFileURL(join(folder, 'decoder.mjs')).href);

/** What decoder.mjs asks of a browser's Worker. */
class Worker {
  constructor(script) {
    const shim = `
      const { parentPort } = require('node:worker_threads');
      globalThis.self = globalThis;
      globalThis.postMessage = (message, { transfer = [] } = {}) => parentPort.postMessage(message, transfer);
      parentPort.on('message', (data) => self.onmessage({ data }));
    `;
    this.thread = new Thread(shim + script, { eval: true });
    this.thread.on('message', (data) => this.onmessage({ data }));
    this.thread.on('error', (error) => this.onerror(error));
  }
  postMessage(message, transfer) {
    this.thread.postMessage(message, transfer);
  }
  terminate() {
    void this.thread.terminate();
  }
}

const events = [];
const pushed = [];
await new Promise((done) => {
  const listener = (event) => {
    events.push(event);
    if (event.type === 'end' || event.type === 'failure') done();
  };
  const stream = openStream(listener, {
    startWorker: () => new Worker(readFileSync(join(folder, 'worker.js'), 'utf8')),
    decoder: async () => readFileSync(join(folder, 'decoder.wasm')).buffer,
  });
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length; at += 4096) {
    pushed.push(new Uint8Array(bytes.subarray(at, at + 4096)));
    stream.push(pushed.at(-1));
  }
  stream.end();
});
const lengths = (event) =>
  Object.fromEntries(Object.entries(event).map(([name, value]) => [name, ArrayBuffer.isView(value) ? value.length : value]));
process.stdout.write(JSON.stringify({ events: events.map(lengths), kept: pushed.filter(({ length }) => length > 0).length }));
