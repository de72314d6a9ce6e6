/**
 * One scene on one canvas: connects loading, camera and stage. No buttons, no texts: `ui` has those.
 *
 *     Loading -> events -> Stage            Controls -> Pose -> Stage
 *            \-> progress, problems -> Store <-/
 */

import { Controls } from './camera/controls';
import { nextWayUp, openingPose, poseOfBox, poseOfSplats, turnedTo, USUAL_UP, WAYS_UP } from './camera/framing';
import { addressWith, poseOfAddress } from './camera/link';
import type { Pose } from './camera/pose';
import { sightOf } from './camera/sight';
import type { Config } from './config';
import type {
  HeaderEvent,
  MetaEvent,
  SplatsEvent,
  SplatStream,
  StreamEvent,
  StreamListener,
  Vector3,
} from './decoder/types';
import { capacityOf, type Capacity } from './device';
import { Stage } from './engine/stage';
import { Loading, type Progress } from './loading/loading';
import { problemOf, type Problem } from './loading/problems';
import { Store } from './state';

export interface ViewerParts {
  readonly openStream: (listener: StreamListener) => SplatStream;
  /** The scene's bytes where they need not be fetched. */
  readonly scene: Uint8Array | null;
}

const DARK = [0.055, 0.06, 0.07] as const;
const LIGHT = [0.96, 0.965, 0.97] as const;
const WAITS_AFTER_MS = 4000;

const TAKEN_AWAY: Problem = {
  title: 'The browser stopped drawing this scene.',
  detail: 'Its graphics memory was lost, or there are too many scenes in open pages. Close some, then reload the page.',
  canRetry: false,
};
const NO_SORTING: Problem = {
  title: 'This page does not let the viewer sort splats.',
  detail: "Its Content-Security-Policy needs worker-src 'self' blob:",
  canRetry: false,
};

export class Viewer {
  readonly store = new Store();
  readonly controls: Controls;

  readonly #canvas: HTMLCanvasElement;
  #config: Config;
  readonly #parts: ViewerParts;
  readonly #stage: Stage;
  readonly #capacity: Capacity;
  readonly #stop = new AbortController();
  readonly #isDark = matchMedia('(prefers-color-scheme: dark)');
  #loading: Loading | null = null;
  /** Ends that one. */
  #leave = new AbortController();
  #header: HeaderEvent | null = null;
  #meta: MetaEvent | null = null;
  /** Splats of tier 0, as long as they say where to look from. */
  #framing: SplatsEvent[] | null = [];
  /** How many of them the camera was last placed by. */
  #framed = 0;
  /** Of the screen, when the canvas was last measured. */
  #ratio = 1;
  #linkTimer: ReturnType<typeof setTimeout> | undefined;
  #waitTimer: ReturnType<typeof setTimeout> | undefined;

  /** @throws Error if the browser cannot draw. */
  constructor(canvas: HTMLCanvasElement, config: Config, parts: ViewerParts) {
    this.#canvas = canvas;
    this.#config = config;
    this.#parts = parts;
    this.#capacity = capacityOf(navigator, matchMedia('(pointer: coarse)').matches);
    this.#stage = new Stage(canvas, { background: this.#background });
    this.controls = new Controls(canvas);
    this.controls.onMove = (pose) => this.#moved(pose);
    this.controls.onMode = (mode) => this.store.set({ mode });
    this.controls.mode = config.controls;
    this.#stage.onFrame = (seconds) => {
      if (devicePixelRatio !== this.#ratio) this.#resize(); // another screen, or another zoom: not every browser tells
      return this.controls.step(seconds);
    };
    this.#stage.onLost = () => this.store.set({ phase: 'stopped', problem: TAKEN_AWAY });
    this.#stage.onEmptied = () => void this.#reload();
    this.#watch();
    this.#follow();
  }

