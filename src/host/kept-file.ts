// One value in a file, for the next process: so that nothing is otherwise because the agent is started again.
// Invariants: written only when it has changed, one write at a time, the latest wins. It may hold secrets.

import { errorChain } from "./error.ts";
import { readTextIfExists, writeFileAtomic } from "./files.ts";
import type { Log } from "./log.ts";

/** Of what is written; a file of another one says nothing to us. */
const format = 1;

export class KeptFile<T> {
  readonly #path: string;
  readonly #log: Log;
  #text = "";
  #writing: Promise<void> | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Undefined where there is none that could be read. */
  async recall(): Promise<T | undefined> {
    try {
      const text = await readTextIfExists(this.#path);
      if (text === undefined) return undefined;
      const content = JSON.parse(text) as { readonly format: number; readonly value: T };
      if (content.format !== format) return undefined;
      this.#text = text;
      return content.value;
    } catch (error) {
      this.#log.warn("cannot read what an earlier agent has kept", {
        file: this.#path,
        error: errorChain(error),
      });
      return undefined;
    }
  }

  keep(value: T): void {
    const text = JSON.stringify({ format, value });
    if (text === this.#text) return;
    this.#text = text;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when all that was kept is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (let written = ""; written !== this.#text; ) {
      written = this.#text;
      try {
        await writeFileAtomic(this.#path, written, 0o600);
      } catch (error) {
        this.#log.warn("cannot keep what the next agent is to know", {
          file: this.#path,
          error: errorChain(error),
        });
      }
    }
  }
}
