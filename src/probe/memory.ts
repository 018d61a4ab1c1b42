// What was concluded, in a file of the run directory: so that no pod is anything but what it was because the agent is started again.
// Invariants: written only when it has changed, one write at a time, the latest wins. It may hold secrets (headers of probes).

import { errorChain } from "../host/error.ts";
import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import type { Log } from "../host/log.ts";
import type { Remembered } from "./probed-container.ts";

/** Of what is written; a file of another one says nothing to us. */
const format = 1;

export class Memory {
  readonly #path: string;
  readonly #log: Log;
  #text = "";
  #writing: Promise<void> | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Empty where there is none that could be read. */
  async recall(): Promise<readonly Remembered[]> {
    try {
      const text = await readTextIfExists(this.#path);
      if (text === undefined) return [];
      const content = JSON.parse(text) as {
        readonly format: number;
        readonly containers: readonly Remembered[];
      };
      if (content.format !== format) return [];
      this.#text = text;
      return content.containers;
    } catch (error) {
      this.#log.warn("cannot read what the probes concluded", { file: this.#path, error: errorChain(error) });
      return [];
    }
  }

  keep(containers: readonly Remembered[]): void {
    const text = JSON.stringify({ format, containers });
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
        this.#log.warn("cannot keep what the probes conclude", {
          file: this.#path,
          error: errorChain(error),
        });
      }
    }
  }
}
