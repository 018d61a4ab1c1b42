// A docker:// reference, split into what a registry is asked for. Pure.

import { parseImageName, registryOf } from "../../rkt/image-name.ts";
import { EngineError } from "../engine-error.ts";

export interface Reference {
  /** As it was given, without `docker://`. */
  readonly original: string;
  /** Of the registry's API, with its port. */
  readonly host: string;
  /** `library/busybox`. */
  readonly repository: string;
  /** Empty where only a digest was given. */
  readonly tag: string;
  /** `sha256:…`; empty where only a tag was given. */
  readonly digest: string;
}

export function parseReference(url: string): Reference {
  const original = url.replace(/^docker:\/\//i, "");
  const name = parseImageName(`docker://${original}`);
  if (name.kind !== "docker")
    throw new EngineError(
      `parse "${url}": ${name.kind === "invalid" ? name.message : "no docker reference"}`,
    );
  const { host, path } = registryOf(name.repository);
  return {
    original,
    host: host === "docker.io" ? "registry-1.docker.io" : host,
    repository: path,
    tag: name.tag,
    digest: name.digest,
  };
}

/** One text for all ways to write it. */
export function canonicalReference({ host, repository, tag, digest }: Reference): string {
  return `docker://${host}/${repository}${tag === "" ? "" : `:${tag}`}${digest === "" ? "" : `@${digest}`}`;
}
