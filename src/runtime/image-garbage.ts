// Removes images that no pod uses when the disk fills up: from 85 % until 80 %, what was used longest ago first (the kubelet's numbers);
// where the node is short of disk, all of them.
// Invariants: only what we fetched; nothing that an rkt pod uses, be it dead or somebody else's, nor what a pod is being made of.

import { statfs } from "node:fs/promises";
import type { Clock } from "../host/clock.ts";
import { errorChain, hasErrorCode } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { RecordEvent } from "../pod/event.ts";
import type { ImageId } from "../pod/names.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import type { RktImage } from "../rkt/rkt-image.ts";
import type { FetchedImages } from "./fetched-images.ts";

const startPercent = 85;
const stopPercent = 80;
/** What was just fetched or used may be about to be used. */
const ageMsMin = 2 * 60_000;
const lookEveryMs = 5 * 60_000;

export interface Disk {
  readonly totalBytes: number;
  /** Those that root alone may use are not free. */
  readonly freeBytes: number;
}

export interface UnusedImage extends Pick<RktImage, "id" | "importedAtMs"> {
  readonly lastUsedAtMs: number;
}

/** How full it is, as the kubelet counts it. */
export function usedPercent({ totalBytes, freeBytes }: Disk): number {
  return totalBytes === 0 ? 0 : 100 - Math.floor((freeBytes * 100) / totalBytes);
}

/** The one to remove first; undefined if none is old enough. */
export function oldestUnused(images: readonly UnusedImage[], wallMs: number): UnusedImage | undefined {
  return images
    .filter(({ importedAtMs, lastUsedAtMs }) => wallMs - Math.max(importedAtMs, lastUsedAtMs) >= ageMsMin)
    .reduce<UnusedImage | undefined>(
      (oldest, image) => (oldest && oldest.lastUsedAtMs <= image.lastUsedAtMs ? oldest : image),
      undefined,
    );
}

export interface ImageGarbageOptions {
  readonly rkt: Pick<
    RktClient,
    "listImages" | "listPods" | "catManifest" | "removeImage" | "removeUnusedTrees"
  >;
  /** rkt's; whose disk it is. */
  readonly dataDir: string;
  readonly fetched: Pick<FetchedImages, "ids" | "remove">;
  readonly isKept: (id: ImageId) => boolean;
  /** One went: nothing that is remembered of the store is sure. */
  readonly onRemoved: () => void;
  readonly onDiskFull: () => void;
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly log: Log;
}

export class ImageGarbage implements AsyncDisposable {
  readonly #options: ImageGarbageOptions;
  readonly #end = new AbortController();
  /** When an image was last seen in use; rkt knows only when a pod was last made of it. */
  readonly #usedAtMs = new Map<ImageId, number>();
  #timer: NodeJS.Timeout | undefined;
  #collecting: Promise<void> | undefined;
  /** Nothing can go that could not go before. */
  #isFruitless = false;

  constructor(options: ImageGarbageOptions) {
    this.#options = options;
  }

  /** Looks at the disk from time to time. */
  start(): void {
    this.#timer = setInterval(() => void this.collect(), lookEveryMs);
    this.#timer.unref();
  }

  /** An image was fetched or a pod removed: another try may find something. */
  noteChange(): void {
    this.#isFruitless = false;
  }

