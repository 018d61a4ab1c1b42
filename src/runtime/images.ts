// A container's image becomes an id in rkt's store, by the pull policy.
// Invariants: pulls happen one at a time, in order; what is in the store under its policy's terms is not fetched again.

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

export class Images {
  readonly #rkt: RktClient;
  /** The tail of the queue of pulls. */
  #pulling: Promise<unknown> = Promise.resolve();
  /** What an image file, as it then was, has become in the store. */
  readonly #files = new Map<string, ImageId>();
  readonly #manifests = new Map<ImageId, AppcImageManifest>();

  constructor(rkt: RktClient) {
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
      ({ dev, ino, size, mtimeNs, ctimeNs }) => `${path} ${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`,
      (error: unknown) => {
        throw new RuntimeError("ErrImagePull", `Cannot read image "${image}": ${errorChain(error)}`);
      },
    );
    const known = this.#files.get(identity);
    if (known !== undefined) return known;
    const id = await this.#fetch(path, { image }, signal);
    this.#files.set(identity, id);
    return id;
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
      return await this.#fetch(name.location, { image, pullPolicy }, signal);
    } catch (error) {
      if (present !== undefined) return present; // Always: better the image that is there than no pod
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

  #fetch(
    location: string,
    { image, ...options }: FetchOptions & { readonly image: string },
    signal: AbortSignal,
  ): Promise<ImageId> {
    const pull = this.#pulling.then(() => this.#rkt.fetch(location, options, signal));
    this.#pulling = pull.catch(() => undefined);
    return pull.catch((error: unknown) => {
      throw new RuntimeError("ErrImagePull", `Failed to pull image "${image}": ${errorChain(error)}`);
    });
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
