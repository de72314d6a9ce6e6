/** The viewer's state, for the user interface. */

import type { Mode } from './camera/controls';
import type { Progress } from './loading/loading';
import type { Problem } from './loading/problems';

export type Phase =
  | 'starting'
  | 'loading'
  /** Everything that is wanted is there. */
  | 'complete'
  /** It goes no further by itself; what came is shown. */
  | 'stopped';

export interface State {
  readonly phase: Phase;
  readonly progress: Progress;
  readonly problem: Problem | null;
  /** Whether nothing has come for some seconds. */
  readonly isWaiting: boolean;
  /** Parts of the file that could not be used, in words. */
  readonly damage: readonly string[];
  /** Whether the device's budget left tiers out. */
  readonly isLimited: boolean;
  readonly mode: Mode;
  readonly title: string | null;
}

export const AT_FIRST: State = {
  phase: 'starting',
  progress: { bytes: 0, totalBytes: null, splats: 0, totalSplats: null, tiers: 0, totalTiers: null },
  problem: null,
  isWaiting: false,
  damage: [],
  isLimited: false,
  mode: 'orbit',
  title: null,
};

export class Store {
  #state = AT_FIRST;
  readonly #listeners = new Set<(state: State) => void>();

  get state(): State {
    return this.#state;
  }

  set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener(this.#state);
  }

  /** Calls back at once, too; returns what ends it. */
  subscribe(listener: (state: State) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }
}