  /** Collects what the disk asks for; one who asks meanwhile waits for the same. Never rejects. */
  collect(): Promise<void> {
    return this.#once(async () => {
      const disk = await this.#disk();
      if (disk === undefined || usedPercent(disk) < startPercent || this.#isFruitless) return;
      await this.#removeUntil((percent) => percent < stopPercent);
    });
  }

  /** Something failed for want of space. */
  noteDiskFull(): void {
    this.#options.onDiskFull();
    void this.collect();
  }

  /** Whatever the disk asks for, but no image that is too young. Never rejects. */
  collectAll(): Promise<void> {
    return this.#once(() => this.#removeUntil(() => false));
  }

  #once(collect: () => Promise<void>): Promise<void> {
    const { log, record } = this.#options;
    this.#collecting ??= collect()
      .catch((error: unknown) => {
        if (this.#end.signal.aborted) return;
        log.warn("Cannot collect images", { error: errorChain(error) });
        const message = errorChain(error);
        record({ object: { kind: "Node" }, type: "Warning", reason: "ImageGCFailed", message });
      })
      .finally(() => {
        this.#collecting = undefined;
      });
    return this.#collecting;
  }

  async #removeUntil(isEnough: (usedPercent: number) => boolean): Promise<void> {
    const { rkt, fetched, clock, log, isKept, onRemoved } = this.#options;
    const { signal } = this.#end;
    const unused = new Map((await this.#unused()).map((image) => [image.id, image]));
    for (;;) {
      const disk = await this.#disk();
      if (disk === undefined || isEnough(usedPercent(disk))) return;
      const oldest = oldestUnused(
        [...unused.values()].filter(({ id }) => !isKept(id)),
        clock.wallMs(),
      );
      if (oldest === undefined) {
        this.#isFruitless = unused.size === 0; // what is only too young will be old enough without any change
        this.#tellWhatIsFull(usedPercent(disk));
        return;
      }
      unused.delete(oldest.id);
      await rkt.removeImage(oldest.id, signal);
      onRemoved();
      await fetched.remove(oldest.id);
      await rkt.removeUnusedTrees(signal);
      log.info("removed an unused image", { id: oldest.id, used: `${usedPercent(disk)} %` });
    }
  }

  #tellWhatIsFull(percent: number): void {
    if (percent < startPercent) return;
    const message = `The disk of the images is ${percent} % full, and no image can go`;
    this.#options.log.warn(message);
    this.#options.record({
      object: { kind: "Node" },
      type: "Warning",
      reason: "FreeDiskSpaceFailed",
      message,
    });
  }

  /** Ours, and of no pod. */
  async #unused(): Promise<readonly UnusedImage[]> {
    const { rkt, clock, fetched } = this.#options;
    const [ours, images, used] = await Promise.all([
      fetched.ids(),
      rkt.listImages(this.#end.signal),
      this.#used(),
    ]);
    for (const id of used) this.#usedAtMs.set(id, clock.wallMs());
    const present = new Set(images.map(({ id }) => id));
    for (const id of ours) if (!present.has(id)) await fetched.remove(id);
    for (const id of this.#usedAtMs.keys()) if (!present.has(id)) this.#usedAtMs.delete(id);
    return images
      .filter(({ id }) => ours.has(id) && !used.has(id))
      .map(({ id, importedAtMs, lastUsedAtMs }) => ({
        id,
        importedAtMs,
        lastUsedAtMs: Math.max(lastUsedAtMs, this.#usedAtMs.get(id) ?? 0),
      }));
  }

  async #used(): Promise<ReadonlySet<ImageId>> {
    const { rkt } = this.#options;
    const { signal } = this.#end;
    const used = new Set<ImageId>();
    for (const { uuid, state, apps } of await rkt.listPods(signal)) {
      for (const { imageId } of apps) used.add(imageId);
      if (apps.length > 0 || ["embryo", "preparing", "aborted prepare"].includes(state)) continue;
      // Somebody else's that rkt cannot describe.
      const { apps: written } = await rkt.catManifest(uuid, signal);
      for (const { image } of written ?? []) used.add(toImageId(image.id));
    }
    return used;
  }

  /** Undefined: there is no data directory yet. */
  async #disk(): Promise<Disk | undefined> {
    try {
      const { bsize, blocks, bavail } = await statfs(this.#options.dataDir);
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#end.abort();
    await this.#collecting;
  }
}

/** appc's ids have twice the digits that rkt keeps. */
function toImageId(id: string): ImageId {
  return id.slice(0, "sha512-".length + 64) as ImageId;
}
