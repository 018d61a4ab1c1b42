// What the agent tells of its pods, as it tells it.

import type { Machine } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { wallMs } from "./journal-line.ts";

export class PodChanges implements Disposable {
  readonly #end = new AbortController();
  /** When each was told, in milliseconds since the epoch. */
  readonly #atMs: number[] = [];

  private constructor(machine: Machine) {
    void this.#follow(machine);
  }

  /** Resolves once what there was before has been told. */
  static async follow(machine: Machine): Promise<PodChanges> {
    const changes = new PodChanges(machine);
    await waitUntil("what there is", () => changes.#atMs.length > 0);
    return changes;
  }

  async #follow(machine: Machine): Promise<void> {
    const { signal } = this.#end;
    const { body } = await machine.get("/pods", { headers: { Accept: "text/event-stream" }, signal });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body ?? [])
        if (/^event: (?:added|modified|deleted)$/m.test(decoder.decode(chunk))) this.#atMs.push(wallMs());
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** When the first was told after that. */
  next(afterMs: number): Promise<number> {
    return waitUntil("a change", () => this.#atMs.find((atMs) => atMs > afterMs));
  }

  [Symbol.dispose](): void {
    this.#end.abort();
  }
}
