// Looks at files of an image as a process chrooted into it would. Invariant: no symbolic link leads out of the root.

import { lstatSync, mkdirSync, readFileSync, readlinkSync, type Stats, writeFileSync } from "node:fs";
import { EngineError } from "./engine-error.ts";

const linksMax = 40;

/** The place of `path` on the host; undefined where there is nothing. */
export function resolveInRoot(root: string, path: string): string | undefined {
  return walk(root, path, () => false);
}

/** The same, and makes what is missing: directories, and an empty file where `kind` is one. */
export function makeInRoot(root: string, path: string, kind: "directory" | "file"): string {
  const at = walk(root, path, (missing, isLast) => {
    if (isLast && kind === "file") writeFileSync(missing, "", { flag: "wx" });
    else mkdirSync(missing, { mode: 0o755 });
    return true;
  });
  if (at === undefined) throw new EngineError(`${path}: too many levels of symbolic links`);
  return at;
}

function walk(
  root: string,
  path: string,
  make: (missing: string, isLast: boolean) => boolean,
): string | undefined {
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
    if (
      stat === undefined &&
      !make(
        at,
        todo.every((rest) => rest === "" || rest === "."),
      )
    )
      return undefined;
    if (!stat?.isSymbolicLink()) {
      done.push(name);
      continue;
    }
    if (++links > linksMax) return undefined;
    const link = readlinkSync(at);
    if (link.startsWith("/")) done.length = 0;
    todo.push(...link.split("/").reverse());
  }
  return [root, ...done].join("/");
}

export function statInRoot(root: string, path: string): Stats | undefined {
  const at = resolveInRoot(root, path);
  return at === undefined ? undefined : lstatSync(at, { throwIfNoEntry: false });
}

/** Empty where it is no file. */
export function readTextInRoot(root: string, path: string): string {
  const at = resolveInRoot(root, path);
  return at !== undefined && lstatSync(at).isFile() ? readFileSync(at, "utf8") : "";
}
