/** Messages in the middle of the picture: problems, and what hands and keys do. */

import type { Problem } from '../loading/problems';
import type { State } from '../state';
import { html } from './dom';

const KEYS = [
  ['Drag, arrows', 'turn'],
  ['Right drag, Shift + drag, two fingers', 'pan'],
  ['Wheel, pinch, + and -', 'zoom'],
  ['W A S D, Q E', 'move, down and up'],
  ['F', 'switch between orbit and fly'],
  ['R', 'reset the view'],
  ['U', 'change which way is up'],
] as const;
const LINK = ['L', 'copy a link to this view'] as const;
const FINGERS = [
  ['One finger', 'turn'],
  ['Two fingers', 'pan'],
  ['Pinch', 'zoom'],
] as const;

export class ProblemPanel {
  readonly element: HTMLElement;
  readonly #title = html('h2');
  readonly #detail = html('p');
  readonly #button = html('button', { type: 'button' }, 'Try again');
  readonly #close = html('button', { type: 'button' }, 'Close');
  #said: Problem | readonly string[] | null = null;
  /** What was said when the person closed it. */
  #read: Problem | readonly string[] | null = null;

  constructor(onRetry: () => void) {
    this.#button.addEventListener('click', onRetry);
    this.#close.addEventListener('click', () => {
      this.#read = this.#said;
      this.element.hidden = true;
    });
    this.element = html('div', { class: 'panel problem', role: 'alert' }, this.#title, this.#detail, this.#button, this.#close);
    this.element.hidden = true;
  }

  show({ problem, damage, progress, phase }: State): void {
    this.#said = problem ?? (damage.length > 0 && phase !== 'loading' ? damage : null);
    this.element.hidden = this.#said === null || this.#said === this.#read;
    if (this.element.hidden) return;
    if (problem !== null) {
      this.#title.textContent = problem.title;
      this.#detail.textContent = problem.detail;
    } else {
      this.#title.textContent = damage.length === 1 ? 'Part of the file is damaged.' : `${damage.length} parts of the file are damaged.`;
      this.#detail.textContent = `The rest is shown. ${damage[0]}`;
    }
    this.#button.hidden = problem?.canRetry !== true;
    this.#close.hidden = progress.splats === 0;
    this.element.classList.toggle('beside', progress.splats > 0); // no words over a picture
  }
}

export class HelpPanel {
  readonly element: HTMLDialogElement;
  readonly #keys: HTMLElement;
  readonly #fingers: HTMLElement;
  readonly #isTouch = matchMedia('(pointer: coarse)');

  /** @param buttons - what each does: on a touch screen nothing else says so. */
  constructor(hasLinks: boolean, buttons: readonly (readonly [SVGElement, string])[]) {
    const pictures = buttons.map(([picture, what]) => [picture, html('span', { class: 'unseen' }, 'Button'), what] as const);
    this.#keys = list(hasLinks ? [...KEYS, LINK] : KEYS);
    this.#fingers = list([...FINGERS, ...pictures]);
    const close = html('button', { type: 'button' }, 'Close');
    close.addEventListener('click', () => this.element.close());
    // A dialog that leaves the rest of the page alone is closed by nothing else.
    const leave = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' || event.code === 'KeyH') this.element.close();
    };
    // Above the rest, for it gets the focus: what is long begins at its beginning.
    const head = html('div', { class: 'head' }, html('h2', {}, 'Controls'), close);
    this.element = html('dialog', { class: 'panel', 'aria-label': 'Controls' }, head, this.#fingers, this.#keys);
    this.element.addEventListener('keydown', leave);
  }

  /** @param hasKeys - whether it was a key that asked: then there is a keyboard, on a touch screen, too. */
  toggle(hasKeys: boolean): void {
    const isTouch = this.#isTouch.matches && !hasKeys;
    this.#fingers.hidden = !isTouch;
    this.#keys.hidden = isTouch;
    if (this.element.open) this.element.close();
    else this.element.show();
  }
}

/** The last of each row is what the others do. */
function list(rows: readonly (readonly (Node | string)[])[]): HTMLElement {
  return html('dl', {}, ...rows.flatMap((row) => [html('dt', {}, ...row.slice(0, -1)), html('dd', {}, row.at(-1)!)]));
}
