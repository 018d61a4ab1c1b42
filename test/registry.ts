// A registry of the test's own: Debian's docker-registry on a free port of the loopback interface, filled by skopeo.

import { mkdir, writeFile } from "node:fs/promises";
import { run } from "./e2e/machine.ts";
import { tempDir } from "./temp-dir.ts";

export interface RegistryOptions {
  /** Only these may pull and push (basic authentication); else anybody. */
  readonly users?: Readonly<Record<string, string>>;
  /** The port to listen on: that of one that was ended, for instance. */
  readonly port?: number;
}

export interface PushOptions {
  /** Docker's schema 2 instead of OCI's manifests. */
  readonly format?: "oci" | "v2s2";
}

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, with which its images' names begin. */
  readonly address: string;
  /** Where its blobs and manifests are: `docker/registry/v2/…`. */
  readonly storage: string;
  /** Copies an image of a layout (oci-layout.ts), with all its architectures, to `name:tag`. */
  push(layout: string, tag: string, name: string, options?: PushOptions): Promise<void>;
  /** What it has logged so far: each request. */
  log(): string;
}

/** Plain HTTP: TLS is not what is tested, and clients take a loopback address without. */
export async function startRegistry({ users, port = 0 }: RegistryOptions = {}): Promise<Registry> {
  const dir = await tempDir();
  const storage = `${dir.path}/storage`;
  await mkdir(storage);
  if (users !== undefined) await writeFile(`${dir.path}/htpasswd`, await htpasswd(users));
  await writeFile(
    `${dir.path}/config.json`, // which is YAML too
    JSON.stringify({
      version: "0.1",
      log: { level: "info", accesslog: { disabled: false } },
      storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}` },
      ...(users && { auth: { htpasswd: { realm: "test", path: `${dir.path}/htpasswd` } } }),
    }),
  );
  const server = Bun.spawn(["docker-registry", "serve", `${dir.path}/config.json`], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let log = "";
  const listening = Promise.withResolvers<string>();
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      log += decoder.decode(chunk, { stream: true });
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(log)?.[1];
      if (address !== undefined) listening.resolve(address);
    }
  };
  void collect(server.stdout);
  void collect(server.stderr).then(() => listening.reject(new Error(`docker-registry ended:\n${log}`)));
  const address = await listening.promise;
  const [user, password] = Object.entries(users ?? {})[0] ?? [];
  return {
    address,
    storage,
    log: () => log,
    async push(layout, tag, name, { format = "oci" } = {}) {
      await run(
        ...["skopeo", "--insecure-policy", "copy", "--quiet", "--all", `--format=${format}`],
        "--dest-tls-verify=false",
        ...(user === undefined ? [] : [`--dest-creds=${user}:${password}`]),
        `oci:${layout}:${tag}`,
        `docker://${address}/${name}`,
      );
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await server.exited;
      await dir[Symbol.asyncDispose]();
    },
  };
}

async function htpasswd(users: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(users).map(async ([user, password]) => {
    const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 });
    return `${user}:${hash}\n`;
  });
  return (await Promise.all(lines)).join("");
}
