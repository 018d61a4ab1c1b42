// The documents that an image is described by: OCI's and Docker's (schema 2) manifests and indexes. Pure.
// Invariant: what is decoded is of known types and bounded, and every digest in it is well-formed.

import { isJsonObject, type JsonObject } from "../../pod/json.ts";
import { EngineError } from "../engine-error.ts";
import { checkDigest } from "./digest.ts";

export const manifestBytesMax = 4 * 1024 * 1024;
export const configBytesMax = 8 * 1024 * 1024;
/** Docker's limit too. More would not fit in a mount's options. */
const layersMax = 127;
const sizeMax = 2 ** 40;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface Platform {
  readonly os: string;
  /** In Go's words: `amd64`. */
  readonly architecture: string;
  /** Of arm, mostly; empty if none. */
  readonly variant: string;
}

export interface IndexEntry extends Descriptor {
  readonly platform: Platform | undefined;
  readonly annotations: Readonly<Record<string, unknown>>;
}

export type ImageDocument =
  | { readonly kind: "index"; readonly manifests: readonly IndexEntry[] }
  | { readonly kind: "image"; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

const indexTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const imageTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
export const acceptedTypes: readonly string[] = [...indexTypes, ...imageTypes];

const configTypes = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];
/** How a layer is packed is seen in its first bytes: what types say about that is often wrong. */
const layerType =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.(?:gzip|zstd))?)$/;

/** `mediaType`: what the server said, for documents that do not say it themselves. */
export function decodeDocument(content: Uint8Array, mediaType: string): ImageDocument {
  const json = parse(content, "manifest");
  if (
    json.schemaVersion === 1 ||
    /\bdocker\.distribution\.manifest\.v1\b/.test(String(json.mediaType ?? mediaType))
  )
    throw new EngineError("manifest of Docker's schema 1, which is not supported: push the image anew");
  if (json.schemaVersion !== 2) throw new EngineError("no image manifest: schemaVersion is not 2");
  const isIndex = Array.isArray(json.manifests);
  // A document that is both could be read as either by others: CVE-2021-41190.
  if (isIndex === Array.isArray(json.layers)) throw new EngineError("neither an image manifest nor an index");
  const type = String(json.mediaType ?? mediaType.split(";")[0]);
  if (acceptedTypes.includes(type) && indexTypes.includes(type) !== isIndex)
    throw new EngineError(`manifest is not of the type that it says, ${type}`);
  return isIndex ? decodeIndex(json) : decodeImage(json);
}

function decodeIndex({ manifests }: JsonObject): ImageDocument {
  const entries = Array.isArray(manifests) ? manifests : [];
  return {
    kind: "index",
    manifests: entries.map((entry) => {
      const { platform, annotations } = isJsonObject(entry) ? entry : {};
      return {
        ...decodeDescriptor(entry, "manifest"),
        platform: isJsonObject(platform) ? decodePlatform(platform) : undefined,
        annotations: isJsonObject(annotations) ? annotations : {},
      };
    }),
  };
}

function decodeImage(json: JsonObject): ImageDocument {
  const config = decodeDescriptor(json.config, "config");
  if (!configTypes.includes(config.mediaType))
    throw new EngineError(`not a container image: its config is ${JSON.stringify(config.mediaType)}`);
  if (config.size > configBytesMax) throw new EngineError(`config is larger than ${configBytesMax} bytes`);
  const entries = Array.isArray(json.layers) ? json.layers : [];
  if (entries.length > layersMax) throw new EngineError(`${entries.length} layers, more than ${layersMax}`);
  const layers = entries.map((entry) => decodeDescriptor(entry, "layer"));
  const strange = layers.find(({ mediaType }) => !layerType.test(mediaType));
  if (strange) throw new EngineError(`layer of unsupported type ${JSON.stringify(strange.mediaType)}`);
  return { kind: "image", config, layers };
}

function decodeDescriptor(value: unknown, what: string): Descriptor {
  if (!isJsonObject(value)) throw new EngineError(`${what} is not described`);
  const { mediaType, digest, size } = value;
  if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || size > sizeMax)
    throw new EngineError(`${what} has no usable size: ${JSON.stringify(size)?.slice(0, 50)}`);
  return { mediaType: String(mediaType).slice(0, 200), digest: checkDigest(digest, what), size };
}

export function decodePlatform({ os, architecture, variant }: JsonObject): Platform {
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return { os: text(os), architecture: text(architecture), variant: text(variant) };
}

/** Those of an index that a machine can run, the best first; attestations and the like say `unknown`. */
export function choosePlatform(manifests: readonly IndexEntry[], architecture: string): IndexEntry {
  const [only] = manifests;
  if (manifests.length === 1 && only?.platform === undefined && only !== undefined) return only;
  const wanted: Platform = { os: "linux", architecture, variant: "" };
  const fitting = manifests
    .filter(({ platform }) => platform !== undefined && canRun(platform, wanted))
    .sort((a, b) => variantRank(a.platform) - variantRank(b.platform));
  if (fitting[0]) return fitting[0];
  const there = manifests
    .map(({ platform }) => platform && showPlatform(platform))
    .filter((shown) => shown !== undefined && !shown.startsWith("unknown"));
  throw new EngineError(
    `no image for ${showPlatform(wanted)}, only for ${[...new Set(there)].join(", ") || "none"}`,
  );
}

/** An x86-64 processor of a later level cannot be told from here; images for the first level run on all. */
function canRun(platform: Platform, machine: Platform): boolean {
  const isPlain = ["", "v1", "v8"].includes(platform.variant);
  return platform.os === machine.os && platform.architecture === machine.architecture && isPlain;
}

function variantRank(platform: Platform | undefined): number {
  return platform?.variant === "" ? 0 : 1;
}

export function showPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== "").join("/");
}

export function parse(content: Uint8Array, what: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(content).toString("utf8"));
  } catch (error) {
    throw new EngineError(`${what} is not JSON`, { cause: error });
  }
  if (isJsonObject(json)) return json;
  throw new EngineError(`${what} is no JSON object`);
}
