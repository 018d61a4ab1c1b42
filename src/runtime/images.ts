// A container's image becomes an id in rkt's store, by the pull policy.
// Invariant: from when it is found until its pod is prepared an image is not garbage.

import { stat } from "node:fs/promises";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { RecordEvent } from "../pod/event.ts";
import type { ImageActivity, Pulling, StaleImage } from "../pod/image-activity.ts";
import { type ImageId, type PodKey, podKeyOf } from "../pod/names.ts";
import type { Container, Pod } from "../pod/pod.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { AppcImageManifest } from "../rkt/appc.ts";
import { findImage, type ImageName, parseImageName } from "../rkt/image-name.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import { RktError } from "../rkt/rkt-error.ts";
import { type ImageEvents, imageEvents } from "./image-events.ts";
import { isUnreachable, type Pulls } from "./pulls.ts";

export interface Image {
  readonly id: ImageId;
  readonly manifest: AppcImageManifest;
}

/** Kept until disposed of. */
export interface PodImages extends Disposable {
  readonly byContainer: ReadonlyMap<string, Image>;
}

export interface ImagesOptions {
  readonly rkt: Pick<RktClient, "fetch" | "listImages" | "imageManifest">;
  readonly pulls: Pick<Pulls, "pull" | "import">;
  readonly log: Log;
  readonly onActivity: (key: PodKey, change: Partial<ImageActivity>) => void;
  readonly record: RecordEvent;
}

/** One container's image while its pod is prepared. */
interface Wish extends Pick<Container, "image" | "imagePullPolicy"> {
  readonly pod: Pod;
  readonly signal: AbortSignal;
  readonly events: ImageEvents;
  readonly onPulling: (pulling: Pulling | undefined) => void;
  readonly onStale: (image: StaleImage) => void;
}

export class Images {
  readonly #options: ImagesOptions;
  /** By path, what an image file, as it then was, has become in the store. */
  readonly #files = new Map<string, { readonly identity: string; readonly id: ImageId }>();
  readonly #manifests = new Map<ImageId, AppcImageManifest>();
  /** How many pods that are being prepared need it. */
  readonly #kept = new Map<ImageId, number>();

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /** Throws RuntimeError with the kubelet's image reasons. */
  async ensure(pod: Pod, signal: AbortSignal): Promise<PodImages> {
    const tell = (change: Partial<ImageActivity>) => this.#options.onActivity(podKeyOf(pod), change);
    const onPulling = (pulling: Pulling | undefined) => tell({ pulling });
    const stale: StaleImage[] = [];
    const onStale = (image: StaleImage) => stale.push(image);
    using kept = new DisposableStack();
    try {
      const byContainer = new Map<string, Image>();
      for (const { name, image, imagePullPolicy } of pod.spec.containers) {
        const events = imageEvents(this.#options.record, pod, { name, image });
        try {
          const id = await this.#find({ image, imagePullPolicy, pod, signal, events, onPulling, onStale });
          kept.use(this.#keep(id));
          byContainer.set(name, { id, manifest: await this.#manifest(id, image, signal) });
        } catch (error) {
          if (!signal.aborted) events.failed(error);
          throw error;
        }
      }
      tell({ stale });
      const all = kept.move();
      return { byContainer, [Symbol.dispose]: () => all.dispose() };
    } finally {
      onPulling(undefined);
    }
  }

  /** Whether a pod that is being prepared needs it. */
  isKept(id: ImageId): boolean {
    return this.#kept.has(id);
  }

  /** Forgets what it knows of the store: somebody removed an image. */
  forget(): void {
    this.#files.clear();
    this.#manifests.clear();
  }

  #keep(id: ImageId): Disposable {
    this.#kept.set(id, (this.#kept.get(id) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const others = (this.#kept.get(id) ?? 0) - 1;
        if (others > 0) this.#kept.set(id, others);
        else this.#kept.delete(id);
      },
    };
  }

  async #find(wish: Wish): Promise<ImageId> {
    const { image, imagePullPolicy } = wish;
    const name = parseImageName(image);
    if (name.kind === "invalid")
      throw new RuntimeError(
        "InvalidImageName",
        `Failed to apply default image tag "${image}": ${name.message}`,
      );
    if (name.kind === "file") return this.#fromFile(name, wish);
    switch (imagePullPolicy) {
      case "Never":
        return (await this.#fromStore(name, wish)) ?? neverPulled(image);
      case "IfNotPresent":
        return (
          (await this.#fromStore(name, wish)) ??
          (await this.#options.pulls.pull({ ...wish, name, pullPolicy: "new" }, wish.signal))
        );
      case "Always":
        return this.#fromRegistry(name, wish);
      default:
        return imagePullPolicy satisfies never;
    }
  }

  /** A local file is no pull, whatever the policy: it is read when it has changed. */
  async #fromFile(
    { location, path }: Extract<ImageName, { kind: "file" }>,
    { image, events, signal }: Wish,
  ): Promise<ImageId> {
    const identity = await stat(path, { bigint: true }).then(
      ({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(" "),
      (cause: unknown) => {
        throw new RuntimeError("ErrImagePull", `Failed to pull image "${image}"`, { cause });
      },
    );
    const known = () => {
      const file = this.#files.get(location);
      return file?.identity === identity ? file.id : undefined;
    };
    const present = known();
    if (present !== undefined) events.present();
    const request = { image, location, identity, known, events };
    const id = present ?? (await this.#options.pulls.import(request, signal));
    this.#files.set(location, { identity, id });
    return id;
  }

  /** Undefined: it is not there. */
  async #fromStore(name: ImageName, wish: Wish): Promise<ImageId | undefined> {
    const id = await this.#findInStore(name, wish);
    if (id !== undefined) wish.events.present();
    return id;
  }

  async #findInStore(name: ImageName, { image, signal }: Wish): Promise<ImageId | undefined> {
    const { rkt } = this.#options;
    try {
      if (name.kind === "docker" && name.digest === "")
        return findImage(await rkt.listImages(signal), name)?.id;
      // What the store knows of an image's origin or digest only its own look-up tells.
      return await rkt.fetch(name.location, { pullPolicy: "never" }, signal);
    } catch (cause) {
      if (cause instanceof RktError && cause.isNotFound) return undefined;
      throw new RuntimeError("ImageInspectError", `Failed to inspect image "${image}"`, { cause });
    }
  }

  /** Pulls anew; where the registry cannot be reached, better the image that is there than no pod. */
  async #fromRegistry(name: ImageName, wish: Wish): Promise<ImageId> {
    try {
      return await this.#options.pulls.pull({ ...wish, name, pullPolicy: "update" }, wish.signal);
    } catch (error) {
      if (!(error instanceof RuntimeError && isUnreachable(error.cause))) throw error;
      const present = await this.#fromStore(name, wish);
      if (present === undefined) throw error;
      const why = errorChain(error);
      this.#options.log.warn("An image is used as it is in the store", { image: wish.image, error: why });
      wish.onStale({ image: wish.image, why });
      return present;
    }
  }

  async #manifest(id: ImageId, image: string, signal: AbortSignal): Promise<AppcImageManifest> {
    const known = this.#manifests.get(id);
    if (known !== undefined) return known;
    try {
      const manifest = await this.#options.rkt.imageManifest(id, signal);
      this.#manifests.set(id, manifest);
      return manifest;
    } catch (cause) {
      throw new RuntimeError("ImageInspectError", `Failed to inspect image "${image}"`, { cause });
    }
  }
}

function neverPulled(image: string): never {
  const message = `Container image "${image}" is not present with pull policy of Never`;
  throw new RuntimeError("ErrImageNeverPull", message);
}
