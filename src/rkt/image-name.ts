// What a container's `image` names, what to hand to `rkt fetch` for it, and whether an image in the store is that. Pure.

import { sanitizeAcIdentifier } from "./ac-name.ts";
import type { RktImage } from "./rkt-image.ts";

/** `location` is what `rkt fetch` takes. */
export type ImageName =
  /** An ACI file, or what skopeo calls `oci:`, `oci-archive:` or `docker-archive:`; `path` is a file that changes with it. */
  | { readonly kind: "file"; readonly location: string; readonly path: string }
  /** An ACI behind http or https. */
  | { readonly kind: "url"; readonly location: string }
  /** As docker names them. A reference has a tag, a digest, or both; empty where not. */
  | {
      readonly kind: "docker";
      readonly location: string;
      readonly repository: string;
      readonly tag: string;
      readonly digest: string;
    };

/** The text for reason InvalidImageName. */
export interface InvalidImageName {
  readonly kind: "invalid";
  readonly message: string;
}

export function parseImageName(image: string): ImageName | InvalidImageName {
  if (image.startsWith("/")) return { kind: "file", location: image, path: image };
  if (image.startsWith("file://")) return parseFileUrl(image);
  if (/^https?:\/\//.test(image)) return parseUrl(image);
  if (/^(oci|oci-archive|docker-archive):/.test(image)) return parseLocalImage(image);
  return parseReference(image.replace(/^docker:\/\//, ""));
}

/** The newest import that has this name; undefined for what the store does not know by name. */
export function findImage(images: readonly RktImage[], name: ImageName): RktImage | undefined {
  // rkt keeps where an ACI came from, and the digest of a docker image, to itself: its fetch finds those in the store.
  if (name.kind !== "docker" || name.digest !== "") return undefined;
  const names = storeNames(name.repository);
  return images
    .filter((image) => names.has(image.name) && image.version === name.tag)
    .reduce<RktImage | undefined>(
      (newest, image) => (newest !== undefined && newest.importedAtMs > image.importedAtMs ? newest : image),
      undefined,
    );
}

const host =
  /(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?/;
const component = /[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*/;
const repositoryPattern = `(?:${host.source}/)?${component.source}(?:/${component.source})*`;
/** The grammar of docker/distribution's reference package (2016). */
const referencePattern = new RegExp(
  `^(${repositoryPattern})(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);
const repositoryLengthMax = 255;

function parseReference(reference: string): ImageName | InvalidImageName {
  if (reference === "") return invalid("repository name must have at least one component");
  // The longest there can be; the pattern is not to be tried on megabytes.
  if (reference.length > repositoryLengthMax + 512) return invalid("invalid reference format");
  const match = referencePattern.exec(reference);
  if (match === null) return invalid("invalid reference format");
  const [, repository = "", tag = "", digest = ""] = match;
  if (repository.length > repositoryLengthMax)
    return invalid(`repository name must not be more than ${repositoryLengthMax} characters`);
  const usedTag = tag === "" && digest === "" ? "latest" : tag;
  // The digest says it all: a tag beside it has no meaning to the registry.
  const suffix = digest === "" ? `:${usedTag}` : `@${digest}`;
  return { kind: "docker", location: `docker://${repository}${suffix}`, repository, tag: usedTag, digest };
}

function parseFileUrl(image: string): ImageName | InvalidImageName {
  const path = image.slice("file://".length);
  return path.startsWith("/")
    ? { kind: "file", location: path, path }
    : invalid("a file URL needs an absolute path");
}

/** Only the built-in engine has these; a real rkt says that it does not know the scheme. */
function parseLocalImage(image: string): ImageName | InvalidImageName {
  const [, scheme, path] = /^([a-z-]+):(\/[^:]*)(?::.*)?$/.exec(image) ?? [];
  if (path === undefined) return invalid("an image on this machine needs an absolute path");
  return { kind: "file", location: image, path: scheme === "oci" ? `${path}/index.json` : path };
}

function parseUrl(image: string): ImageName | InvalidImageName {
  return /^https?:\/\/[^/\s]+\/\S+$/.test(image)
    ? { kind: "url", location: image }
    : invalid("a URL needs a host and a path");
}

function invalid(why: string): InvalidImageName {
  return { kind: "invalid", message: `couldn't parse image name: ${why}` };
}

/** How a repository may be called in the store: as written (an ACI), and as rkt's converter from docker names it. */
function storeNames(repository: string): ReadonlySet<string> {
  const names = [
    repository,
    sanitizeAcIdentifier(repository),
    sanitizeAcIdentifier(dockerStoreName(repository)),
  ];
  return new Set(names.filter((name) => name !== undefined));
}

const dockerHub = "docker.io";

/** Docker Hub, which has several names, is `docker.io`. It is meant where the first component is no host name; its own images are in `library/`. */
export function registryOf(repository: string): { readonly host: string; readonly path: string } {
  const [first = "", ...rest] = repository.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const host = isHost ? canonicalHost(first) : dockerHub;
  const path = isHost ? rest : [first, ...rest];
  return { host, path: (host === dockerHub && path.length === 1 ? ["library", ...path] : path).join("/") };
}

export function canonicalHost(host: string): string {
  return ["index.docker.io", "registry-1.docker.io"].includes(host) ? dockerHub : host;
}

/** What rkt's converter from docker calls a repository (docker2aci: Docker Hub by the name of its registry). */
function dockerStoreName(repository: string): string {
  const { host, path } = registryOf(repository);
  return `${host === dockerHub ? "registry-1.docker.io" : host}/${path}`;
}
