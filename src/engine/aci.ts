// Reads an ACI: a tar of `manifest` and `rootfs/`, bare or compressed. Its id is the digest of the bare tar.
// Invariant: what comes out is checked; an image is taken whole or refused.

import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import type { ImageId } from "../pod/names.ts";
import type { AppcImageManifest } from "../rkt/appc.ts";
import { checkImageManifest, parseJson } from "./appc-check.ts";
import { EngineError, fileError } from "./engine-error.ts";
import { readTar, TarError } from "./tar.ts";
import { UnpackError, Unpacker } from "./unpack.ts";

export interface UnpackedAci {
  readonly id: ImageId;
  readonly manifest: AppcImageManifest;
  /** The manifest as it is in the image. */
  readonly manifestText: string;
  /** Bytes of the bare tar. */
  readonly size: number;
}

const manifestMax = 4 * 1024 * 1024;
const xzTimeoutMs = 30 * 60_000;

/** Unpacks `file` into `rootfs`, a directory that is there and empty. */
export async function unpackAci(file: string, rootfs: string, signal?: AbortSignal): Promise<UnpackedAci> {
  const hash = createHash("sha512");
  let size = 0;
  async function* hashed() {
    for await (const chunk of openTar(file, signal)) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  try {
    const manifestText = await unpackEntries(hashed(), rootfs);
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

async function unpackEntries(tar: AsyncIterable<Uint8Array>, rootfs: string): Promise<string> {
  const unpacker = new Unpacker(rootfs);
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

/** The bare tar. */
async function* openTar(file: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const start = Buffer.alloc(512);
  const fd = openSync(file, "r");
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  if (start.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))) {
    const { createGunzip } = await import("node:zlib");
    const { pipeline } = await import("node:stream");
    // The callback's error reaches whoever reads the last stream.
    yield* pipeline(createReadStream(file), createGunzip({ chunkSize: 256 * 1024 }), () => undefined);
  } else if (start.subarray(0, 6).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]))) {
    yield* unxz(file, signal);
  } else if (start.toString("latin1", 257, 262) === "ustar") {
    yield* createReadStream(file, { highWaterMark: 256 * 1024 });
  } else {
    throw new EngineError(`${file}: not an ACI: neither a tar archive nor one packed by gzip or xz`);
  }
}

async function* unxz(file: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const xz = Bun.spawn(["xz", "-dc"], {
    stdin: Bun.file(file),
    stdout: "pipe",
    stderr: "pipe",
    timeout: xzTimeoutMs,
    killSignal: "SIGKILL",
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    yield* xz.stdout;
    const complaint = (await new Response(xz.stderr).text()).trim();
    if ((await xz.exited) !== 0) throw new TarError(complaint === "" ? "xz failed" : complaint);
  } finally {
    xz.kill("SIGKILL");
  }
}
