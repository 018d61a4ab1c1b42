// What broken-off actions leave behind: temporary files, half-made and half-removed rkt pods, units and networks of dead ones.
// Invariants: only what is ours by its place and name; what cannot be removed is told, tried again less and less often, and holds up nothing.

import { readdir, rm, stat } from "node:fs/promises";
import type { Clock, Timers } from "../host/clock.ts";
import { errorChain, hasErrorCode } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import { isPodUid, isRktUuid, uuidOfPodUnit } from "../pod/names.ts";
import type { StuckThings } from "./stuck-things.ts";

export interface LeftoversOptions {
  readonly stateDir: string;
  readonly runDir: string;
  readonly unitDir: string;
  /** Removes what rkt knows of; resolves with a line for each thing that it could not. */
  readonly removeOfRkt: () => Promise<readonly string[]>;
  readonly stuck: StuckThings;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

const hourMs = 3_600_000;
const firstRetryMs = 60_000;
/** A pod's unit writes its marker in milliseconds, and may do so at any time. */
const markerAgeMs = 60_000;

export class Leftovers implements AsyncDisposable {
  readonly #options: LeftoversOptions;
  #cancelAlarm: (() => void) | undefined;
  #sweeping: Promise<void> | undefined;
  #retryMs = firstRetryMs;
  #isEnded = false;

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  /** Before anything is done: what is half written now nobody will complete. Never rejects. */
  async removeHalves(): Promise<void> {
    const { stateDir, runDir, unitDir, log } = this.#options;
    const isHalf = (name: string) => /^\..+\.tmp$/.test(name);
    const places: [directory: string, isOurs: (name: string) => boolean][] = [
      [stateDir, isHalf],
      [runDir, isHalf],
      [unitDir, (name) => isHalf(name) && uuidOfPodUnit(name.slice(1, -".tmp".length)) !== undefined],
    ];
    const uids = await readdir(`${stateDir}/pods`).catch(() => []);
    for (const uid of uids.filter(isPodUid))
      places.push([`${stateDir}/pods/${uid}`, (name) => isHalf(name) || name === "pod-manifest.json"]);
    for (const [directory, isOurs] of places)
      await removeFiles(directory, isOurs).catch((error: unknown) => {
        log.warn("Cannot remove halves of files", { directory, error: errorChain(error) });
      });
  }

  /** Never rejects; one who asks meanwhile waits for the same. */
  sweep(): Promise<void> {
    this.#cancelAlarm?.();
    this.#cancelAlarm = undefined;
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Something was stopped, removed or has failed: within the hour it is looked at what that has left. */
  noteChange(): void {
    this.#wakeIn(hourMs);
  }

  async #sweep(): Promise<void> {
    const { stuck, clock, log } = this.#options;
    const complaints = await this.#removeOfRkt();
    await this.#removeOldMarkers();
    stuck.keep((what) => !what.startsWith(prefix) || complaints.some((line) => prefix + line === what));
    for (const line of complaints) stuck.note(prefix + line, line, clock.wallMs());
    if (complaints.length === 0) {
      this.#retryMs = firstRetryMs;
      return;
    }
    log.warn("Cannot remove what is left of broken-off actions", { error: complaints.join("; ") });
    this.#wakeIn(this.#retryMs);
    this.#retryMs = Math.min(hourMs, this.#retryMs * 2);
  }

  async #removeOfRkt(): Promise<readonly string[]> {
    try {
      return await this.#options.removeOfRkt();
    } catch (error) {
      return [errorChain(error)];
    }
  }

  /** Halves of those that a pod's unit writes when it ends. */
  async #removeOldMarkers(): Promise<void> {
    const { stateDir, clock } = this.#options;
    const uids = await readdir(`${stateDir}/pods`).catch(() => []);
    for (const uid of uids.filter(isPodUid)) {
      const directory = `${stateDir}/pods/${uid}`;
      const isHalf = (name: string) => isRktUuid(/^finished-(.*)\.tmp$/.exec(name)?.[1] ?? "");
      await removeFiles(directory, async (name) => {
        if (!isHalf(name)) return false;
        return clock.wallMs() - (await stat(`${directory}/${name}`)).mtimeMs > markerAgeMs;
      }).catch(() => undefined); // the next time
    }
  }

  #wakeIn(delayMs: number): void {
    if (this.#isEnded) return;
    this.#cancelAlarm ??= this.#options.timers.after(delayMs, () => void this.sweep());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    this.#cancelAlarm?.();
    await this.#sweeping;
  }
}

const prefix = "leftovers: ";

async function removeFiles(
  directory: string,
  isMeant: (name: string) => boolean | Promise<boolean>,
): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  });
  for (const entry of entries)
    if (!entry.isDirectory() && (await isMeant(entry.name)))
      await rm(`${directory}/${entry.name}`, { force: true });
}
