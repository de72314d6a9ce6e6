/**
 * `<splat-zip src="scene.splatz">`: a scene with everything around it, in a shadow root of its own.
 *
 * Attributes are those of `config.ts`, and properties of the same names; `viewer` exists once the element is in a page.
 * Events: `splatzip-state` with the state as its detail, whenever it changes.
 */

import type { Pose } from '../camera/pose';
import { configOf, doubtsAbout, SETTINGS, type Config } from '../config';
import type { Vector3 } from '../decoder/types';
import { problemOf } from '../loading/problems';
import { AT_FIRST, type State } from '../state';
import { Viewer, type ViewerParts } from '../viewer';
import { html, icon } from './dom';
import { HelpPanel, ProblemPanel } from './panels';
import { Says } from './says';
import { bytesText, splatsText, Status } from './status';
import style from './style.css?inline';

const ICONS = {
  reset: 'M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5',
  orbit: 'M12 8.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7M3.5 16.5C1.5 13.5 6 9 12 6.500c5-2 9-1.500 8.500 1S17 14 12 17s-7.500 1.500-8.500-.5',
  fly: 'M3 11.500 21 3l-6.500 18-3-7.500zM11.500 13.500 21 3',
  up: 'M12 20V4M6 10l6-6 6 6',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4.200 4.200 0 0 0-6-6l-1.500 1.500M14 10a4 4 0 0 0-6-.4l-3 3a4.200 4.200 0 0 0 6 6l1.500-1.500',
  full: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  help: 'M9 9.500a3 3 0 1 1 4.200 2.800c-.8.4-1.200.9-1.200 1.700v.5M12 17.800v.1',
};

/** Set once, by whoever registers the element. */
let partsOf: (() => ViewerParts) | null = null;
/** Elements that stood in the page before their module came; what the page says when it came counts for them, too. */
let isRegistering = false;

export function registerElement(parts: () => ViewerParts): void {
  partsOf = parts;
  if (customElements.get('splat-zip')) return;
  isRegistering = true;
  customElements.define('splat-zip', SplatZipElement);
  isRegistering = false;
}

let sheet: CSSStyleSheet | null = null;

/** One for all elements. */
function look(): CSSStyleSheet {
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
  }
  return sheet;
}

/** What may be set, for the markup languages of frameworks. */
export interface SplatZipAttributes {
  src?: string | undefined;
  background?: string | undefined;
  controls?: 'orbit' | 'fly' | undefined;
  up?: '-y' | 'z' | 'y' | '-z' | 'x' | '-x' | undefined;
  'max-splats'?: number | string | undefined;
  ui?: 'none' | undefined;
  link?: boolean | '' | undefined;
}

/** Attributes by the names of their properties. */
const PROPERTIES = new Map(SETTINGS.map((name) => [name.replace(/-./g, ([, letter]) => letter!.toUpperCase()), name]));

// Where a server renders pages there is no such class, and this one is never made.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

export class SplatZipElement extends Base {
  static readonly observedAttributes = SETTINGS;

  // What may be set, also as properties.
  declare src: string | null;
  declare background: string | null;
  declare controls: string | null;
  declare up: string | null;
  declare maxSplats: string | number | null;
  declare ui: string | null;
  declare link: string | boolean | null;

