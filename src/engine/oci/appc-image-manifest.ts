// An image's config becomes appc's image manifest, with the names, labels and annotations that docker2aci gives it (v0.17,
// lib/internal/internal.go): what reads images converted by rkt reads these. Pure.

import { sanitizeAcIdentifier, sanitizeAcName } from "../../rkt/ac-name.ts";
import {
  type AppcApp,
  type AppcImageManifest,
  type AppcMountPoint,
  type AppcNameValue,
  type AppcPort,
  appcVersion,
} from "../../rkt/appc.ts";
import { EngineError } from "../engine-error.ts";
import type { ImageConfig } from "./image-config.ts";
import type { ImageOwner } from "./image-owner.ts";

/** What an image is called. */
export interface ImageOrigin {
  /** As it was asked for: `busybox`. */
  readonly original: string;
  /** Host of the registry, with its port; empty where there is none. */
  readonly host: string;
  readonly repository: string;
  /** Empty if none. */
  readonly tag: string;
}

export interface ConvertedImage {
  readonly origin: ImageOrigin;
  readonly config: ImageConfig;
  readonly configDigest: string;
  /** Undefined where there is no manifest. */
  readonly manifestDigest: string | undefined;
  readonly owner: ImageOwner;
}

export function appcImageManifest(image: ConvertedImage): AppcImageManifest {
  const { origin, config } = image;
  const name = sanitizeAcIdentifier([origin.host, origin.repository].filter((part) => part !== "").join("/"));
  if (name === undefined)
    throw new EngineError(`image ${JSON.stringify(origin.original)} has no usable name`);
  return {
    acKind: "ImageManifest",
    acVersion: appcVersion,
    name,
    labels: named({
      version: origin.tag,
      os: config.platform.os || "linux",
      arch: appcArchitecture(config),
    }),
    app: appcApp(image),
    annotations: named({
      author: config.author,
      created: config.created,
      "appc.io/docker/originalname": origin.original,
      "appc.io/docker/registryurl": origin.host,
      "appc.io/docker/repository": origin.repository,
      "appc.io/docker/tag": origin.tag,
      "appc.io/docker/imageid": image.configDigest,
      "appc.io/docker/manifesthash": image.manifestDigest ?? "",
      "appc.io/docker/entrypoint": list(config.entrypoint),
      "appc.io/docker/cmd": list(config.cmd),
    }),
  };
}

function appcApp({ config, owner }: ConvertedImage): AppcApp {
  return {
    exec: [...config.entrypoint, ...config.cmd],
    user: owner.user,
    group: owner.group,
    ...(owner.supplementaryGids.length > 0 && { supplementaryGIDs: owner.supplementaryGids }),
    ...(config.workingDir !== "" && { workingDirectory: `/${config.workingDir.replace(/^\/+/, "")}` }),
    environment: environment(config.env),
    mountPoints: mountPoints(config.volumes),
    ports: config.exposedPorts.map(port).filter((each) => each !== undefined),
  };
}

/** Of a variable that is set twice the last counts, at the place of the first. */
function environment(env: readonly string[]): readonly AppcNameValue[] {
  const values = new Map<string, string>();
  for (const assignment of env) {
    const at = assignment.indexOf("=");
    if (at > 0) values.set(assignment.slice(0, at), assignment.slice(at + 1));
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

function mountPoints(volumes: readonly string[]): readonly AppcMountPoint[] {
  const taken = new Map<string, number>();
  return volumes.map((path) => {
    const name = sanitizeAcName(`volume/${path}`)?.replaceAll(/-+/g, "-") ?? "volume";
    const earlier = taken.get(name) ?? 0;
    taken.set(name, earlier + 1);
    return { name: earlier === 0 ? name : `${name}-${earlier}`, path: `/${path.replace(/^\/+/, "")}` };
  });
}

/** `80/tcp`; a range, which appc's ports cannot be named after, is left out: nothing depends on it. */
function port(exposed: string): AppcPort | undefined {
  const [, digits = "", protocol = "tcp"] = /^(\d{1,5})(?:\/([a-z]+))?$/.exec(exposed) ?? [];
  const name = sanitizeAcName(exposed);
  return digits === "" || name === undefined ? undefined : { name, protocol, port: Number(digits) };
}

const architectures: Readonly<Record<string, string>> = {
  "386": "i386",
  arm: "armv6l",
  "arm/v7": "armv7l",
  arm64: "aarch64",
};

/** Go's words for processors in appc's. */
function appcArchitecture({ platform: { architecture, variant } }: ImageConfig): string {
  return architectures[`${architecture}/${variant}`] ?? architectures[architecture] ?? architecture;
}

function list(words: readonly string[]): string {
  return words.length === 0 ? "" : JSON.stringify(words);
}

/** Without what is empty. */
function named(values: Readonly<Record<string, string>>): readonly AppcNameValue[] {
  return Object.entries(values)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => ({ name, value }));
}
