/** A gate that work has to pass: closed, it holds the work where it is. */

export class Gate {
  #isShut = false;
  readonly #waiting = new Set<() => void>();

  get isShut(): boolean {
    return this.#isShut;
  }

  set isShut(isShut: boolean) {
    this.#isShut = isShut;
    if (isShut) return;
    for (const goOn of this.#waiting) goOn();
    this.#waiting.clear();
  }

  /**
   * Waits until the gate is open.
   *
   * @throws what the signal says, once it does.
   */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#isShut) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', leave, { once: true });
        this.#waiting.add(() => (signal.removeEventListener('abort', leave), resolve()));
      });
    }
  }
}
