/**
 * Where splats are drawn: one canvas, one camera, a container of the engine for each chunk of the file.
 *
 *     SplatsEvent -> texels -> container -> [engine: sort, draw]
 *     ShEvent     -> texels of the same container
 *
 * A chunk is a container, so that what has been uploaded and sorted once is not touched when more arrives. Nothing is
 * drawn unless something changed; `onDrawn` says whether everything given so far is in the picture.
 *
 * Scene coordinates (right-down-front) are turned about x into the engine's (right-up-back), and scaled: what the engine
 * sorts and draws from keeps splat sizes between 0.000006 and 8,000.
 */

import {
  AppBase,
  AppOptions,
  BoundingBox,
  CameraComponentSystem,
  Color,
  Entity,
  FILLMODE_NONE,
  GAMMA_SRGB,
  GSPLATDATA_COMPACT,
  GSplatComponentSystem,
  GSplatContainer,
  RESOLUTION_FIXED,
  TONEMAP_NONE,
  Vec3,
  WORKBUFFER_UPDATE_ONCE,
  WebglGraphicsDevice,
  type GSplatComponent,
  type GSplatFormat,
  type Texture,
} from 'playcanvas';

import type { Pose } from '../camera/pose';
import type { Box, DirectoryEvent, ShEvent, SplatsEvent, Vector3 } from '../decoder/types';
import { endSplatsAtThreeSigma, shTextureNames, splatFormat } from './format';
import { drawnDegree, packSh, packSplats, type DrawnDegree } from './packing';
import { StandIns, type Compensation } from '../decoder/standing_in';

export interface StageOptions {
  /** Red, green, blue, 0 to 1. */
  readonly background: Vector3;
}

/** Diagonal of every scene, in the engine's units. */
const SIZE = 100;

/** What the file says before any splat of it can be drawn. */
export interface StageScene {
  readonly shDegree: number;
  readonly box: Box;
  readonly antialiased: boolean;
  readonly tiers: number;
}

/** The engine's container with SH, which it does not foresee by itself. */
class ChunkContainer extends GSplatContainer {
  /** What its splats stand in for, as they were written; undefined before that. */
  stages: Uint8Array | null | undefined;

  readonly #degree: DrawnDegree;

  constructor(device: WebglGraphicsDevice, count: number, format: GSplatFormat, degree: DrawnDegree) {
    super(device, count, format);
    this.#degree = degree;
    // What tells the engine that colours depend on the camera.
    (this.gsplatData as { shBands?: number }).shBands = degree;
  }

  override configureMaterialDefines(defines: Map<string, string>): void {
    defines.set('SH_BANDS', String(this.#degree));
  }
}

interface Shown {
  readonly container: ChunkContainer;
  readonly entity: Entity;
  /** As long as its splats stand in for others. */
  chunk: SplatsEvent | null;
}

export class Stage {
  /** Called after a frame; `complete` says that it shows all that was added before, in the right order. */
  onDrawn: (complete: boolean) => void = () => {};
  /** Called when the browser takes the canvas away; it may never give it back. */
  onLost: () => void = () => {};
  /** Called when the browser has given back a canvas that it had taken away: nothing is shown, `open` comes next. */
  onEmptied: () => void = () => {};
  /** Called before a frame with the seconds since the last one; returns whether there has to be another. */
  onFrame: (seconds: number) => boolean = () => false;

  readonly #app: AppBase;
  readonly #device: WebglGraphicsDevice;
  readonly #camera: Entity;
  readonly #root: Entity;
  readonly #shown = new Map<string, Shown>();
  #format: GSplatFormat | null = null;
  #degree: DrawnDegree = 0;
  #unit = 1;
  #pose: Pose | null = null;
  #paused = false;
  /** What the canvas has to become. */
  #size: readonly [number, number] | null = null;
  #hasFitted = false;

  /** @throws Error if the browser has no WebGL 2. */
  constructor(canvas: HTMLCanvasElement, options: StageOptions) {
    this.#device = new WebglGraphicsDevice(canvas, {
      antialias: false,
      alpha: false,
      powerPreference: 'high-performance',
    });
    this.#app = new AppBase(canvas);
    const appOptions = new AppOptions();
    appOptions.graphicsDevice = this.#device;
    appOptions.componentSystems = [CameraComponentSystem, GSplatComponentSystem];
    appOptions.devtools = false;
    this.#app.init(appOptions);
    this.#app.setCanvasFillMode(FILLMODE_NONE);
    this.#app.autoRender = false;
    endSplatsAtThreeSigma(this.#device);

    const gsplat = this.#app.scene.gsplat;
    gsplat.dataFormat = GSPLATDATA_COMPACT; // 24 bytes a splat instead of 32, for 0.1 dB at 45 dB
    gsplat.minPixelSize = 0; // the smallest splats count, too: there are many
    gsplat.colorUpdateAngle = 1;

    this.#root = new Entity('scene', this.#app);
    this.#root.setLocalEulerAngles(180, 0, 0);
    this.#app.root.addChild(this.#root);
    this.#camera = new Entity('camera', this.#app);
    this.#camera.addComponent('camera', {
      clearColor: new Color(...options.background, 1),
      toneMapping: TONEMAP_NONE,
      gammaCorrection: GAMMA_SRGB,
    });
    this.#app.root.addChild(this.#camera);

