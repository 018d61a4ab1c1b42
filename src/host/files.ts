// Files of ours, written so that a reader or a crash never sees half of one.

import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { hasErrorCode } from "./error.ts";
import { faultPoint } from "./fault-point.ts";

/**
 * Replaces `path` in one step: temporary file beside it, fsync, rename. A link at `path` is replaced, not followed. The temporary
 * file's name is always the same, so that one that a kill has left goes with the next write; there must be one writer at a time.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const temporary = `${dirname(path)}/.${basename(path)}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
    await file.close();
    if (process.env.FAULT_POINTS) faultPoint(`writing ${path}`);
    await rename(temporary, path);
    if (process.env.FAULT_POINTS) faultPoint(`written ${path}`);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The text of a file, undefined if there is none. */
export async function readTextIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
