/** Short messages: announced to screen readers, and shown briefly if the visitor asked for what they say. */

import { html } from './dom';

export class Says {
  readonly element = html('div', { class: 'says', 'aria-live': 'polite' });
  #spoken: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Once for each text. */
  say(text: string | null): void {
    if (text === null || text === this.#spoken) return;
    this.#spoken = text;
    this.element.textContent = text;
  }

  show(text: string, milliseconds = 2000): void {
    this.element.textContent = text;
    this.element.classList.add('shown');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.element.classList.remove('shown'), milliseconds);
  }
}
