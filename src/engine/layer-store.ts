// The layers of a data directory, each unpacked once for all images that have it:
//
//   cas/layers/NAME/fs     what the layer changes, as a lower directory of an overlay
//   cas/layers/NAME/info   a Layer
//   cas/stacks/ID          the layers of an image, a name a line, topmost first; above them all lies cas/trees/ID (layer-stack.ts)
//
// Invariant: a layer appears by a rename, complete, and stays while an image or a pod has it, or somebody holds it.

import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import type { ImageId } from "../pod/names.ts";
import { EngineError } from "./engine-error.ts";
import { tryToLock } from "./lock.ts";
import { renameUnlessThere } from "./rename-unless-there.ts";
import type { LayerDirectories } from "./unpack.ts";

export interface Layer {
  /** The digest of its bare tar. */
  readonly diffId: string;
  /** Bytes of that. */
  readonly size: number;
  readonly directories: LayerDirectories;
}

/** Disposed of when the image that needs it is there. */
export interface HeldLayer extends Disposable {
  readonly layer: Layer;
}

export class LayerStore {
  readonly #cas: string;

  constructor(cas: string) {
    this.#cas = cas;
  }

  /** A layer that is there, and stays meanwhile. */
  hold(diffId: string): HeldLayer | undefined {
    const path = this.#path(diffId);
    if (!fs.existsSync(path)) return undefined;
    const lock = tryToLock(path, "shared");
    // Removed between the two: then the lock is on nothing, or on what lies elsewhere now.
    if (!lock?.isOn(path)) {
      lock?.[Symbol.dispose]();
      return undefined;
    }
    const layer = JSON.parse(fs.readFileSync(`${path}/info`, "utf8")) as Layer;
    if (layer.diffId !== diffId) throw new EngineError(`${path} holds another layer`);
    return { layer, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  }

  /** Where to unpack a layer in a directory that is to be given to add(). */
  static filesIn(directory: string): string {
    return `${directory}/fs`;
  }

  /** Completes what is to be given to add(). */
  static describe(layer: Layer, directory: string): void {
    fs.writeFileSync(`${directory}/info`, JSON.stringify(layer));
  }

  /** `directory` is on the same file system. Somebody else may have been faster. */
  add(diffId: string, directory: string): void {
    renameUnlessThere(directory, this.#path(diffId));
  }

  /** The root of a layer that is there. */
  files(diffId: string): string {
    return LayerStore.filesIn(this.#path(diffId));
  }

  /** Writes what is to be given to addStack(). `work` is a directory of the caller's alone on the same file system. */
  static describeStack(topmostFirst: readonly string[], work: string): void {
    fs.writeFileSync(`${work}/stack`, topmostFirst.map((diffId) => `${layerName(diffId)}\n`).join(""));
  }

  addStack(id: ImageId, work: string): void {
    fs.renameSync(`${work}/stack`, this.#stack(id));
  }

  /** The lower directories of an image below its tree, topmost first, relative to `base`: a mount has room for 4096 bytes. */
  lowerDirectories(id: ImageId): readonly string[] {
    return this.#namesOf(id).map((name) => `${name}/fs`);
  }

  get base(): string {
    return `${this.#cas}/layers`;
  }

  /** Removes the stacks of images that `isUsed` denies, and then the layers that are in none. Only under the store's lock. */
  removeUnused(isUsed: (id: ImageId) => boolean): void {
    const used = new Set<string>();
    for (const id of fs.readdirSync(`${this.#cas}/stacks`) as ImageId[]) {
      if (isUsed(id)) for (const name of this.#namesOf(id)) used.add(name);
      else fs.rmSync(this.#stack(id), { force: true });
    }
    for (const name of fs.readdirSync(this.base)) {
      if (used.has(name)) continue;
      using lock = tryToLock(`${this.base}/${name}`, "exclusive");
      if (lock) fs.renameSync(`${this.base}/${name}`, `${this.#cas}/tmp/${randomBytes(6).toString("hex")}`);
    }
  }

  #namesOf(id: ImageId): readonly string[] {
    if (!fs.existsSync(this.#stack(id))) return [];
    return fs.readFileSync(this.#stack(id), "utf8").split("\n").slice(0, -1);
  }

  #stack(id: ImageId): string {
    return `${this.#cas}/stacks/${id}`;
  }

  #path(diffId: string): string {
    return `${this.base}/${layerName(diffId)}`;
  }
}

/** 25 characters for 128 bits. */
function layerName(diffId: string): string {
  const digits = createHash("sha256").update(diffId).digest("hex").slice(0, 32);
  return BigInt(`0x${digits}`).toString(36).padStart(25, "0");
}
