// Unpacks a layer into a directory of its own: files as they are, whiteouts as overlayfs wants them.
// Invariant: it is what its digest, its size and the image's config say, or an error.

import { mkdirSync } from "node:fs";
import { hasErrorCode } from "../../host/error.ts";
import { EngineError } from "../engine-error.ts";
import type { Layer } from "../layer-store.ts";
import { readTar, TarError } from "../tar.ts";
import { type LayerDirectories, UnpackError, Unpacker } from "../unpack.ts";
import type { UnpackBudget } from "../unpack-budget.ts";
import { decompressed } from "./decompress.ts";
import { verified } from "./digest.ts";

/** A layer as it is packed. */
export interface LayerBlob {
  /** For messages. */
  readonly what: string;
  /** Undefined where only the bare tar has one. */
  readonly digest: string | undefined;
  readonly size: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface LayerOptions {
  /** The digest of the bare tar. */
  readonly diffId: string;
  /** To be made. */
  readonly directory: string;
  readonly budget: UnpackBudget;
  /** Is told of each chunk that comes in; may throw. */
  readonly onChunk: (bytes: number) => void;
}

export async function unpackLayer(blob: LayerBlob, options: LayerOptions): Promise<Layer> {
  const { diffId, directory, budget, onChunk } = options;
  let isWhole = false;
  let size = 0;
  async function* packed() {
    const source = blob.open();
    for await (const chunk of blob.digest === undefined ? source : verified(source, blob.digest, blob.what)) {
      onChunk(chunk.length);
      yield chunk;
    }
    isWhole = true;
  }
  async function* bare() {
    for await (const chunk of verified(decompressed(packed()), diffId, `unpacked ${blob.what}`)) {
      size += chunk.length;
      yield chunk;
    }
  }
  mkdirSync(directory, { mode: 0o755 });
  try {
    const directories = await unpackEntries(bare(), new Unpacker(directory, budget));
    if (!isWhole) throw new TarError("something comes after its end");
    return { diffId, size, directories };
  } catch (error) {
    const isDamaged = error instanceof TarError || isPackingError(error);
    if (!isDamaged && !(error instanceof UnpackError)) throw error;
    const { message } = error as Error;
    throw new EngineError(`${blob.what}${isDamaged ? " is damaged" : ""}: ${message}`, { cause: error });
  }
}

/** zlib's and zstd's. */
function isPackingError(error: unknown): boolean {
  return (
    hasErrorCode(error, "Z_BUF_ERROR", "Z_DATA_ERROR") ||
    (error instanceof Error && "code" in error && String(error.code).startsWith("ZSTD_"))
  );
}

const whiteout = ".wh.";
/** What aufs, where whiteouts come from, keeps for itself. */
const aufsOwn = /(?:^|\/)\.wh\.\.wh\.(?!\.opq\/?$)/;

/** OCI image-spec layer.md, "Whiteouts". */
async function unpackEntries(tar: AsyncIterable<Uint8Array>, unpacker: Unpacker): Promise<LayerDirectories> {
  for await (const entry of readTar(tar, "any")) {
    if (aufsOwn.test(entry.path)) continue;
    const [name, directory] = lastName(entry.path);
    if (!name.startsWith(whiteout)) {
      await unpacker.write(entry.path, entry);
      continue;
    }
    const hidden = name.slice(whiteout.length);
    if (hidden === ".wh..opq") unpacker.hideLower(directory);
    else unpacker.whiteOut(directory + checkHidden(hidden, entry.path));
  }
  return unpacker.finish();
}

/** `["c", "a/b/"]` of `a/b/c/`. */
function lastName(path: string): [name: string, directory: string] {
  const bare = path.replace(/\/+$/, "");
  const at = bare.lastIndexOf("/") + 1;
  return [bare.slice(at), bare.slice(0, at)];
}

function checkHidden(name: string, path: string): string {
  if (name !== "" && name !== "." && name !== "..") return name;
  throw new UnpackError(`whiteout ${JSON.stringify(path)} of a directory that it does not lie in`);
}