    const system = this.#app.systems.gsplat!;
    system.on('frame:ready', (_camera: unknown, _layer: unknown, ready: boolean, loading: number) => {
      this.#complete = ready && loading === 0;
    });
    system.on('frame:request', () => this.draw());
    this.#app.on('update', (seconds: number) => {
      this.#fit();
      if (this.#paused) return;
      if (this.onFrame(seconds)) this.draw();
      this.#settle();
      this.#sortAgain();
    });
    this.#app.scene.on('gsplat:sorted', () => {
      this.#isForgotten ||= this.#hasMoved;
      this.#hasMoved = false;
      this.draw();
    });
    this.#device.on('devicelost', () => this.onLost());
    this.#device.on('devicerestored', () => this.onEmptied());
    this.#app.on('postrender', () => this.onDrawn(this.#complete));
    this.#app.start();
    this.#warmUp();
  }

  /** Has the shaders compiled while nothing has come yet: for a splat that nobody sees, of the usual SH degree. */
  #warmUp(): void {
    this.open({ shDegree: 3, box: { low: [0, 0, 0], high: [1, 1, 1] }, tiers: 1, antialiased: false });
    this.look({ position: [0, 0, -1], target: [0, 0, 0], up: [0, -1, 0], fovDegrees: 50 });
    this.add(INVISIBLE);
    this.addSh({ ...INVISIBLE, layer: 1, sh: new Float32Array(45) });
  }

  #complete = false;
  #standIns = new StandIns(1);
  #compensation: Compensation | null = null;
  #isStale = false;
  /** Whether the camera moved since a sort last ended. */
  #hasMoved = false;
  /** Whether it may have moved while splats were being sorted. */
  #isForgotten = false;

  /** Says what the scene is; before the first `add`. */
  open(scene: StageScene): void {
    for (const { container, entity } of this.#shown.values()) {
      entity.destroy();
      container.destroy();
    }
    this.#shown.clear();
    this.#degree = drawnDegree(scene.shDegree);
    this.#standIns = new StandIns(scene.tiers);
    this.#format = splatFormat(this.#device, this.#degree);
    this.antialiased = scene.antialiased;
    const size = Math.hypot(...scene.box.high.map((high, axis) => high - scene.box.low[axis]!));
    this.#unit = size > 0 ? SIZE / size : 1;
    this.#root.setLocalScale(this.#unit, this.#unit, this.#unit);
    if (this.#pose !== null) this.look(this.#pose);
  }

  /** Says how splats stand in for those that have not come. */
  compensate(compensation: Compensation): void {
    this.#compensation = compensation;
    this.#isStale = true;
  }

  /** Says which chunks a tier has. */
  list(directory: DirectoryEvent): void {
    this.#standIns.list(directory);
    this.#isStale = true;
  }

  /** Shows a chunk. */
  add(chunk: SplatsEvent): void {
    if (this.#format === null) throw new Error('open comes first');
    const container = new ChunkContainer(this.#device, chunk.count, this.#format, this.#degree);
    this.#standIns.come(chunk);
    this.#isStale = true;
    this.#pack(container, chunk);
    container.centers = chunk.positions;
    container.aabb = boundingBox(chunk.positions);
    container.update(chunk.count);
    const entity = new Entity(key(chunk), this.#app);
    entity.addComponent('gsplat', { resource: container });
    this.#root.addChild(entity);
    const mayStandIn = this.#compensation !== null && chunk.tier < this.#standIns.tiers - 1;
    this.#shown.set(key(chunk), { container, entity, chunk: mayStandIn ? chunk : null });
    this.draw();
  }

  /** Adds SH to a chunk that is shown. */
  addSh(chunk: ShEvent): void {
    const shown = this.#shown.get(key(chunk));
    if (shown === undefined || this.#degree === 0) return;
    const textures = shTextureNames(this.#degree).map((name) => shown.container.getTexture(name)!);
    packSh(chunk, this.#degree, textures.map((texture) => texture.lock() as Uint32Array));
    textures.forEach(handOver);
    (shown.entity.gsplat as GSplatComponent).workBufferUpdate = WORKBUFFER_UPDATE_ONCE;
    this.draw();
  }

  /** Lets go of splats that stand in, where what they stood in for has come since. */
  #settle(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    const areNeeded = this.#standIns.areNeeded;
    for (const shown of this.#shown.values()) {
      if (shown.chunk === null) continue;
      if (this.#pack(shown.container, shown.chunk)) {
        (shown.entity.gsplat as GSplatComponent).workBufferUpdate = WORKBUFFER_UPDATE_ONCE;
      }
      if (!areNeeded) shown.chunk = null;
    }
  }

  /** Writes a chunk's texels, unless they are the ones that are there; returns whether it did. */
  #pack(container: ChunkContainer, chunk: SplatsEvent): boolean {
    const stages = this.#compensation === null ? null : this.#standIns.stages(chunk);
    if (container.stages !== undefined && isSame(container.stages, stages)) return false;
    container.stages = stages;
    const place = container.getTexture('place')!;
    const shape = container.getTexture('shape')!;
    packSplats(chunk, place.lock() as Uint32Array, shape.lock() as Uint32Array, this.#compensation, stages);
    handOver(place);
    handOver(shape);
    return true;
  }

  /**
   * Has splats sorted for where the camera is. The engine asks for no sort while another one is under way, and never makes
   * up for it if the camera stays where it went meanwhile. For a chunk that changed it sorts again; when it has sorted the
   * newest chunks, no other sort is under way.
   */
  #sortAgain(): void {
    if (!this.#isForgotten || !this.#complete) return;
    this.#isForgotten = false;
    const [any] = this.#shown.values();
    if (any) (any.entity.gsplat as GSplatComponent).workBufferUpdate = WORKBUFFER_UPDATE_ONCE;
    this.draw();
  }

  look(pose: Pose): void {
    this.#pose = pose;
    this.#hasMoved = true;
    this.#camera.setPosition(turned(pose.position, this.#unit));
    this.#camera.lookAt(turned(pose.target, this.#unit), turned(pose.up, 1));
    const camera = this.#camera.camera!;
    camera.fov = pose.fovDegrees;
    camera.nearClip = SIZE * 1e-5;
    camera.farClip = SIZE * 100;
    this.draw();
  }

  /** @param width - of the canvas in its own pixels, as `height`. */
  resize(width: number, height: number): void {
    this.#size = [Math.max(1, Math.round(width)), Math.max(1, Math.round(height))];
    this.draw();
  }

  /** A canvas is empty from when its size changes until it is drawn: both in one frame, or every change would flash. */
  #fit(): void {
    if (this.#size === null || (this.#paused && this.#hasFitted)) return;
    const [width, height] = this.#size;
    this.#size = null;
    this.#hasFitted = true;
    this.#camera.camera!.horizontalFov = width < height;
    this.#app.setCanvasResolution(RESOLUTION_FIXED, width, height);
    this.draw();
  }

  /** Whether the scene was trained with the antialiasing of Mip-Splatting. */
  set antialiased(antialiased: boolean) {
    this.#app.scene.gsplat.antiAlias = antialiased;
    this.draw();
  }

  set background(color: Vector3) {
    this.#camera.camera!.clearColor = new Color(...color, 1);
    this.draw();
  }

  /** Draws one more frame, unless paused. */
  draw(): void {
    if (!this.#paused) this.#app.renderNextFrame = true;
  }

  /** Nothing is drawn, and the camera stands still, while paused. */
  set paused(paused: boolean) {
    this.#paused = paused;
    this.draw();
  }

  destroy(): void {
    this.onLost = () => {};
    const context = this.#device.gl.getExtension('WEBGL_lose_context');
    this.#app.destroy();
    context?.loseContext(); // else it counts until memory is tidied up, and the browser takes one away that is in use
  }
}

const INVISIBLE: SplatsEvent = {
  type: 'chunk',
  layer: 0,
  tile: 0,
  tier: 0,
  first: 0,
  count: 1,
  positions: new Float32Array(3),
  logScales: new Float32Array(3),
  rotations: Float32Array.of(1, 0, 0, 0),
  opacityLogits: Float32Array.of(-Infinity),
  color: new Float32Array(3),
};

function key(chunk: { readonly tile: number; readonly tier: number }): string {
  return `${chunk.tile}/${chunk.tier}`;
}

/**
 * Uploads what was written, and lets go of it: the engine keeps it only for a canvas that the browser takes away, and then
 * the file is read again. Whoever locks the texture next has to write all of it.
 */
function handOver(texture: Texture): void {
  texture.unlock();
  const { _levels: levels, _needsUpload: waits } = texture as unknown as { _levels: unknown[]; _needsUpload: boolean };
  if (!waits) levels[0] = null;
}

function turned([x, y, z]: Vector3, unit: number): Vec3 {
  return new Vec3(x * unit, -y * unit, -z * unit);
}

function boundingBox(positions: Float32Array): BoundingBox {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    const value = positions[i]!;
    const axis = i % 3;
    if (value < low[axis]!) low[axis] = value;
    if (value > high[axis]!) high[axis] = value;
  }
  const box = new BoundingBox();
  box.setMinMax(new Vec3(low), new Vec3(high));
  return box;
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.every((stage, i) => stage === b[i]);
}
