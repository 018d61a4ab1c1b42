// How far a fetch is, for the program that started it: a line `PROGRESS DONE TOTAL` in bytes, at most one a second.

const intervalMs = 1000;

export class FetchProgress {
  readonly #tell: ((line: string) => void) | undefined;
  #done = 0;
  #total = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  /** Undefined: nobody wants to know. */
  constructor(tell: ((line: string) => void) | undefined) {
    this.#tell = tell;
  }

  expect(bytes: number): void {
    this.#total += bytes;
    if (this.#total > 0) this.#show();
  }

  add(bytes: number): void {
    this.#done += bytes;
    this.#show();
  }

  #show(): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < intervalMs) return;
    this.#toldAtMs = nowMs;
    this.#tell?.(`PROGRESS ${this.#done} ${this.#total}`);
  }
}
