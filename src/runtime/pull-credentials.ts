// The credentials for pulling an image: the Pod's imagePullSecrets first, then this machine's files.
// Invariant: outside of memory a credential is in one directory of ours alone, for as long as one fetch takes.

import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { errorChain } from "../host/error.ts";
import { readTextIfExists } from "../host/files.ts";
import type { ConfigObjects } from "../pod/config-objects.ts";
import type { Pod } from "../pod/pod.ts";
import {
  credentialsFor,
  type DockerCredentials,
  dockerAuthFile,
  isFor,
  parseDockerCredentials,
  type RegistryCredential,
} from "../rkt/docker-credentials.ts";

export interface PullCredentialsOptions {
  readonly runDir: string;
  /** In docker's `config.json` form; those that are not there are passed over. */
  readonly files: readonly string[];
  readonly objects: () => ConfigObjects;
}

export interface FoundCredentials {
  /** In the order in which to try them. */
  readonly usable: readonly RegistryCredential[];
  /** What might have been one, and why it is none, a line each. */
  readonly unusable: readonly string[];
}

const formats = {
  "kubernetes.io/dockerconfigjson": { key: ".dockerconfigjson", format: "config" },
  "kubernetes.io/dockercfg": { key: ".dockercfg", format: "dockercfg" },
} as const;

interface Source {
  /** `secret "default/registry"`, or a file's path. */
  readonly name: string;
  readonly credentials: DockerCredentials;
}

export class PullCredentials {
  readonly #options: PullCredentialsOptions;
  readonly #root: string;

  constructor(options: PullCredentialsOptions) {
    this.#options = options;
    this.#root = `${options.runDir}/credentials`;
  }

  /** Removes what an agent that was killed has left. */
  async removeLeftovers(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  async find(pod: Pick<Pod, "namespace" | "spec">, repository: string): Promise<FoundCredentials> {
    const secrets = pod.spec.imagePullSecrets.map((name) => this.#secret(pod.namespace, name));
    const files = await Promise.all(this.#options.files.map(readSource));
    const usableOf = (sources: readonly Source[]) =>
      credentialsFor(
        repository,
        sources.flatMap(({ credentials }) => credentials.usable),
      );
    return {
      usable: [...usableOf(secrets), ...usableOf(files)],
      unusable: [...secrets, ...files].flatMap(({ name, credentials }) =>
        credentials.unusable
          .filter(({ registry }) => registry === "" || isFor(registry, repository))
          .map(({ registry, why }) => `${name}${registry === "" ? "" : ` for ${registry}`}: ${why}`),
      ),
    };
  }

  /** A user configuration of rkt's with this credential and nothing else, until it is disposed of. */
  async configDirectory(
    repository: string,
    credential: RegistryCredential,
  ): Promise<AsyncDisposable & { readonly path: string }> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    await chmod(this.#root, 0o700);
    const path = await mkdtemp(`${this.#root}/`); // 0700
    const remove = () => rm(path, { recursive: true, force: true });
    try {
      const { name, content } = dockerAuthFile(repository, credential);
      await mkdir(`${path}/auth.d`, { mode: 0o700 });
      await writeFile(`${path}/auth.d/${name}`, content, { mode: 0o600 });
    } catch (error) {
      await remove();
      throw error;
    }
    return { path, [Symbol.asyncDispose]: remove };
  }

  #secret(namespace: string, name: string): Source {
    const source = (credentials: DockerCredentials) => ({
      name: `secret "${namespace}/${name}"`,
      credentials,
    });
    const secret = this.#options.objects().secrets.get(`${namespace}/${name}`);
    if (secret === undefined) return source(nothing("it is not there"));
    const { key, format } = formats[secret.type as keyof typeof formats] ?? {};
    if (key === undefined)
      return source(nothing(`its type is ${secret.type}, not kubernetes.io/dockerconfigjson`));
    const data = secret.data.get(key);
    if (data === undefined) return source(nothing(`it has no ${key}`));
    return source(parseDockerCredentials(new TextDecoder().decode(data), format));
  }
}

async function readSource(path: string): Promise<Source> {
  try {
    const text = await readTextIfExists(path);
    const credentials = text === undefined ? none : parseDockerCredentials(text, "config");
    return { name: path, credentials };
  } catch (error) {
    return { name: path, credentials: nothing(errorChain(error)) };
  }
}

const none: DockerCredentials = { usable: [], unusable: [] };

function nothing(why: string): DockerCredentials {
  return { usable: [], unusable: [{ registry: "", why }] };
}
