// What rkt refuses in an image or pod manifest, in its words: both are appc's JSON. Pure.

import { isJsonObject, type Json, type JsonObject } from "../pod/json.ts";
import type { AppcImageManifest, AppcPodManifest } from "../rkt/appc.ts";
import { EngineError } from "./engine-error.ts";

export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const isCut = !/[}\]]\s*$/.test(text);
    throw new EngineError(isCut ? "unexpected end of JSON input" : `not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

export function checkImageManifest(value: Json): AppcImageManifest {
  const manifest = checkKind(value, "ImageManifest");
  checkIdentifier(manifest.name);
  checkLabels(manifest.labels);
  if (isJsonObject(manifest.app)) checkApp(manifest.app);
  if (list(manifest.dependencies).length > 0)
    throw new EngineError("images with dependencies are not supported yet");
  if (list(manifest.pathWhitelist).length > 0)
    throw new EngineError("images with a pathWhitelist are not supported yet");
  return manifest as unknown as AppcImageManifest;
}

export function checkPodManifest(value: Json): AppcPodManifest {
  const manifest = checkKind(value, "PodManifest");
  const names = new Set<string>();
  for (const app of list(manifest.apps)) {
    if (!isJsonObject(app)) throw new EngineError("app is not an object");
    const name = checkName(app.name);
    if (names.has(name)) throw new EngineError(`error: multiple apps with name ${name}`);
    names.add(name);
    const id = isJsonObject(app.image) ? app.image.id : undefined;
    if (typeof id !== "string" || id === "") throw new EngineError(`no image ID for app "${name}"`);
    checkHash(id);
    if (isJsonObject(app.app)) checkApp(app.app);
    for (const mount of objects(app.mounts)) {
      checkName(mount.volume);
      checkPath(mount.path, "mount");
    }
  }
  for (const volume of objects(manifest.volumes)) checkVolume(volume);
  checkIsolators(manifest.isolators);
  return manifest as unknown as AppcPodManifest;
}

/** `sha512-` and hex digits. */
export function checkHash(id: string): void {
  const [type = "", digits] = splitOnce(id, "-");
  if (digits === undefined) throw new EngineError("badly formatted hash string");
  if (type !== "sha512") throw new EngineError(`unrecognized hash type: ${type}`);
  if (!/^[0-9a-f]+$/.test(digits)) throw new EngineError("badly formatted hash string");
}

/** An ACIdentifier: the name of an image. */
export function checkIdentifier(value: Json | undefined): string {
  if (typeof value !== "string" || value === "") throw new EngineError("ACIdentifier cannot be empty");
  if (!/^[a-z0-9]+([-._~/][a-z0-9]+)*$/.test(value)) {
    if (/[^a-z0-9\-._~/]/.test(value))
      throw new EngineError('ACIdentifier must contain only lower case alphanumeric characters plus "-._~/"');
    throw new EngineError("ACIdentifier must start and end with only lower case alphanumeric characters");
  }
  return value;
}

/** An ACName: the name of an app or a volume. */
export function checkName(value: Json | undefined): string {
  if (typeof value !== "string" || value === "") throw new EngineError("ACName cannot be empty");
  if (/[^a-z0-9-]/.test(value))
    throw new EngineError('ACName must contain only lower case alphanumeric characters plus "-"');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(value))
    throw new EngineError("ACName must start and end with only lower case alphanumeric characters");
  return value;
}

function checkKind(value: Json, kind: string): JsonObject {
  if (!isJsonObject(value) || value.acKind !== kind)
    throw new EngineError(`missing or bad ACKind (must be "${kind}")`);
  if (value.acVersion === undefined || value.acVersion === "") throw new EngineError("acVersion must be set");
  if (typeof value.acVersion !== "string" || !/^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]*)?$/.test(value.acVersion))
    throw new EngineError("SemVer is bad");
  // rkt 1.30 checks the form alone; another major version would be another format.
  if (Number(value.acVersion.split(".")[0]) > 1)
    throw new EngineError(`acVersion ${value.acVersion} is not supported, 0.8.11 is`);
  return value;
}

function checkLabels(labels: Json | undefined): void {
  const names = new Set<Json | undefined>();
  for (const { name } of objects(labels)) {
    if (names.has(name)) throw new EngineError(`duplicate labels of name ${JSON.stringify(name)}`);
    names.add(name);
  }
}

function checkApp(app: JsonObject): void {
  if (typeof app.user !== "string" || app.user === "") throw new EngineError("user is required");
  if (typeof app.group !== "string" || app.group === "") throw new EngineError("group is required");
  for (const word of list(app.exec)) checkString(word, "exec");
  if (app.workingDirectory !== undefined && app.workingDirectory !== "")
    checkPath(app.workingDirectory, "workingDirectory");
  for (const { name, value } of objects(app.environment)) {
    checkString(name, "environment variable");
    checkString(value, "environment variable");
  }
  for (const point of objects(app.mountPoints)) {
    checkName(point.name);
    checkPath(point.path, "mount point");
  }
  checkIsolators(app.isolators);
}

const quantity = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;

function checkIsolators(isolators: Json | undefined): void {
  for (const { name, value } of objects(isolators)) {
    if (typeof name !== "string") throw new EngineError("isolator has no name");
    if (!name.startsWith("resource/") || !isJsonObject(value)) continue;
    for (const amount of [value.limit, value.request])
      if (amount !== undefined && amount !== null && !quantity.test(String(amount)))
        throw new EngineError(`quantities must match the regular expression '${quantity.source}'`);
  }
}

function checkVolume(volume: JsonObject): void {
  checkName(volume.name);
  if (volume.kind === "host") checkPath(volume.source, "source of host volume");
  else if (volume.kind !== "empty")
    throw new EngineError(`unrecognized volume kind: ${JSON.stringify(volume.kind)}`);
}

function checkPath(value: Json | undefined, what: string): void {
  checkString(value, what);
  if (!String(value).startsWith("/")) throw new EngineError(`${what} must be an absolute path`);
}

function checkString(value: Json | undefined, what: string): void {
  if (typeof value !== "string" || value.includes("\0"))
    throw new EngineError(`${what} must be a string without NUL`);
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return list(value).map((item) => {
    if (!isJsonObject(item)) throw new EngineError("not an object");
    return item;
  });
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
