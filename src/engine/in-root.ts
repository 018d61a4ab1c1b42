// Looks at files of an image as a process chrooted into it would.
// Invariant: no symbolic link leads out of the root, and what is made or opened is inside, whatever others change meanwhile.

import { closeSync, constants, lstatSync, openSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { makeAt, O_PATH, openBeneath } from "../host/libc.ts";
import { EngineError } from "./engine-error.ts";

const linksMax = 40;

/** The place of `path` on the host; undefined where there is nothing. */
export function resolveInRoot(root: string, path: string): string | undefined {
  const names = walk(root, path, () => false);
  return names && [root, ...names].join("/");
}

/**
 * The same as an open file (O_PATH), and makes what is missing: directories, and an empty file where `kind` is one. Whoever changes the links
 * meanwhile makes it fail.
 */
export function openInRoot(root: string, path: string, kind: "directory" | "file"): number {
  const top = openSync(`${root}/`, O_PATH | constants.O_DIRECTORY);
  // What has been walked is free of links.
  const open = (names: readonly string[]) => openBeneath(top, names.join("/") || ".", "refuse");
  try {
    const names = walk(root, path, (parents, name, isLast) => {
      const parent = open(parents);
      try {
        makeAt(parent, name, isLast ? kind : "directory");
      } catch (error) {
        if (!hasErrorCode(error, "EEXIST")) throw error; // somebody else was faster
      } finally {
        closeSync(parent);
      }
      return true;
    });
    if (names === undefined) throw new EngineError(`${path}: too many levels of symbolic links`);
    return open(names);
  } finally {
    closeSync(top);
  }
}

/** The names from the root to it, without links; undefined where `make` makes nothing of what is missing, or for too many links. */
function walk(
  root: string,
  path: string,
  make: (parents: readonly string[], name: string, isLast: boolean) => boolean,
): readonly string[] | undefined {
  const done: string[] = [];
  const todo = path.split("/").reverse();
  for (let links = 0; todo.length > 0; ) {
    const name = todo.pop();
    if (name === undefined || name === "" || name === ".") continue;
    if (name === "..") {
      done.pop(); // `/..` is `/`
      continue;
    }
    const at = [root, ...done, name].join("/");
    const stat = lstatSync(at, { throwIfNoEntry: false });
    const isLast = todo.every((rest) => rest === "" || rest === ".");
    if (stat === undefined && !make(done, name, isLast)) return undefined;
    if (!stat?.isSymbolicLink()) {
      done.push(name);
      continue;
    }
    if (++links > linksMax) return undefined;
    const link = readlinkSync(at);
    if (link.startsWith("/")) done.length = 0;
    todo.push(...link.split("/").reverse());
  }
  return done;
}

export function statInRoot(root: string, path: string): Stats | undefined {
  const at = resolveInRoot(root, path);
  return at === undefined ? undefined : lstatSync(at, { throwIfNoEntry: false });
}

const textMax = 1024 * 1024;

/** Empty where it is no file, or none of a reasonable size. */
export function readTextInRoot(root: string, path: string): string {
  const at = resolveInRoot(root, path);
  const stat = at === undefined ? undefined : lstatSync(at);
  return at !== undefined && stat?.isFile() && stat.size <= textMax ? readFileSync(at, "utf8") : "";
}
