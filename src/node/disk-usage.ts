// How much is in a directory: counted by du(1), which no link that a pod makes leads astray, and which can be ended.
// Invariant: only when asked, at most once a minute, and one count at a time.

import { statfs } from "node:fs/promises";
import type { Clock } from "../host/clock.ts";
import { CommandError, runCommand } from "../host/command.ts";
import { hasErrorCode } from "../host/error.ts";

export interface TreeUsage {
  readonly bytes: number;
  /** Undefined where du(1) cannot count them (busybox). */
  readonly inodes: number | undefined;
}

export interface FileSystemSpace {
  readonly totalBytes: number;
  /** Those that root alone may use are not free. */
  readonly freeBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

export interface DiskUsageOptions {
  readonly clock: Pick<Clock, "nowMs">;
}

const ageMsMax = 60_000;
/** What nobody has asked for since is forgotten. */
const keptMs = 10 * 60_000;
const timeoutMs = 5 * 60_000;

export class DiskUsage implements Disposable {
  readonly #options: DiskUsageOptions;
  readonly #known = new Map<string, Count>();
  readonly #end = new AbortController();
  #counting: Promise<void> | undefined;

  constructor(options: DiskUsageOptions) {
    this.#options = options;
  }

  /**
   * What is known of each of these directories. What is older than a minute is counted anew, and waited for until `signal`: millions of
   * files take their time.
   */
  async of(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, TreeUsage>> {
    const ageMs = (path: string) =>
      this.#options.clock.nowMs() - (this.#known.get(path)?.countedMs ?? Number.NEGATIVE_INFINITY);
    while (!signal.aborted) {
      const stale = paths.filter((path) => ageMs(path) >= ageMsMax);
      if (stale.length === 0) break;
      // The count that is under way may be of others.
      this.#counting ??= this.#count(stale).finally(() => {
        this.#counting = undefined;
      });
      await Promise.race([this.#counting, aborted(signal)]);
    }
    return new Map(
      paths.flatMap((path) => {
        const usage = this.#known.get(path)?.usage;
        return usage ? [[path, usage] as const] : [];
      }),
    );
  }

  async #count(paths: readonly string[]): Promise<void> {
    const { signal } = this.#end;
    const bytesByPath = await count(["--block-size=1"], paths, signal);
    const inodesByPath = await count(["--inodes"], paths, signal); // what it looks at is still in memory
    const countedMs = this.#options.clock.nowMs();
    for (const [path, known] of this.#known)
      if (countedMs - known.countedMs > keptMs) this.#known.delete(path);
    for (const path of paths) {
      const [bytes, inodes] = [bytesByPath.get(path), inodesByPath.get(path)];
      this.#known.set(path, { countedMs, usage: bytes === undefined ? undefined : { bytes, inodes } });
    }
  }

  /** Nobody wants to know any more. */
  [Symbol.dispose](): void {
    this.#end.abort();
  }
}

interface Count {
  readonly countedMs: number;
  /** Undefined where there is no such directory. */
  readonly usage: TreeUsage | undefined;
}

/** Undefined: there is no such directory. */
export async function readSpace(path: string): Promise<FileSystemSpace | undefined> {
  try {
    const { bsize, blocks, bavail, files, ffree } = await statfs(path);
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, inodes: files, inodesFree: ffree };
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** By path. What cannot be looked at, or is gone, is left out. */
async function count(
  options: readonly string[],
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const argv = ["nice", "-n", "19", "du", "--summarize", "--one-file-system", "--null", ...options, "--"];
  const { stdout } = await runCommand([...argv, ...paths], { timeoutMs, signal }).catch((error: unknown) => {
    if (error instanceof CommandError) return error; // of the others it tells all the same
    throw error;
  });
  return new Map(
    stdout.split("\0").flatMap((line) => {
      const [, amount, path] = /^(\d+)\t(.*)$/s.exec(line) ?? [];
      return path === undefined ? [] : [[path, Number(amount)] as const];
    }),
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
