// The images of a data directory:
//
//   cas/images/ID/manifest   its mtime is when the image was imported
//   cas/images/ID/size       its mtime is when the image was last used
//   cas/trees/ID/            the root file system; stays as long as a pod uses it, also when the image is removed
//   cas/stacks/, cas/layers/ what lies below that for images that come in layers (layer-store.ts)
//   cas/references/          what docker:// references lead to (reference-store.ts)
//   cas/tmp/*/               what is being unpacked; whoever does it holds the directory's flock
//
// Invariant: an image and a tree appear by a rename, complete; a tree is removed only under the lock that prepare takes too.

import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { systemClock } from "../host/clock.ts";
import { hasErrorCode } from "../host/error.ts";
import { faultPoint } from "../host/fault-point.ts";
import { syncFileSystem } from "../host/libc.ts";
import type { ImageId } from "../pod/names.ts";
import type { AppcImageManifest } from "../rkt/appc.ts";
import { type UnpackedAci, unpackAci } from "./aci.ts";
import { checkHash, checkIdentifier } from "./appc-check.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import type { LayeredImage } from "./layer-stack.ts";
import { LayerStore } from "./layer-store.ts";
import { type Lock, lockWithin, tryToLock } from "./lock.ts";
import { ReferenceStore } from "./reference-store.ts";
import { renameUnlessThere } from "./rename-unless-there.ts";

export interface StoredImage {
  readonly id: ImageId;
  /** `example.com/app:1.0`. */
  readonly label: string;
  readonly manifest: AppcImageManifest;
  readonly importedNs: bigint;
  readonly usedNs: bigint;
  readonly size: number;
}

/** How long others may take; unpacking does not hold this lock. */
const lockTimeoutMs = 30_000;

export class ImageStore {
  readonly #cas: string;
  readonly layers: LayerStore;
  readonly #references: ReferenceStore;

