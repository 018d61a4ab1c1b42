// An image's config (OCI image-spec config.md; Docker's is the same): what it runs, and which layers it is made of. Pure.

import { isJsonObject, type JsonObject } from "../../pod/json.ts";
import { EngineError } from "../engine-error.ts";
import { checkDigest } from "./digest.ts";
import { decodePlatform, type Platform, parse, showPlatform } from "./manifest.ts";

export interface ImageConfig {
  readonly platform: Platform;
  readonly author: string;
  /** As it is written there. */
  readonly created: string;
  /** Digests of the bare tars, lowest layer first. */
  readonly diffIds: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  /** `USER`, `UID`, `USER:GROUP` …; empty for root. */
  readonly user: string;
  readonly workingDir: string;
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[];
  /** Paths in the image. */
  readonly volumes: readonly string[];
}

export function decodeImageConfig(content: Uint8Array): ImageConfig {
  const json = parse(content, "config");
  const rootfs = isJsonObject(json.rootfs) ? json.rootfs : {};
  const config = isJsonObject(json.config) ? json.config : {};
  if (!Array.isArray(rootfs.diff_ids)) throw new EngineError("config does not say which layers there are");
  return {
    platform: decodePlatform(json),
    author: text(json, "author"),
    created: text(json, "created"),
    diffIds: rootfs.diff_ids.map((diffId) => checkDigest(diffId, "layer in the config")),
    entrypoint: texts(config, "Entrypoint"),
    cmd: texts(config, "Cmd"),
    env: texts(config, "Env"),
    user: text(config, "User"),
    workingDir: text(config, "WorkingDir"),
    exposedPorts: keys(config, "ExposedPorts"),
    volumes: keys(config, "Volumes"),
  };
}

/** 32-bit programs run on their 64-bit machine too. */
const alsoRuns: Readonly<Record<string, string>> = { amd64: "386", arm64: "arm" };

/** Throws for an image of another kind of machine. One that does not say what it is for is taken. */
export function checkPlatform({ platform }: ImageConfig, architecture: string): void {
  const isOs = ["", "linux"].includes(platform.os);
  if (isOs && ["", architecture, alsoRuns[architecture]].includes(platform.architecture)) return;
  throw new EngineError(`image is for ${showPlatform(platform)}, this machine is linux/${architecture}`);
}

function text(json: JsonObject, key: string): string {
  const value = json[key] ?? "";
  if (typeof value === "string") return value;
  throw new EngineError(`config: ${key} is not a text`);
}

function texts(json: JsonObject, key: string): readonly string[] {
  const value = json[key] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new EngineError(`config: ${key} is not a list of texts`);
}

function keys(json: JsonObject, key: string): readonly string[] {
  const value = json[key] ?? {};
  if (isJsonObject(value)) return Object.keys(value).sort();
  throw new EngineError(`config: ${key} is no JSON object`);
}
