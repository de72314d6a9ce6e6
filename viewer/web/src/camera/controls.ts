/**
 * Camera controls: mouse, touch, pen, wheel and keyboard become moves of the rig.
 *
 *     one finger, left button     turn                 two fingers, right button, shift    shift the picture
 *     wheel, pinch                nearer, farther      arrows, + -                          the same by keyboard
 *     W A S D Q E                 walk                 F                                    orbit or fly
 *     R, Home                     back to the start
 *
 * The camera eases towards its goal, or jumps for users who prefer reduced motion.
 */

import { reachOf, type Pose } from './pose';
import { between, isNear, look, move, orbit, poseOf, rigOf, zoom, type Rig } from './rig';

export type Mode = 'orbit' | 'fly';

const FOLLOW_PER_SECOND = 14;
const KEY_TURN_RAD_PER_SECOND = 1.5;
const KEY_ZOOM_PER_SECOND = 2;
const WALK_PER_SECOND = 0.8; // of the distance to the target

const KEYS = new Set([
  ...['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Equal', 'Minus', 'NumpadAdd', 'NumpadSubtract'],
  ...['KeyW', 'KeyA', 'KeyS', 'KeyD', 'KeyQ', 'KeyE'],
]);

/** Where they are differs from keyboard to keyboard. */
const SIGNS = new Map([['+', 'NumpadAdd'], ['-', 'NumpadSubtract']]);

export class Controls {
  /** The camera moved; somebody should draw. */
  onMove: (pose: Pose) => void = () => {};
  onMode: (mode: Mode) => void = () => {};
  /** Whether a person has moved the camera; framing leaves it alone from then on. */
  isTouched = false;

