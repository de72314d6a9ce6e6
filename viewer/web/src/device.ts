/** How much a device can handle: only a guess, made before anything is drawn. */

export interface Capacity {
  readonly maxSplats: number;
  /** Pixels of the canvas for each of CSS, at most. */
  readonly maxPixelRatio: number;
}

interface Hints {
  readonly deviceMemory?: number;
  readonly hardwareConcurrency?: number;
  readonly userAgentData?: { readonly mobile?: boolean };
}

/**
 * @param hints - `navigator`: memory in GB (never above 8, absent in Safari and Firefox), cores.
 * @param isTouch - whether the main pointer is a finger: phones and tablets.
 */
export function capacityOf(hints: Hints, isTouch: boolean): Capacity {
  const memory = hints.deviceMemory ?? (isTouch ? 4 : 8);
  const isPhone = hints.userAgentData?.mobile ?? isTouch;
  if (isPhone || memory <= 4 || (hints.hardwareConcurrency ?? 4) <= 2) {
    const maxSplats = memory <= 2 ? 500_000 : 1_500_000;
    return { maxSplats, maxPixelRatio: 1.5 };
  }
  return { maxSplats: 10_000_000, maxPixelRatio: 2 };
}
