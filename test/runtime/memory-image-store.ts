// rkt's store and the registries behind it, in memory: what is pulled is then there, under an id of its own for each state of the tag.

import { CommandError } from "../../src/host/command.ts";
import type { ImageId } from "../../src/pod/names.ts";
import type { AppcImageManifest } from "../../src/rkt/appc.ts";
import type { FetchOptions } from "../../src/rkt/rkt-client.ts";
import { RktError } from "../../src/rkt/rkt-error.ts";
import type { RktImage } from "../../src/rkt/rkt-image.ts";

export class MemoryImageStore {
  readonly images: RktImage[] = [];
  /** How often something was brought from outside. */
  pulls = 0;
  /** What stderr says of a fetch that fails; undefined: it succeeds. */
  failure: string | undefined;
  listFailure: Error | undefined;
  /** What keeps a fetch of that location waiting. */
  readonly gates = new Map<string, Promise<unknown>>();
  readonly #locations = new Map<string, ImageId>();

  async fetch(location: string, options: FetchOptions, signal: AbortSignal): Promise<ImageId> {
    const present = this.#locations.get(location);
    if (options.pullPolicy === "never" || (options.pullPolicy === "new" && present !== undefined)) {
      if (present !== undefined) return present;
      throw fetchFailure(location, "image was not found in the store");
    }
    this.pulls += 1;
    const gate = this.gates.get(location);
    if (gate) await Promise.race([gate, untilAborted(signal)]);
    if (this.failure !== undefined) throw fetchFailure(location, this.failure);
    return this.add(location);
  }

  /** Without a pull. */
  add(location: string): ImageId {
    const [name = "", version = ""] = location.replace(/^docker:\/\//, "").split(":");
    const count = this.images.length + 1;
    const id = `sha512-${String(count).padStart(64, "0")}` as ImageId;
    this.#locations.set(location, id);
    this.images.push({ id, name, version, importedAtMs: count, lastUsedAtMs: count, sizeBytes: 1 });
    return id;
  }

  async listImages(): Promise<readonly RktImage[]> {
    if (this.listFailure) throw this.listFailure;
    return [...this.images];
  }

  async imageManifest(id: ImageId): Promise<AppcImageManifest> {
    return { acKind: "ImageManifest", acVersion: "0.8.11", name: id };
  }
}

function fetchFailure(location: string, stderr: string): RktError {
  const fields = { argv: ["rkt"], exitCode: 254, signal: undefined, stdout: "", stderr };
  const how = { isTimeout: false, isCanceled: false, isNotFound: false };
  return new RktError(`fetch image ${location}`, new CommandError({ ...fields, ...how }));
}

function untilAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise;
}