  /** Called after each frame that shows all that had come before it. */
  set onComplete(take: () => void) {
    this.#stage.onDrawn = (isComplete) => {
      if (isComplete) take();
    };
  }

  /** Loads the scene; after a problem, goes on where it stopped. */
  async load(): Promise<void> {
    const source = this.#parts.scene ?? this.#config.src;
    if (source === null) {
      const problem = { title: 'No scene was named.', detail: 'Say which: src="scene.splatz".', canRetry: false };
      this.store.set({ phase: 'stopped', problem });
      return;
    }
    if (this.store.state.problem?.startsAnew) this.#forget();
    this.store.set({ phase: 'loading', problem: null });
    const { signal } = this.#leave;
    this.#wait();
    try {
      this.#loading ??= new Loading(typeof source === 'string' ? new URL(source, document.baseURI).href : source, {
        openStream: this.#parts.openStream,
        onEvent: (event) => this.#take(event),
        onProgress: (progress) => this.#report(progress),
        sees: (box) => this.#sees(box),
        limits: { maxSplats: this.#config.maxSplats ?? this.#capacity.maxSplats },
        signal: AbortSignal.any([this.#stop.signal, signal]),
      });
      this.#loading.paused = document.hidden;
      const { isLimited } = await this.#loading.run();
      if (!signal.aborted) this.store.set({ phase: 'complete', isLimited });
    } catch (error) {
      if (!signal.aborted && !this.#stop.signal.aborted) this.store.set({ phase: 'stopped', problem: problemOf(error) });
    }
  }

  /** Loads the scene from its start. */
  async #reload(): Promise<void> {
    if (this.#loading === null || this.#stop.signal.aborted) return;
    this.#forget();
    await this.load();
  }

  /** What is shown stays until something else has come. */
  #forget(): void {
    this.#leave.abort();
    this.#leave = new AbortController();
    this.#loading?.close();
    this.#loading = null;
    this.#meta = null;
    this.#framing = [];
    this.#framed = 0;
    this.store.set({ damage: [] });
  }

  #report(progress: Progress): void {
    const hasCome = progress.bytes > this.store.state.progress.bytes;
    this.store.set({ progress });
    if (hasCome) this.#wait();
  }

  /** Says so if no byte comes from now on. */
  #wait(): void {
    clearTimeout(this.#waitTimer);
    if (this.store.state.isWaiting) this.store.set({ isWaiting: false });
    this.#waitTimer = setTimeout(() => {
      const { phase, progress } = this.store.state;
      if (phase !== 'loading') return;
      // Before anything is known of the file, it is the decoder that has not come.
      if (progress.bytes !== progress.totalBytes || progress.totalSplats === null) this.store.set({ isWaiting: true });
    }, WAITS_AFTER_MS);
  }

  /** Follows settings that change nothing of what is loaded; returns whether these do no more than that. */
  adapt(config: Config): boolean {
    const { background, controls, up } = config;
    const before = this.#config;
    const isSame = JSON.stringify({ ...before, background, controls, up }) === JSON.stringify(config);
    if (!isSame) return false;
    if (controls !== before.controls) this.controls.mode = controls;
    this.#config = config;
    this.#stage.background = this.#background;
    if (String(up) !== String(before.up)) this.#turn(up ?? this.#meta?.camera?.up ?? this.#meta?.up ?? USUAL_UP);
    return true;
  }

  /** Puts the camera somewhere, in scene coordinates. */
  look(pose: Pose): void {
    this.controls.place(pose);
  }

  /**
   * Looks at the scene with another axis up, for files that say nothing of it, or nothing true.
   *
   * @returns what that way is called, or null where there is nothing to look at.
   */
  turnUp(): string | null {
    if (this.controls.pose === null) return null;
    const name = nextWayUp(this.controls.pose.up);
    this.controls.isTouched = true; // links keep it
    this.#turn(WAYS_UP.get(name)!);
    return name;
  }

  #turn(up: Vector3): void {
    if (this.controls.pose === null) return;
    const pose = turnedTo(up, this.controls.pose);
    if (!this.controls.isTouched && this.#framing !== null) this.#framed = 0; // what comes next is looked at that way
    else this.#framing = null;
    this.controls.frame(pose);
    if (this.controls.isTouched) this.controls.place(pose);
  }

  /** Which way is up, where that is known. */
  get #up(): Vector3 | undefined {
    return this.#config.up ?? this.#meta?.up;
  }

  destroy(): void {
    this.#stop.abort();
    this.#loading?.close();
    this.controls.destroy();
    this.#stage.destroy();
    clearTimeout(this.#linkTimer);
    clearTimeout(this.#waitTimer);
  }

  #take(event: StreamEvent): void {
    if (event.type === 'header') this.#open(event);
    else if (event.type === 'meta') this.#describe(event);
    else if (event.type === 'tiers') this.#stage.compensate(event);
    else if (event.type === 'directory') this.#stage.list(event);
    else if (event.type === 'chunk') {
      if (event.layer === 1) this.#stage.addSh(event);
      else {
        this.#stage.add(event);
        if (event.tier === 0) this.#framing?.push(event);
        else this.#frame(true);
      }
    } else if (event.type === 'damage') this.store.set({ damage: [...this.store.state.damage, event.message] });
    else if (event.type === 'end') this.#frame(true);
    if (event.type === 'chunk' && event.tier === 0) this.#frame(false);
  }

  #open(header: HeaderEvent): void {
    this.#header = header;
    const { shDegree, box, tiers } = header;
    this.#stage.open({ shDegree, box, tiers, antialiased: this.#meta?.antialiased ?? false });
    this.controls.frame(poseOfBox(header.box, this.#up));
  }

  #describe(meta: MetaEvent): void {
    this.#meta = meta;
    this.#stage.antialiased = meta.antialiased ?? false;
    if (meta.title) this.store.set({ title: meta.title });
    if (meta.camera) {
      this.#framing = null;
      const asked = this.#config.up && { up: this.#config.up };
      this.controls.frame(openingPose({ ...meta.camera, ...asked }, meta.up));
    }
  }

  /** Looks at what came of tier 0, until all of it has; anew only when it is half as much again. */
  #frame(isLast: boolean): void {
    if (this.#framing === null || this.#header === null) return;
    const come = this.#framing.reduce((sum, chunk) => sum + chunk.count, 0);
    if (come < 1.5 * this.#framed && !isLast) return;
    this.#framed = come;
    const pose = poseOfSplats(this.#framing, this.#up);
    if (pose) this.controls.frame(pose);
    if (isLast) this.#framing = null;
  }

  #sees(box: { readonly low: Pose['position']; readonly high: Pose['position'] }): boolean {
    const pose = this.controls.pose;
    return pose === null || sightOf(pose, this.#canvas.width / Math.max(this.#canvas.height, 1))(box);
  }

  #moved(pose: Pose): void {
    this.#stage.look(pose);
    if (!this.#config.link) return;
    clearTimeout(this.#linkTimer);
    this.#linkTimer = setTimeout(() => {
      const address = this.controls.isTouched ? this.link : addressWith(location.href, null); // leads to the first view
      if (address !== location.href) history.replaceState(history.state, '', address); // routers keep theirs there
    }, 300);
  }

  /** Looks from where the address says, if it says so. */
  #follow(): void {
    const pose = this.#config.link ? poseOfAddress(location.href) : null;
    if (pose !== null) this.controls.place(pose);
  }

  /** The page's link to what is seen now. */
  get link(): string {
    const pose = this.controls.pose;
    return pose === null ? location.href : addressWith(location.href, pose);
  }

  get #background(): readonly [number, number, number] {
    return this.#config.background ?? (this.#isDark.matches ? DARK : LIGHT);
  }

  /** Follows the size of the canvas, the scheme of colours, and whether anybody looks. */
  #watch(): void {
    const { signal } = this.#stop;
    const sizes = new ResizeObserver(() => this.#resize());
    sizes.observe(this.#canvas);
    signal.addEventListener('abort', () => sizes.disconnect());
    let isOnScreen = true;
    const pause = (): void => {
      this.#stage.paused = document.hidden || !isOnScreen;
      if (this.#loading) this.#loading.paused = document.hidden; // what may be scrolled to any moment comes
    };
    const sight = new IntersectionObserver((entries) => {
      isOnScreen = entries.at(-1)!.isIntersecting;
      pause();
    });
    sight.observe(this.#canvas);
    signal.addEventListener('abort', () => sight.disconnect());
    document.addEventListener('visibilitychange', pause, { signal });
    // A link opened in the page that shows it. `hashchange` comes later: what a person does meanwhile would be overtaken.
    window.addEventListener('popstate', () => this.#follow(), { signal });
    this.#isDark.addEventListener('change', () => (this.#stage.background = this.#background), { signal });
    // The engine's worker would fail in silence.
    const refuse = ({ effectiveDirective, blockedURI }: SecurityPolicyViolationEvent): void => {
      if (effectiveDirective === 'worker-src' && blockedURI === 'blob') this.store.set({ problem: NO_SORTING });
    };
    document.addEventListener('securitypolicyviolation', refuse, { signal });
    this.#resize();
  }

  #resize(): void {
    this.#ratio = devicePixelRatio;
    const ratio = Math.min(this.#ratio, this.#capacity.maxPixelRatio);
    this.#stage.resize(this.#canvas.clientWidth * ratio, this.#canvas.clientHeight * ratio);
  }
}
