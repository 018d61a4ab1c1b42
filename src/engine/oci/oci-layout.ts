// An image in an OCI layout (image-spec image-layout.md), a directory: `oci:PATH[:TAG]`.

import { basename } from "node:path";
import { EngineError } from "../engine-error.ts";
import { parseReference } from "../registry/reference.ts";
import type { ImageOrigin } from "./appc-image-manifest.ts";
import { verify } from "./digest.ts";
import type { ImageFiles } from "./image-files.ts";
import {
  choosePlatform,
  configBytesMax,
  type Descriptor,
  decodeDocument,
  type IndexEntry,
  manifestBytesMax,
} from "./manifest.ts";
import { type SourceImage, sourceImage } from "./source-image.ts";

export interface Location {
  /** For messages, and for the name of what has none. */
  readonly path: string;
  /** Which of several images; empty: the only one. */
  readonly name: string;
}

const refName = "org.opencontainers.image.ref.name";
/** A whole reference, by containerd and docker. */
const imageName = "io.containerd.image.name";
const indexDepthMax = 3;

export function openLayout(files: ImageFiles, location: Location, architecture: string): SourceImage {
  const index = decodeDocument(files.read("index.json", manifestBytesMax), "");
  if (index.kind !== "index") throw new EngineError("index.json is no index");
  const entry = chooseByName(index.manifests, location);
  let digest = entry.digest;
  let document = decodeDocument(readBlob(files, entry, manifestBytesMax), entry.mediaType);
  for (let depth = 1; document.kind === "index"; depth++) {
    if (depth > indexDepthMax) throw new EngineError("index of indexes of indexes");
    const chosen = choosePlatform(document.manifests, architecture);
    digest = chosen.digest;
    document = decodeDocument(readBlob(files, chosen, manifestBytesMax), chosen.mediaType);
  }
  const image = {
    origin: originOf(entry, location),
    configDigest: document.config.digest,
    manifestDigest: digest,
    layers: document.layers.map((layer) => ({
      what: `layer ${layer.digest}`,
      digest: layer.digest,
      size: layer.size,
      open: () => files.stream(blobPath(layer), layer.size),
    })),
  };
  return sourceImage(image, readBlob(files, document.config, configBytesMax), architecture);
}

function chooseByName(manifests: readonly IndexEntry[], { name }: Location): IndexEntry {
  const names = ({ annotations }: IndexEntry) => [annotations[refName], annotations[imageName]];
  const fitting = name === "" ? manifests : manifests.filter((entry) => names(entry).includes(name));
  const [entry, another] = fitting;
  if (entry !== undefined && another === undefined) return entry;
  const there = manifests.map((each) => String(each.annotations[refName] ?? "one without a name"));
  const list = there.length === 0 ? "there is none" : `there are: ${there.join(", ").slice(0, 500)}`;
  throw new EngineError(
    name === "" ? `which image is not said; ${list}` : `no image ${JSON.stringify(name)}; ${list}`,
  );
}

/** By the reference that it was saved under; a mere tag is one of what the layout is called. */
function originOf({ annotations }: IndexEntry, { path }: Location): ImageOrigin {
  const full = [annotations[imageName], annotations[refName]].find(
    (name) => typeof name === "string" && name.includes("/"),
  );
  if (typeof full === "string") return parseReference(`docker://${full}`);
  const tag = String(annotations[refName] ?? "");
  const repository = basename(path).replace(/\.(oci|tar|tgz|tar\.gz)$/, "");
  return { original: path, host: "", repository, tag };
}

function readBlob(files: ImageFiles, descriptor: Descriptor, bytesMax: number): Uint8Array {
  const content = files.read(blobPath(descriptor), bytesMax);
  verify(content, descriptor.digest, blobPath(descriptor));
  return content;
}

function blobPath({ digest }: Descriptor): string {
  return `blobs/${digest.replace(":", "/")}`;
}
