// An image in what `docker save` writes, unpacked: `docker-archive:PATH[:REFERENCE]`.

import { isJsonObject, type JsonObject } from "../../pod/json.ts";
import { EngineError } from "../engine-error.ts";
import { parseReference } from "../registry/reference.ts";
import type { ImageOrigin } from "./appc-image-manifest.ts";
import { digestOf } from "./digest.ts";
import type { ImageFiles } from "./image-files.ts";
import { configBytesMax, manifestBytesMax } from "./manifest.ts";
import type { Location } from "./oci-layout.ts";
import { type SourceImage, sourceImage } from "./source-image.ts";

interface SavedImage {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

export function openDockerArchive(files: ImageFiles, location: Location, architecture: string): SourceImage {
  const saved = chooseByName(decodeManifest(files), location);
  const config = files.read(saved.config, configBytesMax);
  const image = {
    origin: originOf(saved, location),
    configDigest: digestOf(config),
    manifestDigest: undefined,
    layers: saved.layers.map((path) => {
      const size = files.size(path);
      return { what: `layer ${path}`, digest: undefined, size, open: () => files.stream(path, size) };
    }),
  };
  return sourceImage(image, config, architecture);
}

function decodeManifest(files: ImageFiles): readonly SavedImage[] {
  const text = Buffer.from(files.read("manifest.json", manifestBytesMax)).toString("utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new EngineError("manifest.json is not JSON", { cause: error });
  }
  if (!Array.isArray(json) || !json.every(isJsonObject)) throw new EngineError("manifest.json is no list");
  return json.map((entry) => ({
    config: String(entry.Config),
    names: texts(entry, "RepoTags"),
    layers: texts(entry, "Layers"),
  }));
}

function texts(json: JsonObject, key: string): readonly string[] {
  const value = json[key] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new EngineError(`manifest.json: ${key} is not a list of texts`);
}

function chooseByName(images: readonly SavedImage[], { name }: Location): SavedImage {
  const wanted = name === "" ? undefined : fullName(name);
  const fitting = images.filter(({ names }) => wanted === undefined || names.map(fullName).includes(wanted));
  const [image, another] = fitting;
  if (image !== undefined && another === undefined) return image;
  const there = images.flatMap(({ names }) => names).join(", ");
  const list = there === "" ? "none has a name" : `there are: ${there.slice(0, 500)}`;
  throw new EngineError(
    name === "" ? `which image is not said; ${list}` : `no image ${JSON.stringify(name)}; ${list}`,
  );
}

/** `busybox` and `docker.io/library/busybox:latest` are one. */
function fullName(name: string): string {
  const { host, repository, tag } = parseReference(`docker://${name}`);
  return `${host}/${repository}:${tag}`;
}

function originOf({ names }: SavedImage, { path, name }: Location): ImageOrigin {
  const own = name === "" ? names[0] : name;
  if (own !== undefined) return parseReference(`docker://${own}`);
  const repository =
    path
      .split("/")
      .at(-1)
      ?.replace(/\.(tar|tgz|tar\.gz)$/, "") ?? "";
  return { original: path, host: "", repository, tag: "" };
}