  /** Makes the directories. */
  constructor(dataDir: string) {
    this.#cas = `${dataDir}/cas`;
    this.layers = new LayerStore(this.#cas);
    this.#references = new ReferenceStore(this.#cas);
    withFileErrors("cannot open store", () => {
      fs.mkdirSync(dataDir, { recursive: true, mode: 0o750 });
      // Unprivileged members of the directory's group may only read.
      for (const name of ["", "/images", "/trees", "/stacks", "/layers", "/references", "/tmp"])
        if (!fs.existsSync(this.#cas + name))
          fs.mkdirSync(this.#cas + name, { recursive: true, mode: 0o750 });
      fs.readdirSync(`${this.#cas}/images`);
    });
  }

  /** Oldest import first. */
  list(): readonly StoredImage[] {
    return fs
      .readdirSync(`${this.#cas}/images`)
      .map((id) => this.#read(id as ImageId))
      .filter((image) => image !== undefined)
      .sort((a, b) => (a.importedNs === b.importedNs ? 0 : a.importedNs < b.importedNs ? -1 : 1));
  }

  /** By an id of full length or longer (appc's ids have twice the digits that rkt keeps), or the start of one. */
  findById(id: string): StoredImage {
    const start = id.slice(0, "sha512-".length + 64);
    const exact =
      start.length === id.length || id.length > start.length ? this.#read(start as ImageId) : undefined;
    if (exact) return exact;
    const found = this.list().filter((image) => image.id.startsWith(start));
    if (found.length > 1) throw new EngineError(`ambiguous image ID: "${id}"`);
    const [image] = found;
    if (image === undefined) throw new EngineError("no image IDs found");
    return image;
  }

  /** The last imported of that name, and version where one is given; undefined if there is none. */
  findByName(name: string): StoredImage | undefined {
    const [identifier = "", version] = name.split(":");
    checkIdentifier(identifier);
    return this.list().findLast(
      ({ manifest }) =>
        manifest.name === identifier && (version === undefined || imageVersion(manifest) === version),
    );
  }

  /** By id or name, as `image rm` and `image cat-manifest` take it. */
  find(key: string): StoredImage {
    if (isImageHash(key)) return this.findById(key);
    const image = this.findByName(key);
    if (image) return image;
    const [name, version] = key.split(":");
    const labels = version === undefined ? "" : `version:${version}`;
    throw new EngineError(
      `cannot find aci satisfying name: "${name}" and labels: [${labels}] in the local store`,
    );
  }

  /** Unpacks an ACI file, from where `reference` leads if given; what was there of it before is kept, as imported now. */
  async import(file: string, reference?: string): Promise<StoredImage> {
    using work = this.workDirectory();
    const rootfs = `${work.path}/rootfs`;
    fs.mkdirSync(rootfs, { mode: 0o755 });
    const unpacked = await unpackAci(file, rootfs);
    this.#write(unpacked, work.path);
    syncAround(work.path);
    using _trees = this.lockTrees("shared");
    renameUnlessThere(rootfs, this.tree(unpacked.id));
    return this.#add(unpacked.id, reference, work.path);
  }

  /** `work` is the caller's work directory; an image that is there is kept, as imported now. */
  addLayered({ manifestText, reference, stack, layers, unpacked }: LayeredImage, work: string): StoredImage {
    const hash = createHash("sha512").update(manifestText);
    for (const { diffId } of layers) hash.update(`\n${diffId}`);
    const id = toImageId(hash.digest("hex"));
    const size = layers.reduce((sum, layer) => sum + layer.size, Buffer.byteLength(manifestText));
    for (const [layer, directory] of unpacked) LayerStore.describe(layer, directory);
    LayerStore.describeStack(stack.topmostFirst, work);
    stack.writeTop(`${work}/top`);
    this.#write({ manifestText, size }, work);
    if (unpacked.size > 0 || this.#read(id) === undefined) syncAround(work);
    using _trees = this.lockTrees("shared");
    for (const [{ diffId }, directory] of unpacked) this.layers.add(diffId, directory);
    this.layers.addStack(id, work);
    renameUnlessThere(`${work}/top`, this.tree(id));
    return this.#add(id, reference, work);
  }

  #write({ manifestText, size }: Pick<UnpackedAci, "manifestText" | "size">, work: string): void {
    fs.mkdirSync(`${work}/image`, { mode: 0o755 });
    fs.writeFileSync(`${work}/image/manifest`, manifestText);
    fs.writeFileSync(`${work}/image/size`, String(size));
  }

  /** What #write() has written, once the rest of it is there. */
  #add(id: ImageId, reference: string | undefined, work: string): StoredImage {
    if (this.#read(id) === undefined) this.remove(id); // one that cannot be read
    if (process.env.FAULT_POINTS) faultPoint(`storing image ${id}`);
    if (!renameUnlessThere(`${work}/image`, this.#image(id))) {
      const now = new Date(systemClock.wallMs());
      for (const name of ["manifest", "size"]) fs.utimesSync(`${this.#image(id)}/${name}`, now, now);
    }
    const stored = this.#read(id);
    if (stored === undefined) throw new EngineError(`image ${id} was removed meanwhile`);
    if (reference !== undefined) this.#references.note(reference, id, work);
    return stored;
  }

  /** Notes that an image was used. */
  touch(id: ImageId): void {
    const now = new Date(systemClock.wallMs());
    fs.utimesSync(`${this.#image(id)}/size`, now, now);
  }

  /** False if somebody else did. The tree stays until removeUnusedTrees(). */
  remove(id: ImageId): boolean {
    const aside = `${this.#cas}/tmp/${randomBytes(6).toString("hex")}`;
    try {
      fs.renameSync(this.#image(id), aside);
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return false;
      throw error;
    }
    fs.rmSync(aside, { recursive: true, force: true });
    return true;
  }

  /** Removes the trees of removed images that `isUsed` by no pod, the layers of none, and what killed processes left. */
  removeUnusedTrees(isUsed: () => ReadonlySet<string>): void {
    {
      using _trees = this.lockTrees("exclusive");
      const used = isUsed();
      const stays = (id: ImageId) => used.has(id) || fs.existsSync(this.#image(id));
      for (const id of fs.readdirSync(`${this.#cas}/trees`) as ImageId[])
        if (!stays(id)) fs.renameSync(this.tree(id), `${this.#cas}/tmp/${randomBytes(6).toString("hex")}`);
      this.layers.removeUnused(stays);
      this.#references.removeStale((id) => fs.existsSync(this.#image(id)));
    }
    this.removeLeftovers();
  }

  /** The image that a reference led to the last time; undefined if it is not there. */
  findByReference(reference: string): StoredImage | undefined {
    const id = this.#references.idOf(reference);
    return id === undefined ? undefined : this.#read(id);
  }

  removeLeftovers(): void {
    for (const name of fs.readdirSync(`${this.#cas}/tmp`)) {
      using lock = tryToLock(`${this.#cas}/tmp/${name}`, "exclusive");
      if (lock) fs.rmSync(`${this.#cas}/tmp/${name}`, { recursive: true, force: true });
    }
  }

  /** The root file system of an image, or the topmost part of it; may be gone when the image is. */
  tree(id: ImageId): string {
    return `${this.#cas}/trees/${id}`;
  }

  /** Whether it came in layers, as docker's do; known for as long as its tree is there. */
  isLayered(id: ImageId): boolean {
    return this.layers.lowerDirectories(id).length > 0;
  }

  /** What an overlay of the image has as its lower directories, topmost first, relative to `layers.base`. */
  lowerDirectories(id: ImageId): readonly string[] {
    return [`../trees/${id}`, ...this.layers.lowerDirectories(id)];
  }

  /** Shared: no tree goes away meanwhile. */
  lockTrees(kind: "shared" | "exclusive"): Lock {
    const path = `${this.#cas}/trees`;
    return lockWithin(lockTimeoutMs, path, fs.openSync(path, "r"), kind);
  }

  #image(id: ImageId): string {
    return `${this.#cas}/images/${id}`;
  }

  #read(id: ImageId): StoredImage | undefined {
    try {
      const path = this.#image(id);
      const manifest = JSON.parse(fs.readFileSync(`${path}/manifest`, "utf8")) as AppcImageManifest;
      return {
        id,
        manifest,
        label: imageLabel(manifest),
        importedNs: fs.statSync(`${path}/manifest`, { bigint: true }).mtimeNs,
        usedNs: fs.statSync(`${path}/size`, { bigint: true }).mtimeNs,
        size: Number(fs.readFileSync(`${path}/size`, "utf8")),
      };
    } catch (error) {
      // Removed while we looked; or damaged: not there, so that it is fetched anew.
      if (hasErrorCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** A directory of ours alone, gone when disposed of. */
  workDirectory(): Disposable & { readonly path: string } {
    for (;;) {
      const path = `${this.#cas}/tmp/${randomBytes(6).toString("hex")}`;
      fs.mkdirSync(path, { mode: 0o700 });
      const lock = tryToLock(path, "exclusive");
      if (lock?.isOn(path)) return workDirectory(path, lock);
      lock?.[Symbol.dispose](); // gc has taken it away before it was locked
    }
  }
}

function workDirectory(path: string, lock: Lock): Disposable & { readonly path: string } {
  return {
    path,
    [Symbol.dispose]: () => {
      fs.rmSync(path, { recursive: true, force: true });
      lock[Symbol.dispose]();
    },
  };
}

/** Whether an argument is an image id, not a name. */
export function isImageHash(text: string): boolean {
  try {
    checkHash(text);
    return true;
  } catch {
    return false;
  }
}

function imageVersion(manifest: AppcImageManifest): string | undefined {
  return manifest.labels?.find(({ name }) => name === "version")?.value;
}

export function imageLabel(manifest: AppcImageManifest): string {
  const version = imageVersion(manifest);
  return version === undefined ? manifest.name : `${manifest.name}:${version}`;
}

/** A name that is on the disk before its content would be a layer of empty files after a power cut. */
function syncAround(path: string): void {
  const fd = fs.openSync(path, "r");
  try {
    syncFileSystem(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** rkt keeps half of a sha512. */
function toImageId(digits: string): ImageId {
  return `sha512-${digits.slice(0, 64)}` as ImageId;
}
