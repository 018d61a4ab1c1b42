// Reads an ACI: a tar of `manifest` and `rootfs/`, bare or compressed. Its id is the digest of the bare tar.
// Invariant: what comes out is checked; an image is taken whole or refused.

import { createHash } from "node:crypto";
import { hasErrorCode } from "../host/error.ts";
import type { ImageId } from "../pod/names.ts";
import type { AppcImageManifest } from "../rkt/appc.ts";
import { checkImageManifest, parseJson } from "./appc-check.ts";
import { EngineError, fileError } from "./engine-error.ts";
import { readTar, TarError } from "./tar.ts";
import { openTarFile } from "./tar-file.ts";
import { UnpackError, Unpacker } from "./unpack.ts";
import { UnpackBudget, unpackLimits } from "./unpack-budget.ts";

export interface UnpackedAci {
  readonly id: ImageId;
  readonly manifest: AppcImageManifest;
  /** The manifest as it is in the image. */
  readonly manifestText: string;
  /** Bytes of the bare tar. */
  readonly size: number;
}

const manifestMax = 4 * 1024 * 1024;

/** Unpacks `file` into `rootfs`, a directory that is there and empty. */
export async function unpackAci(file: string, rootfs: string, signal?: AbortSignal): Promise<UnpackedAci> {
  const hash = createHash("sha512");
  let size = 0;
  async function* hashed() {
    for await (const chunk of openTarFile(file, "an ACI", signal)) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  try {
    const budget = new UnpackBudget(unpackLimits(Bun.file(file).size));
    const manifestText = await unpackEntries(hashed(), new Unpacker(rootfs, budget));
    const manifest = checkImageManifest(parseJson(manifestText));
    const id = `sha512-${hash.digest("hex").slice(0, 64)}` as ImageId;
    return { id, manifest, manifestText, size };
  } catch (error) {
    if (
      error instanceof TarError ||
      error instanceof UnpackError ||
      hasErrorCode(error, "Z_BUF_ERROR", "Z_DATA_ERROR")
    )
      throw new EngineError(`${file}: ${(error as Error).message}`, { cause: error });
    throw fileError(error);
  }
}

async function unpackEntries(tar: AsyncIterable<Uint8Array>, unpacker: Unpacker): Promise<string> {
  let manifest: string | undefined;
  let hasRoot = false;
  for await (const entry of readTar(tar)) {
    const path = entry.path.replace(/^(\.\/+)+/, "");
    if (path === "manifest" && entry.type === "file") {
      if (entry.size > manifestMax) throw new TarError("manifest is too large");
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.content()) chunks.push(chunk);
      manifest = Buffer.concat(chunks).toString("utf8");
      continue;
    }
    const inside = insideRootfs(path);
    if (inside === undefined) {
      // Not ours to unpack, but no reason either to trust an archive that tries.
      if (path.startsWith("/") || path.split("/").includes(".."))
        throw new UnpackError(`path ${JSON.stringify(path)} leads out of the image`);
      continue;
    }
    hasRoot = true;
    await unpacker.write(
      inside,
      entry.type === "hardlink" ? { ...entry, linkPath: hardlinkTarget(entry.linkPath) } : entry,
    );
  }
  unpacker.finish();
  if (manifest === undefined) throw new TarError("no image manifest found in the archive");
  if (!hasRoot) throw new TarError("no rootfs found in the archive");
  return manifest;
}

function insideRootfs(path: string): string | undefined {
  if (path === "rootfs" || path === "rootfs/") return "";
  return path.startsWith("rootfs/") ? path.slice("rootfs/".length) : undefined;
}

/** Hard links name an entry of the archive. */
function hardlinkTarget(link: string): string {
  const inside = insideRootfs(link.replace(/^(\.\/+)+/, ""));
  if (inside !== undefined) return inside;
  throw new UnpackError(`hard link to ${JSON.stringify(link)}, which is not in the rootfs`);
}
