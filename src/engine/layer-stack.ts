// Layers upon each other, as an overlay will show them; and the directory that lies above them all, an image's own, which mends what a plain
// stack of layers gets wrong:
//
//   - a directory that a layer has only because something is in it would hide owner, mode and time of the one below
//   - whiteouts in a directory that only one layer has are listed, since overlayfs passes such a directory on unread
//
// Invariant: no symbolic link is followed, and nothing outside of the layers is read.

import * as fs from "node:fs";
import type { Layer } from "./layer-store.ts";

interface StackedLayer {
  readonly files: string;
  readonly implicit: ReadonlySet<string>;
  readonly opaque: ReadonlySet<string>;
  readonly whitedOut: ReadonlySet<string>;
}

/** An image in layers, unpacked in a work directory but for those layers that are held. */
export interface LayeredImage {
  readonly manifestText: string;
  /** Under which it is to be found again. */
  readonly reference: string | undefined;
  readonly stack: LayerStack;
  readonly layers: readonly Layer[];
  /** The directories of new layers, for LayerStore.add(). */
  readonly unpacked: ReadonlyMap<Layer, string>;
}

const textMax = 1024 * 1024;

export class LayerStack {
  readonly #layers: readonly StackedLayer[];
  /** Those that an overlay needs: none twice, and none below one that hides all. */
  readonly topmostFirst: readonly string[];

  /** `lowestFirst` as an image has them; `filesOf` tells where a layer is unpacked. */
  constructor(lowestFirst: readonly Layer[], filesOf: (diffId: string) => string) {
    const byId = new Map(lowestFirst.toReversed().map((layer) => [layer.diffId, layer]));
    const topmostFirst = [...byId.values()];
    const hiding = topmostFirst.findIndex(({ directories }) => directories.opaque.includes(""));
    const shown = hiding < 0 ? topmostFirst : topmostFirst.slice(0, hiding + 1);
    this.topmostFirst = shown.map(({ diffId }) => diffId);
    this.#layers = shown.map(({ diffId, directories }) => ({
      files: filesOf(diffId),
      implicit: new Set(directories.implicit),
      opaque: new Set(directories.opaque),
      whitedOut: new Set(directories.whitedOut),
    }));
  }

  /** The text of a file; empty where there is none, or none of a reasonable size. */
  readText(path: string): string {
    const at = path.lastIndexOf("/");
    for (const { files } of this.#contributors(path.slice(0, Math.max(0, at)))) {
      const file = `${files}/${path}`;
      const stat = fs.lstatSync(file, { throwIfNoEntry: false });
      if (stat) return stat.isFile() && stat.size <= textMax ? fs.readFileSync(file, "utf8") : "";
    }
    return "";
  }

  /** Writes the image's own directory, which is to be the topmost, to `target`. */
  writeTop(target: string): void {
    const paths = [...this.#mended()].sort();
    for (const path of paths) this.#makeLike(path, target);
    // The outer ones last: what is made in a directory changes its time.
    for (const path of paths.reverse()) {
      const { mtime } = this.#model(path);
      fs.utimesSync(bytes(join(target, path)), mtime, mtime);
    }
  }

  /** The directories that it has, with those that lead there. */
  #mended(): ReadonlySet<string> {
    const mended = new Set([""]);
    for (const { implicit, whitedOut } of this.#layers)
      for (const path of [...implicit, ...whitedOut]) {
        if (mended.has(path) || !this.#needsMending(path)) continue;
        for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) mended.add(at);
      }
    return mended;
  }

  #needsMending(path: string): boolean {
    const [top, ...below] = this.#contributors(path);
    if (top === undefined) return false;
    if (below.length === 0) return top.whitedOut.has(path);
    return top.implicit.has(path) && below.some(({ implicit }) => !implicit.has(path));
  }

  #makeLike(path: string, target: string): void {
    const { mode, uid, gid } = this.#model(path);
    const at = bytes(join(target, path));
    fs.mkdirSync(at, { recursive: path === "" });
    fs.chownSync(at, uid, gid);
    fs.chmodSync(at, mode & 0o7777);
  }

  /** The topmost one that says something; of several that only lead somewhere any. */
  #model(path: string): fs.Stats {
    const all = this.#contributors(path);
    const model = all.find(({ implicit }) => !implicit.has(path)) ?? all[0];
    // An image without layers: any directory does.
    return fs.lstatSync(bytes(model === undefined ? "/" : join(model.files, path)));
  }

  /** The layers whose directories show up at `path`, topmost first; none where it is no directory. */
  #contributors(path: string): readonly StackedLayer[] {
    const names = path === "" ? [] : path.split("/");
    const found: StackedLayer[] = [];
    for (const layer of this.#layers) {
      const presence = presenceOf(layer, names);
      if (presence.kind === "other") break;
      if (presence.kind === "directory") found.push(layer);
      if (presence.hidesLower) break;
    }
    return found;
  }
}

interface Presence {
  readonly kind: "directory" | "absent" | "other";
  readonly hidesLower: boolean;
}

function presenceOf({ files, opaque }: StackedLayer, names: readonly string[]): Presence {
  let hidesLower = opaque.has("");
  for (let depth = 1; depth <= names.length; depth++) {
    const path = names.slice(0, depth).join("/");
    const stat = fs.lstatSync(bytes(join(files, path)), { throwIfNoEntry: false });
    if (stat === undefined) return { kind: "absent", hidesLower };
    if (!stat.isDirectory()) return { kind: "other", hidesLower };
    hidesLower ||= opaque.has(path);
  }
  return { kind: "directory", hidesLower };
}

/** A byte a character, as in LayerDirectories. */
function bytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

function join(root: string, path: string): string {
  const base = Buffer.from(root).toString("latin1");
  return path === "" ? base : `${base}/${path}`;
}