  readonly #canvas: HTMLCanvasElement;
  readonly #pointers = new Map<number, { x: number; y: number }>();
  /** Keys that are held, and what each acts as. */
  readonly #held = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #isStill = matchMedia('(prefers-reduced-motion: reduce)');
  #home: Rig | null = null;
  #goal: Rig | null = null;
  #now: Rig | null = null;
  #mode: Mode = 'orbit';

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    const on = <K extends keyof HTMLElementEventMap>(name: K, take: (event: HTMLElementEventMap[K]) => void): void =>
      canvas.addEventListener(name, take, { signal: this.#stop.signal, passive: false });
    on('pointerdown', (event) => this.#press(event));
    on('pointermove', (event) => this.#drag(event));
    on('pointerup', (event) => this.#pointers.delete(event.pointerId));
    on('pointercancel', (event) => this.#pointers.delete(event.pointerId));
    on('contextmenu', (event) => event.preventDefault());
    on('wheel', (event) => this.#wheel(event));
    on('keydown', (event) => this.#key(event));
    on('keyup', (event) => this.#held.delete(event.code));
    on('blur', () => this.#held.clear());
  }

  /** Where `reset` leads, and where the camera is now unless somebody moved it. */
  frame(pose: Pose): void {
    this.#home = rigOf(pose);
    if (!this.isTouched) this.#go(this.#home, true);
  }

  /** The camera at once where it is told, as if a person had moved it there. */
  place(pose: Pose): void {
    this.isTouched = true;
    this.#go(rigOf(pose), true);
  }

  get pose(): Pose | null {
    return this.#goal && poseOf(this.#goal);
  }

  get mode(): Mode {
    return this.#mode;
  }

  set mode(mode: Mode) {
    this.#mode = mode;
    this.onMode(mode);
  }

  reset(): void {
    this.isTouched = false;
    if (this.#home) this.#go(this.#home, false);
  }

  /** Moves on; returns whether there is more to come. */
  step(seconds: number): boolean {
    this.#walk(Math.min(seconds, 0.1));
    if (this.#goal === null || this.#now === null) return false;
    if (this.#now === this.#goal) return this.#held.size > 0;
    const share = this.#isStill.matches ? 1 : 1 - Math.exp(-FOLLOW_PER_SECOND * seconds);
    const next = between(this.#now, this.#goal, share);
    this.#now = isNear(next, this.#goal) ? this.#goal : next;
    this.onMove(poseOf(this.#now));
    return true;
  }

  destroy(): void {
    this.#stop.abort();
  }

  #go(goal: Rig, atOnce: boolean): void {
    this.#goal = goal;
    if (!atOnce && this.#now !== null) return;
    this.#now = goal;
    this.onMove(poseOf(goal));
  }

  #change(change: (rig: Rig) => Rig): void {
    if (this.#goal === null) return;
    this.isTouched = true;
    this.#goal = change(this.#goal);
  }

  #press(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  #drag(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.#pointers.set(event.pointerId, now);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    const other = others[0];
    if (other !== undefined) {
      const spread = Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y);
      // Each finger moves the middle between both by half of its own way.
      this.#change((rig) => zoom(this.#shifted(rig, dx / 2, dy / 2), Number.isFinite(spread) ? 1 / spread : 1));
    } else if (event.shiftKey || (event.pointerType === 'mouse' && event.buttons !== 1)) {
      this.#change((rig) => this.#shifted(rig, dx, dy));
    } else {
      const turn = Math.PI / this.#shorterSide;
      if (this.#mode === 'orbit') this.#change((rig) => orbit(rig, -dx * turn, dy * turn));
      else this.#change((rig) => look(rig, (-dx * turn) / 3, (dy * turn) / 3));
    }
  }

  /** Of the canvas, in CSS pixels: what `fovDegrees` is of. */
  get #shorterSide(): number {
    return Math.max(Math.min(this.#canvas.clientWidth, this.#canvas.clientHeight), 1);
  }

  /** The picture follows the hand: pixels become scene units at the target's distance. */
  #shifted(rig: Rig, dx: number, dy: number): Rig {
    const perPixel = (2 * rig.distance * reachOf(rig.fovDegrees, 1).tall) / this.#shorterSide;
    return move(rig, -dx * perPixel, dy * perPixel, 0);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 40 : event.deltaY;
    const factor = 1.1 ** Math.max(-5, Math.min(5, lines * (event.ctrlKey ? 3 : 1)));
    if (this.#mode === 'orbit') this.#change((rig) => zoom(rig, factor));
    else this.#change((rig) => move(rig, 0, 0, (1 - factor) * rig.distance));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === 'KeyR' || event.code === 'Home') this.reset();
    else if (event.code === 'KeyF') this.mode = this.#mode === 'orbit' ? 'fly' : 'orbit';
    else if (SIGNS.has(event.key)) this.#hold(event.code, SIGNS.get(event.key)!);
    else if (KEYS.has(event.code)) this.#hold(event.code, event.code);
    else return;
    event.preventDefault();
  }

  /** A key acts as long as it is held, and a little even where it is let go before the next frame. */
  #hold(code: string, key: string): void {
    if (this.#held.has(code)) return;
    this.#held.set(code, key);
    this.#walk(1 / 30);
  }

  #walk(seconds: number): void {
    if (this.#held.size === 0) return;
    const keys = new Set(this.#held.values());
    const axis = (less: readonly string[], more: readonly string[]): number =>
      Number(more.some((key) => keys.has(key))) - Number(less.some((key) => keys.has(key)));
    const yaw = axis(['ArrowRight'], ['ArrowLeft']) * KEY_TURN_RAD_PER_SECOND * seconds;
    const pitch = axis(['ArrowDown'], ['ArrowUp']) * KEY_TURN_RAD_PER_SECOND * seconds;
    const nearer = axis(['Minus', 'NumpadSubtract'], ['Equal', 'NumpadAdd']);
    const step = WALK_PER_SECOND * seconds;
    this.#change((rig) => {
      const turned = this.#mode === 'orbit' ? orbit(rig, -yaw, pitch) : look(rig, yaw, -pitch);
      const walked = move(
        turned,
        axis(['KeyA'], ['KeyD']) * step * rig.distance,
        axis(['KeyQ'], ['KeyE']) * step * rig.distance,
        axis(['KeyS'], ['KeyW']) * step * rig.distance,
      );
      return zoom(walked, KEY_ZOOM_PER_SECOND ** (-nearer * seconds));
    });
  }
}
