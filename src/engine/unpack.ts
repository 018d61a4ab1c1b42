// Writes the entries of an archive below a directory that is ours alone, which an overlay can have as a lower directory.
// Invariant: nothing outside of that root is ever written, changed or linked to, whatever the archive says, and no more than its budget
// allows. A symbolic link in the way of an entry is followed as if the root were `/`, and one that climbs above it is an error.

import * as fs from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { makeNode, nodeTypes, setExtendedAttribute } from "../host/libc.ts";
import type { TarEntry } from "./tar.ts";
import type { UnpackBudget } from "./unpack-budget.ts";

export class UnpackError extends Error {
  override readonly name = "UnpackError";
}

/** What the directories of a layer mean for the layers below. Paths as latin1, without a slash at either end; `""` is the root. */
export interface LayerDirectories {
  /** Made because something is in them: their owner and mode say nothing. */
  readonly implicit: readonly string[];
  /** Hide what lower layers have there. */
  readonly opaque: readonly string[];
  /** Hold whiteouts. */
  readonly whitedOut: readonly string[];
}

const linksMax = 40;

export class Unpacker {
  /** Bytes as latin1, as all paths here. */
  readonly #root: string;
  readonly #budget: UnpackBudget;
  /** Where an entry's parent directory really is, by its path in the archive. */
  #parents = new Map<string, string>();
  /** Set at the end, since every new entry in a directory changes it. */
  readonly #directoryTimes = new Map<string, number>();
  /** Real paths, as all that follow. */
  readonly #implicit: Set<string>;
  readonly #opaque = new Set<string>();
  readonly #whitedOut = new Set<string>();

  constructor(root: string, budget: UnpackBudget) {
    this.#root = Buffer.from(root).toString("latin1");
    this.#budget = budget;
    this.#implicit = new Set([this.#root]);
  }

  /** `path` is relative to the root, `entry.linkPath` of a hard link too. */
  async write(path: string, entry: TarEntry): Promise<void> {
    this.#budget.take(path, entry.type === "file" ? entry.size : 0);
    const names = splitPath(path);
    const name = names.pop();
    if (name === undefined) {
      if (entry.type === "directory") this.#setAttributes(this.#root, entry);
      return;
    }
    const target = `${this.#parent(names)}/${name}`;
    const existing = lstat(target);
    if (entry.type === "directory" && existing?.isDirectory()) {
      this.#setAttributes(target, entry);
      return;
    }
    if (existing) this.#remove(target);
    await this.#create(target, entry);
    if (entry.type !== "hardlink") this.#setAttributes(target, entry);
    if (entry.type === "directory" && existing && isWhiteout(existing)) this.#makeOpaque(target);
  }

  /** Hides what lower layers have at `path`. What this layer itself has there stays. */
  whiteOut(path: string): void {
    this.#budget.take(path);
    const names = splitPath(path);
    const name = names.pop();
    if (name === undefined) throw new UnpackError("whiteout of the root directory");
    const parent = this.#parent(names);
    const target = `${parent}/${name}`;
    const existing = lstat(target);
    if (existing?.isDirectory()) this.#makeOpaque(target);
    if (existing) return;
    // overlayfs.rst, "whiteouts and opaque directories".
    makeNode(bytes(target), nodeTypes.character, 0, 0);
    this.#whitedOut.add(parent);
  }

  /** Hides all that lower layers have in the directory `path`. */
  hideLower(path: string): void {
    this.#budget.take(path);
    this.#makeOpaque(this.#parent(splitPath(path)));
  }

