// A container's image becomes an id in rkt's store, by the pull policy.
// Invariants: pulls happen one at a time, in order, and local files do not wait for them; what is in the store under its policy's
// terms is not fetched again.

import { stat } from "node:fs/promises";
import { errorChain } from "../host/error.ts";
import type { ImageId } from "../pod/names.ts";
import type { Container } from "../pod/pod.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { AppcImageManifest } from "../rkt/appc.ts";
import { findImage, type ImageName, parseImageName } from "../rkt/image-name.ts";
import type { FetchOptions, RktClient } from "../rkt/rkt-client.ts";

export interface Image {
  readonly id: ImageId;
  readonly manifest: AppcImageManifest;
}

type ImageStore = Pick<RktClient, "fetch" | "listImages" | "imageManifest">;

export class Images {
  readonly #rkt: ImageStore;
  /** The ends of the two queues. */
  readonly #last: Record<"file" | "remote", Promise<unknown>> = {
    file: Promise.resolve(),
    remote: Promise.resolve(),
  };
  /** By path, what an image file, as it then was, has become in the store. */
  readonly #files = new Map<string, { readonly identity: string; readonly id: ImageId }>();
  readonly #manifests = new Map<ImageId, AppcImageManifest>();

  constructor(rkt: ImageStore) {
    this.#rkt = rkt;
  }

  /** Throws RuntimeError with the kubelet's image reasons. */
  async ensure(container: Container, signal: AbortSignal): Promise<Image> {
    const name = parseImageName(container.image);
    if (name.kind === "invalid") {
      throw new RuntimeError("InvalidImageName", `Cannot use image "${container.image}": ${name.message}`);
    }
    const id = await (name.kind === "file"
      ? this.#ensureFile(name.location, container.image, signal)
      : this.#ensureNamed(name, container, signal));
    return { id, manifest: await this.#manifest(id, signal) };
  }

  /** Forgets what it knows of the store: somebody removed an image. */
  forget(): void {
    this.#files.clear();
    this.#manifests.clear();
  }

  /** A local file is no pull, whatever the policy: it is read when it has changed. */
  async #ensureFile(path: string, image: string, signal: AbortSignal): Promise<ImageId> {
    const identity = await stat(path, { bigint: true }).then(
      ({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(" "),
      (error: unknown) => {
        throw new RuntimeError("ErrImagePull", `Cannot read image "${image}": ${errorChain(error)}`);
      },
    );
    const known = () => {
      const file = this.#files.get(path);
      return file?.identity === identity ? file.id : undefined;
    };
    const fetch = async () => {
      const id = known() ?? (await this.#fetch(path, { image }, signal)); // another pod's turn may have brought it
      this.#files.set(path, { identity, id });
      return id;
    };
    return known() ?? this.#inTurn("file", fetch, signal);
  }

  async #ensureNamed(name: ImageName, container: Container, signal: AbortSignal): Promise<ImageId> {
    const { image, imagePullPolicy } = container;
    const present = await this.#find(name, image, signal);
    if (imagePullPolicy !== "Always" && present !== undefined) return present;
    if (imagePullPolicy === "Never") {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      throw new RuntimeError("ErrImageNeverPull", message);
    }
    try {
      const pullPolicy = imagePullPolicy === "Always" ? "update" : "new";
      const fetch = () => this.#fetch(name.location, { image, pullPolicy }, signal);
      return await this.#inTurn("remote", fetch, signal);
    } catch (error) {
      if (present !== undefined && !signal.aborted) return present; // Always: better the image that is there than no pod
      throw error;
    }
  }

  /** The newest import with that name. */
  async #find(name: ImageName, image: string, signal: AbortSignal): Promise<ImageId | undefined> {
    try {
      return findImage(await this.#rkt.listImages(signal), name)?.id;
    } catch (error) {
      throw new RuntimeError("ImageInspectError", `Cannot look for image "${image}": ${errorChain(error)}`);
    }
  }

  /** Resolves with what `work` does when those before it are done; rejects as soon as it is canceled, not only then. */
  async #inTurn<T>(queue: "file" | "remote", work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const turn = this.#last[queue].then(work);
    this.#last[queue] = turn.catch(() => undefined);
    const canceled = Promise.withResolvers<never>();
    const cancel = () => canceled.reject(signal.reason);
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      return await Promise.race([turn, canceled.promise]);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async #fetch(
    location: string,
    { image, ...options }: FetchOptions & { readonly image: string },
    signal: AbortSignal,
  ): Promise<ImageId> {
    try {
      return await this.#rkt.fetch(location, options, signal);
    } catch (error) {
      throw new RuntimeError("ErrImagePull", `Failed to pull image "${image}": ${errorChain(error)}`);
    }
  }

  async #manifest(id: ImageId, signal: AbortSignal): Promise<AppcImageManifest> {
    const known = this.#manifests.get(id);
    if (known !== undefined) return known;
    try {
      const manifest = await this.#rkt.imageManifest(id, signal);
      this.#manifests.set(id, manifest);
      return manifest;
    } catch (error) {
      throw new RuntimeError("ImageInspectError", `Cannot read the manifest of ${id}: ${errorChain(error)}`);
    }
  }
}
