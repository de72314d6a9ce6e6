/**
 * The viewer's settings: from attributes of the element, from the page, or from its URL.
 *
 *     <splat-zip src="scene.splatz" background="#fff" max-splats="500000" controls="fly">
 */

import { WAYS_UP } from './camera/framing';
import type { Vector3 } from './decoder/types';

export interface Config {
  /** Address of the scene; null where the page holds it. */
  readonly src: string | null;
  /** Red, green, blue, 0 to 1; null follows the person's light or dark scheme. */
  readonly background: Vector3 | null;
  /** Splats that are loaded at most, by whole tiers; null: what the device is good for. */
  readonly maxSplats: number | null;
  readonly controls: 'orbit' | 'fly';
  /** Which way is up; null: as the file says, else against y. */
  readonly up: Vector3 | null;
  /** Whether the address of the page follows the camera. */
  readonly link: boolean;
  /** Buttons and texts. */
  readonly ui: boolean;
}

/** Their names, as attributes and in addresses. */
export const SETTINGS = ['src', 'background', 'max-splats', 'controls', 'up', 'link', 'ui'] as const;

export const DEFAULTS: Config = {
  src: null,
  background: null,
  maxSplats: null,
  controls: 'orbit',
  up: null,
  link: false,
  ui: true,
};

/** Reads one setting after the other; what makes no sense counts as not said. */
export function configOf(said: Readonly<Record<string, string | null | undefined>>): Config {
  const maxSplats = Number(said['max-splats']);
  return {
    src: said['src'] || DEFAULTS.src,
    background: colorOf(said['background']) ?? DEFAULTS.background,
    maxSplats: maxSplats > 0 ? maxSplats : DEFAULTS.maxSplats,
    controls: said['controls'] === 'fly' ? 'fly' : DEFAULTS.controls,
    up: WAYS_UP.get(said['up'] ?? '') ?? DEFAULTS.up,
    link: said['link'] != null && said['link'] !== 'false',
    ui: said['ui'] !== 'none',
  };
}

const ALLOWED: Readonly<Record<string, { readonly words: string; readonly holds: (value: string) => boolean }>> = {
  background: { words: '#rgb or #rrggbb', holds: (value) => colorOf(value) !== null },
  'max-splats': { words: 'a number above 0', holds: (value) => Number(value) > 0 },
  controls: { words: 'orbit or fly', holds: (value) => ['orbit', 'fly'].includes(value) },
  up: { words: [...WAYS_UP.keys()].join(', '), holds: (value) => WAYS_UP.has(value) },
  link: { words: 'nothing, true or false', holds: (value) => ['', 'link', 'true', 'false'].includes(value) },
  ui: { words: 'none, or leave it out', holds: (value) => ['', 'none'].includes(value) },
};

/** One line for each setting whose value is none of those that it may have. */
export function doubtsAbout(said: Readonly<Record<string, string | null | undefined>>): string[] {
  return SETTINGS.flatMap((name) => {
    const value = said[name];
    const allowed = ALLOWED[name];
    if (value == null || allowed === undefined || allowed.holds(value)) return [];
    return [`<splat-zip>: ${name}="${value}" is not known; it may be ${allowed.words}`];
  });
}

/** "#rgb" or "#rrggbb", with or without #, as numbers of 0 to 1. */
export function colorOf(text: string | null | undefined): Vector3 | null {
  const digits = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text ?? '')?.[1];
  if (digits === undefined) return null;
  const wide = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits;
  const byte = (at: number): number => parseInt(wide.slice(at, at + 2), 16) / 255;
  return [byte(0), byte(2), byte(4)];
}
