// Bytes between somebody who pushes and somebody who pulls.
// Invariant: who pushes is told to hold back before much has piled up, and to go on when it is gone.

const bytesMax = 256 * 1024;

export class HeldQueue implements AsyncIterable<Uint8Array> {
  readonly #hold: (isHeld: boolean) => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isHeld = false;
  #hasEnded = false;
  #isReleased = false;
  #wake: () => void = () => undefined;

  constructor(hold: (isHeld: boolean) => void) {
    this.#hold = hold;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > bytesMax) this.#setHeld(true);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** What is still to come is little: nobody is held back any more. */
  release(): void {
    this.#setHeld(false);
    this.#isReleased = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        if (this.#bytes < bytesMax / 2) this.#setHeld(false);
        yield chunk;
        continue;
      }
      if (this.#hasEnded) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  #setHeld(isHeld: boolean): void {
    if (this.#isHeld === isHeld || this.#isReleased) return;
    this.#isHeld = isHeld;
    this.#hold(isHeld);
  }
}
