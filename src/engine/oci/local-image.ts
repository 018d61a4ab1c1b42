// Images in files of this machine, named as skopeo names them: `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]`, `docker-archive:PATH[:REFERENCE]`.

import { mkdirSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { EngineError, withFileErrors } from "../engine-error.ts";
import { readTar, TarError } from "../tar.ts";
import { openTarFile } from "../tar-file.ts";
import { UnpackError, Unpacker } from "../unpack.ts";
import { UnpackBudget, unpackLimits } from "../unpack-budget.ts";
import { openDockerArchive } from "./docker-archive.ts";
import { ImageFiles } from "./image-files.ts";
import { openLayout } from "./oci-layout.ts";
import type { SourceImage } from "./source-image.ts";

export interface LocalName {
  readonly transport: "oci" | "oci-archive" | "docker-archive";
  /** Absolute. */
  readonly path: string;
  /** Which of several images; empty if there is but one. */
  readonly name: string;
}

/** Undefined for what is named otherwise. */
export function parseLocalName(argument: string): LocalName | undefined {
  const match = /^(oci|oci-archive|docker-archive):(?!\/\/)([^:]+)(?::(.+))?$/.exec(argument);
  if (match === null) return undefined;
  const [, transport, path = "", name = ""] = match;
  return { transport: transport as LocalName["transport"], path: resolve(path), name };
}

/** `work` is a directory of the caller's alone, which an archive is unpacked into. */
export async function openLocalImage(
  { transport, path, name }: LocalName,
  work: string,
  architecture: string,
): Promise<SourceImage> {
  const location = { path, name };
  withFileErrors("", () => statSync(path));
  if (transport === "oci") return openLayout(new ImageFiles(path), location, architecture);
  const directory = `${work}/archive`;
  await unpackArchive(path, directory);
  const files = new ImageFiles(directory);
  return transport === "oci-archive"
    ? openLayout(files, location, architecture)
    : openDockerArchive(files, location, architecture);
}

/** Its order is any, and what describes the image may come last. */
async function unpackArchive(path: string, directory: string): Promise<void> {
  mkdirSync(directory, { mode: 0o700 });
  const unpacker = new Unpacker(directory, new UnpackBudget(unpackLimits(statSync(path).size)));
  try {
    for await (const entry of readTar(openTarFile(path, "an archive")))
      await unpacker.write(entry.path, entry);
  } catch (error) {
    if (!(error instanceof TarError || error instanceof UnpackError)) throw error;
    throw new EngineError(error.message, { cause: error });
  }
}