  viewer: Viewer | null = null;
  #state: State | null = null;
  readonly #root: ShadowRoot;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: 'open' });
    this.#root.adoptedStyleSheets = [look()]; // a strict Content-Security-Policy refuses style elements
  }

  connectedCallback(): void {
    for (const name of PROPERTIES.keys()) this.#adopt(name);
    if (this.viewer === null) this.#open();
  }

  /** Also called where it was only moved, as lists that are sorted anew do; then it goes on. */
  disconnectedCallback(): void {
    if (!this.isConnected) this.#close();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before !== after) for (const doubt of doubtsAbout({ [name]: after })) console.warn(doubt);
    if (!this.isConnected || before === after || this.viewer === null) return;
    if (this.viewer.adapt(this.#config)) return;
    this.#close();
    this.#open();
  }

  /** What the last event said, for whoever came later; null where the element is in no page. */
  get state(): State | null {
    return this.#state;
  }

  get #config(): Config {
    return configOf(Object.fromEntries([...this.attributes].map(({ name, value }) => [name, value])));
  }

  /**
   * Puts the camera somewhere, in scene coordinates: x right, y down, z front.
   *
   * @throws TypeError if something is lacking, or is no number.
   */
  look(pose: Pose): void {
    const { position, target, up, fovDegrees } = pose;
    const isVector = (vector?: Vector3): boolean => vector?.length === 3 && [...vector].every(Number.isFinite);
    if (![position, target, up].every(isVector) || !Number.isFinite(fovDegrees))
      throw new TypeError('look: position, target and up are three numbers each, fovDegrees is one; all four are needed');
    this.viewer?.look(pose);
  }

  /** Takes a key that nothing in the page had the focus for; and the focus, if the scene has a use for the key. */
  press(event: KeyboardEvent): void {
    const canvas = this.#root.querySelector('canvas');
    const { key, code, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || canvas === null) return;
    if (canvas.dispatchEvent(new KeyboardEvent('keydown', { key, code, shiftKey, cancelable: true }))) return;
    event.preventDefault();
    if (this.#root.activeElement === null) canvas.focus();
  }

  #close(): void {
    this.viewer?.destroy();
    this.viewer = null;
    this.#state = null;
    this.#root.replaceChildren();
  }

  #open(): void {
    const config = this.#config;
    const canvas = html('canvas', { tabindex: '0', role: 'application', 'aria-label': config.ui ? 'Scene; press H for the controls' : 'Scene' });
    this.#root.replaceChildren(canvas);
    const problem = new ProblemPanel(() => void this.viewer?.load());
    try {
      this.viewer = new Viewer(canvas, config, partsOf!());
    } catch (error) {
      this.#root.append(problem.element);
      problem.element.lang = 'en';
      const state: State = { ...AT_FIRST, phase: 'stopped', problem: cannotDraw(error) };
      problem.show(state);
      this.#tell(state);
      return;
    }
    if (config.ui) this.#surround(canvas, this.viewer, problem, config.link);
    else this.#root.append(problem.element);
    for (const part of this.#root.children) part.setAttribute('lang', 'en'); // whatever the page around is written in
    this.viewer.store.subscribe((state) => {
      problem.show(state);
      this.#tell(state);
    });
    const { viewer } = this;
    if (isRegistering) setTimeout(() => this.viewer === viewer && void viewer.load());
    else void viewer.load();
  }

  /** A property that was set before there was this class hides the one that there is now. */
  #adopt(name: string): void {
    if (!Object.hasOwn(this, name)) return;
    const value: unknown = Reflect.get(this, name);
    Reflect.deleteProperty(this, name);
    Reflect.set(this, name, value);
  }

  /**
   * Never while somebody sets an attribute or puts the element in a page: frameworks are not ready for it then. And not
   * what is over by then: an element that gets its `src` after its place never lacked a scene.
   */
  #tell(state: State): void {
    this.#state = state;
    queueMicrotask(() => {
      if (this.#state !== state) return;
      this.dispatchEvent(new CustomEvent<State>('splatzip-state', { detail: state, bubbles: true }));
    });
  }

  /** @param hasLinks - whether the page's address leads back to a camera. */
  #surround(canvas: HTMLCanvasElement, viewer: Viewer, problem: ProblemPanel, hasLinks: boolean): void {
    const status = new Status();
    const help = new HelpPanel(hasLinks, [
      [icon(ICONS.reset), 'reset the view'],
      [icon(ICONS.fly), 'switch between orbit and fly'],
      [icon(ICONS.up), 'change which way is up'],
      ...(hasLinks ? ([[icon(ICONS.link), 'copy a link to this view']] as const) : []),
      ...(document.fullscreenEnabled ? ([[icon(ICONS.full), 'full screen']] as const) : []),
    ]);
    const says = new Says();
    const button = (name: keyof typeof ICONS, label: string, act: () => void): HTMLButtonElement => {
      const made = html('button', { type: 'button', title: label, 'aria-label': label }, icon(ICONS[name]));
      made.addEventListener('click', act);
      return made;
    };
    const copy = async (): Promise<void> => {
      try {
        await navigator.clipboard.writeText(viewer.link);
        says.show('Link copied.');
      } catch {
        says.show(viewer.link, 15_000); // no permission in this frame, or no clipboard without https
      }
    };
    const turn = (): void => {
      const up = viewer.turnUp();
      const keeps = hasLinks ? `A copied link keeps that, and up="${up}".` : `To keep that: up="${up}".`;
      if (up !== null) says.show(`${up} is up now. ${keeps}`, 6000);
    };
    const mode = button('fly', 'Orbit or fly (F)', () => {
      viewer.controls.mode = viewer.controls.mode === 'orbit' ? 'fly' : 'orbit';
    });
    const full = button('full', 'Full screen', () => {
      void (document.fullscreenElement ? document.exitFullscreen() : this.requestFullscreen());
    });
    const buttons = html(
      'div',
      { class: 'buttons', role: 'group', 'aria-label': 'View' },
      button('reset', 'Reset the view (R)', () => viewer.controls.reset()),
      mode,
      button('up', 'Change which way is up (U)', turn),
      ...(hasLinks ? [button('link', 'Copy a link to this view (L)', () => void copy())] : []),
      ...(document.fullscreenEnabled ? [full] : []),
      button('help', 'Controls (H)', () => help.toggle(false)),
    );
    canvas.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.code === 'KeyH' || event.key === '?') help.toggle(true);
      else if (event.code === 'KeyL' && hasLinks) void copy();
      else if (event.code === 'KeyU') turn();
      else return;
      event.preventDefault();
    });
    this.#root.append(problem.element, help.element, html('div', { class: 'bar' }, status.element, buttons), says.element);
    viewer.store.subscribe((state) => {
      status.show(state);
      mode.replaceChildren(icon(ICONS[state.mode === 'orbit' ? 'fly' : 'orbit']));
      mode.setAttribute('aria-pressed', String(state.mode === 'fly'));
      says.say(spoken(state));
    });
  }
}

/** What is worth interrupting somebody who listens; the words about problems are an alert of their own. */
function spoken(state: State): string | null {
  if (state.phase === 'complete') return `Loaded: ${splatsText(state)}`;
  return state.isWaiting ? bytesText(state) : null;
}

for (const [name, attribute] of PROPERTIES) {
  Object.defineProperty(SplatZipElement.prototype, name, {
    configurable: true,
    enumerable: true,
    get(this: SplatZipElement) {
      return this.getAttribute(attribute);
    },
    set(this: SplatZipElement, value: unknown) {
      if (value == null || value === false) this.removeAttribute(attribute);
      else this.setAttribute(attribute, value === true ? '' : String(value));
    },
  });
}

function cannotDraw(error: unknown): State['problem'] {
  const { title, detail } = problemOf(error);
  const isWebgl = /webgl/i.test(detail);
  return {
    title: isWebgl ? 'This browser cannot show scenes: it has no WebGL 2.' : title,
    detail: isWebgl ? 'Try another browser, or turn on hardware acceleration in the settings.' : detail,
    canRetry: false,
  };
}
