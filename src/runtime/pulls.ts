// Brings images into rkt's store: by turns, with credentials, and not again before its back-off what failed.
// Invariant: what is brought by us and was not there before is written down, since only that is ours to remove.

import { createHash } from "node:crypto";
import type { Clock } from "../host/clock.ts";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { Pulling } from "../pod/image-activity.ts";
import type { ImageId } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import type { ImageName } from "../rkt/image-name.ts";
import type { FetchOptions, RktClient } from "../rkt/rkt-client.ts";
import { RktError } from "../rkt/rkt-error.ts";
import type { FetchedImages } from "./fetched-images.ts";
import type { ImageEvents } from "./image-events.ts";
import { PullBackOff } from "./pull-back-off.ts";
import type { FoundCredentials, PullCredentials } from "./pull-credentials.ts";
import { Turns } from "./turns.ts";

export interface PullsOptions {
  readonly rkt: Pick<RktClient, "fetch" | "listImages">;
  readonly credentials: Pick<PullCredentials, "find" | "configDirectory">;
  readonly fetched: Pick<FetchedImages, "add">;
  /** How many at once. */
  readonly atOnce: number;
  readonly clock: Clock;
  readonly log: Log;
  /** A fetch failed for want of space. */
  readonly onDiskFull: () => void;
}

export interface PullRequest {
  /** As written in the manifest. */
  readonly image: string;
  readonly name: ImageName;
  readonly pod: Pod;
  readonly pullPolicy: "new" | "update";
  readonly events: Pick<ImageEvents, "pulling" | "pulled">;
  readonly onPulling: (pulling: Pulling) => void;
}

export interface ImportRequest {
  readonly image: string;
  readonly location: string;
  /** The file as it is now: another one has no back-off. */
  readonly identity: string;
  /** Asked when it is its turn, as another pod's may have brought it. */
  readonly known: () => ImageId | undefined;
  readonly events: ImageEvents;
}

interface Asked {
  readonly found: FoundCredentials;
  readonly askedMs: number;
  readonly signal: AbortSignal;
}

interface Fetched {
  readonly id: ImageId;
  /** Undefined: not known. */
  readonly sizeBytes: number | undefined;
}

const noCredentials: FoundCredentials = { usable: [], unusable: [] };

export class Pulls {
  readonly #options: PullsOptions;
  readonly #backOff: PullBackOff;
  readonly #turns: Turns;
  /** Local files wait for no pull. */
  readonly #fileTurns = new Turns(1);

  constructor(options: PullsOptions) {
    this.#options = options;
    this.#backOff = new PullBackOff(options.clock);
    this.#turns = new Turns(options.atOnce);
  }

  /** Throws RuntimeError: ErrImagePull, or ImagePullBackOff without having tried. */
  async pull(request: PullRequest, signal: AbortSignal): Promise<ImageId> {
    const { image, name, pod, onPulling } = request;
    const isDocker = name.kind === "docker";
    const found = isDocker ? await this.#options.credentials.find(pod, name.repository) : noCredentials;
    const notes = found.unusable.length > 0 ? ` (${found.unusable.join("; ")})` : "";
    const subject = `image "${image}"${notes}`;
    // Who has other credentials may have more luck.
    const digest = createHash("sha256").update(JSON.stringify(found.usable)).digest("hex");
    const key = `${name.location} ${digest}`;
    this.#backOff.check(key, subject);
    onPulling({ image, isQueued: !this.#turns.isFree, progress: undefined });
    const askedMs = this.#options.clock.nowMs();
    using _turn = await this.#turns.take(signal);
    const fetch = () => this.#toldPull(request, { found, askedMs, signal });
    return await this.#withBackOff(key, subject, fetch, signal);
  }

  /** Reads a local file. Throws as pull() does. */
  async import(request: ImportRequest, signal: AbortSignal): Promise<ImageId> {
    const { image, location, identity, known, events } = request;
    const askedMs = this.#options.clock.nowMs();
    using _turn = await this.#fileTurns.take(signal);
    const present = known();
    if (present !== undefined) {
      events.present();
      return present;
    }
    const fetch = () => this.#told(events, askedMs, () => this.#fetch(location, {}, signal));
    return this.#withBackOff(`${location} ${identity}`, `image "${image}"`, fetch, signal);
  }

  async #withBackOff(
    key: string,
    subject: string,
    fetch: () => Promise<ImageId>,
    signal: AbortSignal,
  ): Promise<ImageId> {
    this.#backOff.check(key, subject); // also now that it is its turn: it may have failed for another pod
    try {
      const id = await fetch();
      this.#backOff.succeeded(key);
      return id;
    } catch (error) {
      signal.throwIfAborted(); // that was no failure of the image's
      throw this.#backOff.failed(key, subject, error);
    }
  }

  async #toldPull(request: PullRequest, { found, askedMs, signal }: Asked): Promise<ImageId> {
    const { image, pod, onPulling, events } = request;
    const { clock, log } = this.#options;
    const startedMs = clock.nowMs();
    const fields = { image, pod: `${pod.namespace}/${pod.name}` };
    onPulling({ image, isQueued: false, progress: undefined });
    log.info("pulling", fields);
    const id = await this.#told(events, askedMs, () => this.#fetchWith(found, request, signal));
    log.info("pulled", { ...fields, ms: clock.nowMs() - startedMs });
    return id;
  }

  async #told(
    events: Pick<ImageEvents, "pulling" | "pulled">,
    askedMs: number,
    fetch: () => Promise<Fetched>,
  ): Promise<ImageId> {
    const { clock } = this.#options;
    const startedMs = clock.nowMs();
    events.pulling();
    const { id, sizeBytes } = await fetch();
    const nowMs = clock.nowMs();
    events.pulled({ pullMs: nowMs - startedMs, allMs: nowMs - askedMs, sizeBytes });
    return id;
  }

  /** Tries one credential after the other, or none if there is none. */
  async #fetchWith(
    found: FoundCredentials,
    { image, name, pullPolicy, onPulling }: PullRequest,
    signal: AbortSignal,
  ): Promise<Fetched> {
    const options: FetchOptions = {
      pullPolicy,
      onProgress: (progress) => onPulling({ image, isQueued: false, progress }),
    };
    if (name.kind !== "docker" || found.usable.length === 0)
      return this.#fetch(name.location, options, signal);
    let failure: unknown;
    for (const credential of found.usable) {
      await using config = await this.#options.credentials.configDirectory(name.repository, credential);
      try {
        return await this.#fetch(name.location, { ...options, userConfigDir: config.path }, signal);
      } catch (error) {
        failure = error;
        if (signal.aborted || isUnreachable(error)) break;
      }
    }
    throw failure;
  }

  async #fetch(location: string, options: FetchOptions, signal: AbortSignal): Promise<Fetched> {
    const { rkt, fetched, log, onDiskFull } = this.#options;
    try {
      const before = new Set((await rkt.listImages(signal)).map(({ id }) => id));
      const id = await rkt.fetch(location, options, signal);
      if (!before.has(id))
        await fetched
          .add(id)
          .catch((error: unknown) => log.warn("Cannot note a pulled image", { error: errorChain(error) }));
      const images = await rkt.listImages(signal).catch(() => []);
      return { id, sizeBytes: images.find((image) => image.id === id)?.sizeBytes };
    } catch (error) {
      if (error instanceof RktError && error.isDiskFull) onDiskFull();
      throw error;
    }
  }
}

/** Whether a pull failed as the registry could not be reached; what it would have said is not known. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof RktError && (error.isUnreachable || error.isTimeout);
}
