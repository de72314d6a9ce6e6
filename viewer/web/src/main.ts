/**
 * The module that a page loads: it registers `<splat-zip>`, and fills pages that splatzip made with one.
 *
 *     <script type="module" src="viewer.js"></script> <splat-zip src="scene.splatz"></splat-zip>
 *     import { load } from './viewer.js';  await load('scene.splatz', { onTier: ({ chunks }) => ... });
 *
 * A page made by splatzip has `#splatzip-settings`; query parameters may add to these. `load` is for other engines:
 * arrays, tier by tier, as bytes arrive; `loadEntity` makes a PlayCanvas entity of them, `loadMesh` a three.js object
 * with Spark, `loadPly` a PLY in memory for any other engine.
 */

import type { AppBase, Entity } from 'playcanvas';

import { SETTINGS } from './config';
import { openStream } from './decoder/open';
import type { StreamEvent } from './decoder/types';
import { EntityMaker, type Engine } from './engine/entity';
import { PlyMaker } from './engine/ply';
import { Loading, type LoadingOptions, type Outcome } from './loading/loading';
import { heldScene, partsAt, partsIn } from './parts';
import type { State } from './state';
import { registerElement, type SplatZipAttributes, type SplatZipElement } from './ui/element';

export type { Tier, Progress, Outcome } from './loading/loading';
export { LoadError, type Problem } from './loading/problems';
export { ITSELF, StandIns, standIn, type Compensation } from './decoder/standing_in';
export type * from './decoder/types';
export type { SplatZipAttributes, SplatZipElement, State };

declare global {
  interface HTMLElementTagNameMap {
    'splat-zip': SplatZipElement;
  }
  interface HTMLElementEventMap {
    'splatzip-state': CustomEvent<State>;
  }
}

// Bundlers that know this form, word by word, take the two files along (vite.config.ts).
let parts = partsAt({
  worker: new URL(/* @vite-ignore */ './worker.js', import.meta.url),
  decoder: new URL(/* @vite-ignore */ './decoder.wasm', import.meta.url),
});

/**
 * Says where `worker.js` and `decoder.wasm` lie, if not beside this module: some bundlers move it, and leave them.
 *
 * @param folder - its address; before anything is loaded.
 */
export function findPartsIn(folder: string | URL): void {
  parts = partsIn(folder);
}

/**
 * Loads a file and hands out what it decodes to.
 *
 * @param source - an address, or the bytes of a whole file.
 * @param options - `onTier` gets each tier once it is whole, `onEvent` everything as it comes.
 * @returns how it ended.
 * @throws LoadError, whose `problem` says in words what went wrong.
 */
export async function load(
  source: string | URL | Uint8Array,
  options: Omit<LoadingOptions, 'openStream'> = {},
): Promise<Outcome> {
  const from = source instanceof Uint8Array ? source : new URL(source, document.baseURI).href;
  const loading = new Loading(from, { ...options, openStream: (listener) => openStream(listener, parts) });
  try {
    return await loading.run();
  } finally {
    loading.close();
  }
}

/**
 * Loads a file as an entity of a PlayCanvas application.
 *
 * @param engine - the module `playcanvas` that the application is of.
 * @param options - as of `load`.
 * @returns an entity with a gsplat component, not yet in the hierarchy.
 * @throws LoadError, whose `problem` says in words what went wrong.
 */
export async function loadEntity(
  engine: Engine,
  app: AppBase,
  source: string | URL | Uint8Array,
  options: Omit<LoadingOptions, 'openStream'> = {},
): Promise<Entity> {
  const maker = await collected(new EntityMaker(), source, options);
  return maker.entity(engine, app);
}

/**
 * Loads a file as the bytes of a 3DGS PLY, which other engines read from memory.
 *
 * @param options - as of `load`.
 * @throws LoadError, whose `problem` says in words what went wrong.
 */
export async function loadPly(
  source: string | URL | Uint8Array,
  options: Omit<LoadingOptions, 'openStream'> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return (await collected(new PlyMaker(), source, options)).bytes();
}

/** What is used of Spark's `SplatMesh`, an Object3D of three.js. */
export interface SparkMesh {
  readonly initialized: Promise<unknown>;
  readonly quaternion: { set(x: number, y: number, z: number, w: number): unknown };
}

/** What is used of the module `@sparkjsdev/spark`. */
export interface Spark<Mesh extends SparkMesh, FileType> {
  readonly SplatMesh: new (options: { fileBytes: Uint8Array; fileType: FileType }) => Mesh;
  readonly SplatFileType: { readonly PLY: FileType };
}

/**
 * Loads a file as an object of three.js, drawn by Spark.
 *
 * @param spark - the module `@sparkjsdev/spark` that the page has.
 * @param options - as of `load`.
 * @returns a mesh with everything in it, turned upright for three.js, not yet in a scene.
 * @throws LoadError, whose `problem` says in words what went wrong.
 */
export async function loadMesh<Mesh extends SparkMesh, FileType>(
  spark: Spark<Mesh, FileType>,
  source: string | URL | Uint8Array,
  options: Omit<LoadingOptions, 'openStream'> = {},
): Promise<Mesh> {
  const fileBytes = await loadPly(source, options);
  const mesh = new spark.SplatMesh({ fileBytes, fileType: spark.SplatFileType.PLY });
  mesh.quaternion.set(1, 0, 0, 0); // right-down-front to right-up-back
  await mesh.initialized;
  return mesh;
}

/** A maker that has taken all of a file. */
async function collected<Maker extends { take(event: StreamEvent): void }>(
  maker: Maker,
  source: string | URL | Uint8Array,
  options: Omit<LoadingOptions, 'openStream'>,
): Promise<Maker> {
  const onEvent = (event: StreamEvent): void => {
    maker.take(event);
    options.onEvent?.(event);
  };
  await load(source, { ...options, onEvent });
  return maker;
}

/** Fills a page that splatzip made. */
function fillPage(): void {
  document.getElementById('splatzip-waits')?.remove(); // says why a page stays empty
  const settings = document.getElementById('splatzip-settings');
  if (settings === null) return;
  const said = JSON.parse(settings.textContent || '{}') as Record<string, unknown>;
  const asked = Object.fromEntries(new URLSearchParams(location.search));
  const element = document.createElement('splat-zip');
  element.setAttribute('role', 'main'); // all of the page
  const values: Record<string, unknown> = { link: '', ...asked, ...said };
  // By name: an address is anybody's, and must not say what happens on a click.
  for (const name of SETTINGS) if (values[name] !== undefined) element.setAttribute(name, String(values[name]));
  // Also where a policy refuses the page's own style.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('splat-zip { position: fixed; inset: 0 }');
  document.adoptedStyleSheets.push(sheet);
  document.body.append(element);
  // And all keys are for it, also before anybody has clicked it.
  document.addEventListener('keydown', (event) => {
    if (event.target === document.body) element.press(event);
  });
}

// Where a server renders pages there is no document, and nothing to do yet.
if (typeof document !== 'undefined') {
  registerElement(() => ({ openStream: (listener) => openStream(listener, parts), scene: heldScene() }));
  fillPage();
}
