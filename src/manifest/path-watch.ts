// inotify as a hint that something may have changed at a path. Invariant: only a hint; it may be late, doubled or missing (a full queue,
// a network file system, no watch left), and then the next slow look finds the change.

import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { errorChain, hasErrorCode } from "../host/error.ts";
import type { Log } from "../host/log.ts";

export class PathWatch implements Disposable {
  readonly #path: string;
  readonly #onHint: () => void;
  readonly #log: Log;
  #watchers: readonly FSWatcher[] = [];
  #armed = "";
  /** Since a watch failed, until all that is to be watched has been from one look to the next. */
  #isFailing = false;

  constructor(path: string, onHint: () => void, log: Log) {
    this.#path = path;
    this.#onHint = onHint;
    this.#log = log;
  }

  /**
   * To be called before each look: a watch stays with what it was made for, and sees nothing of what is made, mounted or linked in
   * its place. The directory around the path is watched too, for that. What could not be watched is tried again.
   */
  async arm(): Promise<void> {
    const identity = `${await inodeOf(this.#path)} ${await inodeOf(dirname(this.#path))}`;
    if (identity === this.#armed) {
      if (this.#isFailing) this.#log.info("watching again", { path: this.#path });
      this.#isFailing = false;
      return;
    }
    this[Symbol.dispose]();
    this.#armed = identity;
    const name = basename(this.#path);
    this.#watchers = [
      ...this.#watch(this.#path, this.#onHint),
      // A watch tells no name where it has lost it.
      ...this.#watch(dirname(this.#path), (changed) => {
        if (changed === null || changed === name) this.#onHint();
      }),
    ];
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
    this.#armed = "";
  }

  #watch(path: string, onEvent: (name: string | null) => void): readonly FSWatcher[] {
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) => onEvent(name));
      watcher.on("error", (error) => this.#fail(path, error));
      return [watcher];
    } catch (error) {
      if (!hasErrorCode(error, "ENOENT", "ENOTDIR")) this.#fail(path, error);
      return [];
    }
  }

  #fail(path: string, error: unknown): void {
    this.#armed = "";
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#log.warn("cannot watch, looking every 15 s instead", { path, error: errorChain(error) });
  }
}

/** Empty where there is nothing. ext4 gives a number again at once. */
async function inodeOf(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino, birthtimeNs }) => `${dev}:${ino}:${birthtimeNs}`,
    () => "",
  );
}