  /** After the last entry. */
  finish(): LayerDirectories {
    for (const [directory, mtime] of this.#directoryTimes)
      if (lstat(directory)?.isDirectory()) fs.utimesSync(bytes(directory), mtime, mtime);
    const relative = (paths: ReadonlySet<string>) =>
      [...paths].map((path) => path.slice(this.#root.length + 1)).sort();
    return {
      implicit: relative(this.#implicit),
      opaque: relative(this.#opaque),
      whitedOut: relative(this.#whitedOut),
    };
  }

  #makeOpaque(directory: string): void {
    setExtendedAttribute(bytes(directory), "trusted.overlay.opaque", Buffer.from("y"));
    this.#opaque.add(directory);
  }

  #remove(target: string): void {
    fs.rmSync(bytes(target), { recursive: true, force: true });
    this.#parents = new Map();
    for (const known of [this.#implicit, this.#opaque, this.#whitedOut, this.#directoryTimes])
      for (const path of known.keys())
        if (path === target || path.startsWith(`${target}/`)) known.delete(path);
  }

  async #create(target: string, entry: TarEntry): Promise<void> {
    switch (entry.type) {
      case "directory":
        fs.mkdirSync(bytes(target), { mode: 0o700 });
        return;
      case "symlink":
        fs.symlinkSync(bytes(entry.linkPath), bytes(target));
        return;
      case "hardlink":
        fs.linkSync(bytes(this.#existing(entry.linkPath)), bytes(target));
        return;
      case "file":
        await writeFile(target, entry);
        return;
      case "fifo":
        makeNode(bytes(target), nodeTypes.fifo | 0o600);
        return;
      case "character":
      case "block":
        makeNode(bytes(target), nodeTypes[entry.type] | 0o600, entry.major, entry.minor);
        return;
    }
    entry.type satisfies never;
  }

  #setAttributes(target: string, entry: TarEntry): void {
    const path = bytes(target);
    fs.lchownSync(path, entry.uid, entry.gid);
    for (const [name, value] of entry.xattrs) setAttribute(path, name, value);
    if (entry.type === "symlink") {
      fs.lutimesSync(path, entry.mtime, entry.mtime);
      return;
    }
    // After the owner: chown(2) takes setuid bits away.
    fs.chmodSync(path, entry.mode);
    if (entry.type === "directory") {
      this.#directoryTimes.set(target, entry.mtime);
      this.#implicit.delete(target);
    } else fs.utimesSync(path, entry.mtime, entry.mtime);
  }

  /** The place of what an earlier entry made; its last name is not followed. */
  #existing(path: string): string {
    const names = splitPath(path);
    const name = names.pop();
    const target = name === undefined ? this.#root : `${this.#parent(names)}/${name}`;
    const stat = lstat(target);
    if (stat && !stat.isDirectory() && !isWhiteout(stat)) return target;
    throw new UnpackError(`hard link to ${show(path)}, which is not in the archive`);
  }

  /** The real directory for a path of directories; makes what is missing. */
  #parent(names: readonly string[]): string {
    const key = names.join("/");
    const known = this.#parents.get(key);
    if (known !== undefined) return known;
    const found = this.#walk(names);
    this.#parents.set(key, found);
    return found;
  }

  #walk(names: readonly string[]): string {
    const done: string[] = [];
    const todo = [...names].reverse();
    for (let links = 0; todo.length > 0; ) {
      const name = todo.pop() ?? "";
      if (name === "..") {
        if (done.pop() === undefined)
          throw new UnpackError(`${show(names.join("/"))} leads out of the image`);
        continue;
      }
      const at = [this.#root, ...done, name].join("/");
      const stat = this.#directoryOr(lstat(at), at);
      if (stat?.isSymbolicLink()) {
        if (++links > linksMax) throw new UnpackError(`${show(names.join("/"))}: too many symbolic links`);
        const link = fs.readlinkSync(bytes(at), "latin1");
        if (link.startsWith("/")) done.length = 0;
        todo.push(...link.split("/").filter(isName).reverse());
      } else if (stat && !stat.isDirectory()) {
        throw new UnpackError(`${show(names.join("/"))} is not a directory`);
      } else {
        done.push(name);
      }
    }
    return [this.#root, ...done].join("/");
  }

  /** Makes a directory where there is nothing, in this layer or, by a whiteout, in all; else returns what is there. */
  #directoryOr(stat: fs.Stats | undefined, at: string): fs.Stats | undefined {
    const isHidden = stat !== undefined && isWhiteout(stat);
    if (stat && !isHidden) return stat;
    this.#budget.take(at);
    if (isHidden) this.#remove(at);
    fs.mkdirSync(bytes(at), { mode: 0o755 });
    this.#implicit.add(at);
    if (isHidden) this.#makeOpaque(at);
    return undefined;
  }
}

async function writeFile(target: string, entry: TarEntry): Promise<void> {
  const fd = fs.openSync(
    bytes(target),
    fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL,
    0o600,
  );
  try {
    for await (const chunk of entry.content())
      for (let at = 0; at < chunk.length; ) at += fs.writeSync(fd, chunk, at);
  } finally {
    fs.closeSync(fd);
  }
}

/** An archive's own paths may not climb at all: `..` has no business there. */
function splitPath(path: string): string[] {
  if (path.startsWith("/")) throw new UnpackError(`absolute path ${show(path)}`);
  const names = path.split("/").filter(isName);
  if (names.includes("..")) throw new UnpackError(`path ${show(path)} leads out of the image`);
  return names;
}

function isName(name: string): boolean {
  return name !== "" && name !== ".";
}

/** What an archive may set. The rest is for the host's kernel alone: overlayfs, SELinux and IMA would believe it. */
const attributeNames = /^(?:user\.(?!overlay\.)|security\.capability$|system\.posix_acl_(?:access|default)$)/;

function setAttribute(path: Buffer, name: string, value: Uint8Array): void {
  if (!attributeNames.test(name)) return;
  try {
    setExtendedAttribute(path, name, value);
  } catch (error) {
    // Not every file system has room for what only programs read.
    if (!name.startsWith("user.") || !hasErrorCode(error, "EOPNOTSUPP", "ENOTSUP", "EPERM")) throw error;
  }
}

function isWhiteout(stat: fs.Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

function lstat(path: string): fs.Stats | undefined {
  return fs.lstatSync(bytes(path), { throwIfNoEntry: false });
}

function bytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** For people. */
function show(path: string): string {
  return JSON.stringify(Buffer.from(path, "latin1").toString("utf8"));
}
