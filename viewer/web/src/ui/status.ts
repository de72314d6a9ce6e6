/** The ring that fills as bytes arrive, and beside it the counts of bytes and splats. */

import { megabytes } from '../loading/problems';
import type { State } from '../state';
import { html, svg } from './dom';

const RADIUS = 10;
const AROUND = 2 * Math.PI * RADIUS;
const QUIET_AFTER_MS = 2500;

export class Status {
  readonly element: HTMLElement;
  readonly #done: SVGElement;
  readonly #first = html('b');
  readonly #second = html('small');
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const circle = { cx: '14', cy: '14', r: String(RADIUS) };
    this.#done = svg('circle', {
      ...circle,
      class: 'done',
      transform: 'rotate(-90 14 14)',
      'stroke-dasharray': String(AROUND),
      'stroke-dashoffset': String(AROUND),
    });
    const ring = svg('svg', { width: '28', height: '28', 'aria-hidden': 'true' }, svg('circle', { ...circle, class: 'track' }), this.#done);
    const texts = html('div', {}, this.#first, this.#second);
    const about = { class: 'status', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-label': 'Loaded' };
    this.element = html('div', about, ring, texts);
  }

  show(state: State): void {
    const { progress, phase } = state;
    const share = progress.totalBytes ? Math.min(progress.bytes / progress.totalBytes, 1) : 0;
    this.#done.setAttribute('stroke-dashoffset', String(AROUND * (1 - share)));
    this.#first.textContent = bytesText(state);
    this.#second.textContent = progress.totalSplats === null ? '' : splatsText(state);
    this.element.setAttribute('aria-valuenow', String(Math.round(100 * share)));
    this.element.setAttribute('aria-valuetext', [this.#first, this.#second].map((line) => line.textContent).filter(Boolean).join(', '));
    clearTimeout(this.#timer);
    this.element.classList.remove('quiet');
    this.element.hidden = state.problem !== null && progress.splats === 0; // says all there is to say
    const isDone = phase === 'complete' && state.damage.length === 0;
    if (isDone) this.#timer = setTimeout(() => this.element.classList.add('quiet'), QUIET_AFTER_MS);
  }
}

export function bytesText({ progress, phase, isWaiting }: State): string {
  const { bytes, totalBytes } = progress;
  if (isWaiting && phase === 'loading') return 'Waiting for the server';
  if (phase === 'starting' || (bytes === 0 && phase === 'loading')) return 'Connecting';
  if (totalBytes === null || bytes >= totalBytes) return megabytes(bytes);
  return `${megabytes(bytes)} of ${megabytes(totalBytes)}`;
}

export function splatsText({ progress, isLimited }: State): string {
  const { splats, totalSplats } = progress;
  const said = splats.toLocaleString('en');
  if (totalSplats === null || splats === totalSplats) return splats === 1 ? '1 splat' : `${said} splats`;
  return `${said} of ${totalSplats.toLocaleString('en')} splats${isLimited ? ', the most this device can show' : ''}`;
}
