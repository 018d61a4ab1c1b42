// Looks at files of an image as a process chrooted into it would. Invariant: no symbolic link leads out of the root.

import { lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";

const linksMax = 40;

/** The place of `path` on the host; undefined where there is nothing. */
export function resolveInRoot(root: string, path: string): string | undefined {
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
    if (stat === undefined) return undefined;
    if (!stat.isSymbolicLink()) {
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
