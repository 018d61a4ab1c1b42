import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { noConfigObjects, type Secret } from "../../src/pod/config-objects.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { PullCredentials } from "../../src/runtime/pull-credentials.ts";
import { plainPodSpec } from "../plain-pod.ts";
import { tempDir } from "../temp-dir.ts";

const repository = "quay.io/coreos/etcd";

function dockerConfig(user: string, registry = "quay.io"): string {
  return JSON.stringify({ auths: { [registry]: { username: user, password: "secret" } } });
}

function secret(name: string, type: string, data: Readonly<Record<string, string>>): Secret {
  const bytes = Object.entries(data).map(([key, value]) => [key, new TextEncoder().encode(value)] as const);
  return { namespace: "default", name, type, data: new Map(bytes) };
}

function podWith(...imagePullSecrets: readonly string[]): Pick<Pod, "namespace" | "spec"> {
  return { namespace: "default", spec: { ...plainPodSpec, imagePullSecrets } };
}

async function credentials({
  secrets = [],
  files = {},
}: {
  readonly secrets?: readonly Secret[];
  readonly files?: Readonly<Record<string, string>>;
}) {
  const dir = await tempDir();
  const paths = [...Object.keys(files), "missing.json"].map((name) => `${dir.path}/${name}`);
  for (const [name, text] of Object.entries(files)) await writeFile(`${dir.path}/${name}`, text);
  const byName = new Map(secrets.map((one) => [`default/${one.name}`, one]));
  const objects = () => ({ ...noConfigObjects, secrets: byName });
  const found = new PullCredentials({ runDir: `${dir.path}/run`, files: paths, objects });
  return { it: found, dir: dir.path, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

describe("found", () => {
  test("the Pod's secrets first, in both forms, then this machine's files", async () => {
    const secrets = [
      secret("new", "kubernetes.io/dockerconfigjson", { ".dockerconfigjson": dockerConfig("a") }),
      secret("old", "kubernetes.io/dockercfg", {
        ".dockercfg": JSON.stringify({ "quay.io/coreos": { username: "b", password: "secret" } }),
      }),
      secret("other", "kubernetes.io/dockerconfigjson", { ".dockerconfigjson": dockerConfig("c", "gcr.io") }),
      secret("unnamed", "kubernetes.io/dockerconfigjson", { ".dockerconfigjson": dockerConfig("d") }),
    ];
    const files = { "auth.json": dockerConfig("e", "quay.io/coreos/etcd"), "config.json": "{}" };
    await using world = await credentials({ secrets, files });
    const { usable, unusable } = await world.it.find(podWith("new", "old", "other"), repository);
    expect(usable.map(({ user }) => user)).toEqual(["b", "a", "e"]);
    expect(unusable).toEqual([]);
  });

  test("what is none is told, without a word of what is in it", async () => {
    const secrets = [
      secret("opaque", "Opaque", { password: "secret" }),
      secret("empty", "kubernetes.io/dockerconfigjson", {}),
      secret("junk", "kubernetes.io/dockerconfigjson", { ".dockerconfigjson": "secret{" }),
      secret("token", "kubernetes.io/dockerconfigjson", {
        ".dockerconfigjson": JSON.stringify({
          auths: { "quay.io": { identitytoken: "secret" }, "gcr.io": { identitytoken: "secret" } },
        }),
      }),
    ];
    await using world = await credentials({ secrets, files: { "auth.json": '{"credsStore": "pass"}' } });
    const pod = podWith("absent", "opaque", "empty", "junk", "token");
    const { usable, unusable } = await world.it.find(pod, repository);
    expect(usable).toEqual([]);
    expect(unusable).toEqual([
      'secret "default/absent": it is not there',
      'secret "default/opaque": its type is Opaque, not kubernetes.io/dockerconfigjson',
      'secret "default/empty": it has no .dockerconfigjson',
      'secret "default/junk": it is not JSON',
      'secret "default/token" for quay.io: tokens are not supported, only user and password',
      `${world.dir}/auth.json: credential stores (credsStore) are not supported`,
    ]);
    expect(unusable.join()).not.toContain("secret{");
  });

  test("a file that cannot be read is told", async () => {
    await using world = await credentials({});
    await mkdir(`${world.dir}/missing.json`);
    const { unusable } = await world.it.find(podWith(), repository);
    expect(unusable).toHaveLength(1);
    expect(unusable[0]).toStartWith(`${world.dir}/missing.json: `);
  });
});

describe("for one fetch", () => {
  const credential = { registry: "quay.io", user: "me", password: "secret" };

  test("a directory of ours alone, gone afterwards", async () => {
    await using world = await credentials({});
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    let path: string;
    {
      await using config = await world.it.configDirectory(repository, credential);
      path = config.path;
      expect(path).toStartWith(`${world.dir}/run/credentials/`);
      expect(await readdir(`${path}/auth.d`)).toEqual(["quay.io.json"]);
      expect(JSON.parse(await readFile(`${path}/auth.d/quay.io.json`, "utf8"))).toMatchObject({
        registries: ["quay.io"],
        credentials: { user: "me", password: "secret" },
      });
      const paths = [`${world.dir}/run/credentials`, path, `${path}/auth.d`, `${path}/auth.d/quay.io.json`];
      expect(await Promise.all(paths.map(mode))).toEqual(["700", "700", "700", "600"]);
    }
    expect(await readdir(`${world.dir}/run/credentials`)).toEqual([]);
  });

  test("what a killed agent left is removed by the next", async () => {
    await using world = await credentials({});
    await world.it.removeLeftovers(); // nothing is there: fine
    await world.it.configDirectory(repository, credential);
    await world.it.removeLeftovers();
    expect(await readdir(`${world.dir}/run`)).toEqual([]);
  });
});
