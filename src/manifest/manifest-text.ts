// Reads one manifest file. Invariant: what is read is one version of it, whole.

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { identityOf } from "./listing.ts";
import { manifestBytesMax } from "./validate-file.ts";

/** What a look saw is not there any more; another look will tell. */
export class ManifestChangedError extends Error {
  override readonly name = "ManifestChangedError";
}

/**
 * The text, cut off where it is too long (validateFile says so). `identity` is what it must be, if that is known. Throws what
 * node:fs throws, a TypeError for what is not UTF-8, and ManifestChangedError.
 */
export async function readManifest(path: string, identity?: string): Promise<string> {
  // Should it have become a named pipe or a terminal in between, opening it must neither wait nor take it.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  await using file = await open(path, flags);
  const before = await file.stat({ bigint: true });
  const expected = identity ?? identityOf(before);
  if (!before.isFile() || identityOf(before) !== expected) throw new ManifestChangedError(path);
  const bytes = await readAtMost(file, manifestBytesMax + 1);
  if (identityOf(await file.stat({ bigint: true })) !== expected) throw new ManifestChangedError(path);
  // Cut off in the middle of a character: not fatal there, the file is refused anyway.
  return new TextDecoder("utf-8", { fatal: bytes.length <= manifestBytesMax }).decode(bytes);
}

async function readAtMost(file: FileHandle, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(Math.min(length, Number((await file.stat()).size) + 1));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
