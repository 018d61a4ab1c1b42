// One process at a time for a directory.

import { constants, mkdir, open } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { tryLock } from "./libc.ts";

/**
 * Held as long as the directory is open, that is until the process ends, however it does; the directory is made where it is missing.
 * Undefined: another process holds it.
 */
export async function lockDirectory(path: string): Promise<AsyncDisposable | undefined> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  // A child of a process that was killed may hold the lock too, until it is the program that it was started for.
  for (let tries = 0; tries < 100; tries++) {
    if (tryLock(directory.fd, "exclusive")) return directory;
    await setTimeout(20);
  }
  await directory.close();
  return undefined;
}
