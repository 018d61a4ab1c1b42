// Credentials for registries as docker keeps them, in files and in Secrets; which are for an image; and rkt's own form of them. Pure.
// Invariant: nothing of a secret is in what is told here, also not where a text cannot be parsed.

import { isJsonObject } from "../pod/json.ts";
import { canonicalHost, registryOf } from "./image-name.ts";

export interface RegistryCredential {
  /** A host with its port, and where a repository's path begins; `*` and `?` stand for parts of a host's name. */
  readonly registry: string;
  readonly user: string;
  readonly password: string;
}

export interface DockerCredentials {
  readonly usable: readonly RegistryCredential[];
  /** What cannot be used; registry empty: the whole. */
  readonly unusable: readonly { readonly registry: string; readonly why: string }[];
}

/** `config`: `.docker/config.json`, Secret type kubernetes.io/dockerconfigjson; `dockercfg`: what is its `auths` there, alone. */
export function parseDockerCredentials(text: string, format: "config" | "dockercfg"): DockerCredentials {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    return unusable("", "it is not JSON"); // the parser's message may quote it
  }
  if (!isJsonObject(config)) return unusable("", "it is no JSON object");
  const auths = format === "config" ? (config.auths ?? {}) : config;
  if (!isJsonObject(auths)) return unusable("", '"auths" is no JSON object');
  const helpers =
    format === "config" && isJsonObject(config.credHelpers) ? Object.keys(config.credHelpers) : [];
  const hasStore = format === "config" && typeof config.credsStore === "string";
  return join([
    ...helpers.map((registry) => unusable(registry, "credential helpers are not supported")),
    ...(hasStore ? [unusable("", "credential stores (credsStore) are not supported")] : []),
    ...Object.entries(auths)
      .filter(([registry]) => !helpers.includes(registry))
      .filter(([, entry]) => !(hasStore && isJsonObject(entry) && Object.keys(entry).length === 0))
      .map(([registry, entry]) => parseEntry(registry, entry)),
  ]);
}

/** Those for an image's repository, the most specific first, as the kubelet tries them (v1.5 credentialprovider/keyring.go). */
export function credentialsFor(
  repository: string,
  credentials: readonly RegistryCredential[],
): readonly RegistryCredential[] {
  return credentials
    .filter(({ registry }) => isFor(registry, repository))
    .map((credential) => ({ credential, key: keyOf(credential.registry).join("") }))
    .sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? 1 : -1))
    .map(({ credential }) => credential);
}

/** Whether credentials kept for `registry` are meant for an image's repository. */
export function isFor(registry: string, repository: string): boolean {
  const [patternHost, patternPath] = keyOf(registry);
  const { host, path } = registryOf(repository);
  const [patternName = "", patternPort = ""] = patternHost.split(":");
  const [name = "", port = ""] = host.split(":");
  const patterns = patternName.split(".");
  const parts = name.split(".");
  return (
    patternPort === port &&
    patterns.length === parts.length &&
    patterns.every((pattern, index) => wildcard(pattern).test(parts[index] ?? "")) &&
    `/${path}`.startsWith(patternPath)
  );
}

/** A file for rkt's `auth.d`, so that `rkt fetch` of an image finds the credential. */
export function dockerAuthFile(
  repository: string,
  { user, password }: RegistryCredential,
): { readonly name: string; readonly content: string } {
  const { host } = registryOf(repository);
  // rkt asks by the host as written; for what has none older ones ask for index.docker.io, 1.30 for registry-1.docker.io.
  const registries = host === "docker.io" ? ["index.docker.io", "registry-1.docker.io", host] : [host];
  const auth = { rktKind: "dockerAuth", rktVersion: "v1", registries, credentials: { user, password } };
  return { name: `${registries[0]}.json`, content: JSON.stringify(auth) };
}

function parseEntry(registry: string, entry: unknown): DockerCredentials {
  if (!isJsonObject(entry)) return unusable(registry, "it is no JSON object");
  if (stringOf(entry.identitytoken) !== "" || stringOf(entry.registrytoken) !== "")
    return unusable(registry, "tokens are not supported, only user and password");
  const [user, password] =
    stringOf(entry.auth) === ""
      ? [stringOf(entry.username), stringOf(entry.password)]
      : decodeAuth(stringOf(entry.auth));
  if (user === "" || password === "") return unusable(registry, "user or password is missing");
  return { usable: [{ registry, user, password }], unusable: [] };
}

/** base64 of `user:password`. */
function decodeAuth(auth: string): readonly [user: string, password: string] {
  const decoded = Buffer.from(auth, "base64").toString();
  const colon = decoded.indexOf(":");
  return colon === -1 ? ["", ""] : [decoded.slice(0, colon), decoded.slice(colon + 1).replace(/\0+$/, "")];
}

/** Host and path of what a credential is kept under: docker has URLs there too, of which `/v1/` and `/v2/` mean the whole registry. */
function keyOf(registry: string): readonly [host: string, path: string] {
  const [, host = "", path = ""] = /^(?:https?:\/\/)?([^/]*)(.*)$/s.exec(registry) ?? [];
  const rest = path.replace(/^\/v[12](?=\/|$)/, "");
  return [canonicalHost(host), rest === "/" ? "" : rest];
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

function join(all: readonly DockerCredentials[]): DockerCredentials {
  return { usable: all.flatMap((one) => one.usable), unusable: all.flatMap((one) => one.unusable) };
}

function unusable(registry: string, why: string): DockerCredentials {
  return { usable: [], unusable: [{ registry, why }] };
}

function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
