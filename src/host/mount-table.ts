// What is mounted where, as this process sees it (proc_pid_mountinfo(5)).

import { readFile, realpath } from "node:fs/promises";
import { hasErrorCode } from "./error.ts";
import { unmount } from "./libc.ts";

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** The mount points at `path` and below it, a parent before its children; `path` may be one or lead over links. */
export async function mountPoints(path: string): Promise<readonly string[]> {
  const [real, table] = await Promise.all([realPath(path), readFile("/proc/self/mountinfo", "utf8")]);
  if (real === undefined) return [];
  return table
    .split("\n")
    .map((line) => unescapeOctal(line.split(" ")[4] ?? ""))
    .filter((target) => target === real || target.startsWith(`${real}/`));
}

export async function isMountPoint(path: string): Promise<boolean> {
  const real = await realPath(path);
  return (await mountPoints(path)).some((target) => target === real);
}

/**
 * Unmounts all that is mounted at `path` and below it, also what others are still using: for them it stays, here it is gone. Throws where
 * something remains, so that nobody removes what is behind it.
 */
export async function unmountBelow(path: string): Promise<void> {
  for (const target of (await mountPoints(path)).toReversed()) {
    try {
      unmount(target, MNT_DETACH | UMOUNT_NOFOLLOW);
    } catch (error) {
      if (!hasErrorCode(error, "EINVAL", "ENOENT")) throw error; // else its parent has taken it along
    }
  }
  const [remaining] = await mountPoints(path);
  if (remaining !== undefined) throw new Error(`${remaining} is still mounted`);
}

async function realPath(path: string): Promise<string | undefined> {
  return realpath(path).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
}

/** Blanks and the like are written as `\040`. */
export function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_match, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
