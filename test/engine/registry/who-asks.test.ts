// Who asks is told to those who may know it, and to nobody else.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { globalFlags, parseFlags } from "../../../src/engine/command-line.ts";
import { parseChallenges } from "../../../src/engine/registry/challenge.ts";
import { credentialsFor } from "../../../src/engine/registry/credentials.ts";
import { writeOciLayout } from "../../oci-layout.ts";
import { tempDir } from "../../temp-dir.ts";
import { type HostileRegistry, startHostileRegistry } from "./hostile-registry.ts";
import { pull, pullError } from "./pulling.ts";

const me = { user: "me", password: "se:cret" };
const basicOfMe = `Basic ${Buffer.from("me:se:cret").toString("base64")}`;

async function layoutIn(path: string): Promise<string> {
  await writeOciLayout(`${path}/layout`, [
    { tag: "1", layers: [{ entries: [{ name: "x", content: "x" }] }] },
  ]);
  return `${path}/layout`;
}

/** Wants a token from its own `/token?…`, which it gives to `me` alone; the token is good for so many answers. */
function startWithTokens(
  layout: string,
  challenge = "",
  answers = Number.POSITIVE_INFINITY,
): Promise<HostileRegistry> {
  let tokens = 0;
  let used = 0;
  return startHostileRegistry(layout, ({ path, headers }, response) => {
    if (path.startsWith("/token?")) {
      const isMe = headers.authorization === basicOfMe;
      if (isMe) used = 0;
      response.writeHead(isMe ? 200 : 401).end(JSON.stringify({ access_token: `token-${++tokens}` }));
      return true;
    }
    if (headers.authorization === `Bearer token-${tokens}` && used++ < answers) return false;
    const realm = `Bearer realm="http://${headers.host}/token",service="my registry",scope="repository:test/app:pull"`;
    response.writeHead(401, { "www-authenticate": challenge.replace("BEARER", realm) || realm }).end();
    return true;
  });
}

test("a token is asked for by user and password, once, and the registry is shown the token alone", async () => {
  await using dir = await tempDir();
  await using registry = await startWithTokens(await layoutIn(dir.path));
  await pull(dir.path, { ...registry, credentials: me });
  const [first, second, ...others] = registry.asked;
  expect(first?.headers.authorization).toBeUndefined();
  expect(second?.path).toBe("/token?service=my+registry&scope=repository%3Atest%2Fapp%3Apull");
  expect(others.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill("Bearer token-1"));
});

test("a token that has expired is renewed", async () => {
  await using dir = await tempDir();
  await using registry = await startWithTokens(await layoutIn(dir.path), "", 1);
  await pull(dir.path, { ...registry, credentials: me });
  expect(registry.asked.filter(({ path }) => path.startsWith("/token"))).toHaveLength(3);
});

test("a token is preferred to a password", async () => {
  await using dir = await tempDir();
  await using registry = await startWithTokens(await layoutIn(dir.path), 'Basic realm="x", BEARER');
  await pull(dir.path, { ...registry, credentials: me });
});

test("a token server that says no", async () => {
  await using dir = await tempDir();
  await using registry = await startWithTokens(await layoutIn(dir.path));
  expect(await pullError(dir.path, registry)).toBe(
    "token server HOST wants credentials, and there are none for it (or there is no such repository) (HTTP status code: 401)",
  );
  const error = await pullError(dir.path, { ...registry, credentials: { ...me, password: "hush" } });
  expect(error).toBe('token server HOST refuses the credentials of user "me" (HTTP status code: 401)');
});

test.each([
  ["not over HTTPS", "http://example.com/token"],
  ["no URL", "nowhere"],
  ["a file", "file:///etc/shadow"],
])("a token server that is %s is told nothing", async (_what, realm) => {
  await using dir = await tempDir();
  await using registry = await startHostileRegistry(await layoutIn(dir.path), (_asked, response) => {
    response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
    return true;
  });
  const error = await pullError(dir.path, { ...registry, credentials: me });
  // From a registry that is itself asked over plain HTTP, on this machine, that goes as far as asking.
  expect(error).toMatch(/names no usable token server|example\.com/);
  expect(error).not.toContain("cret");
});

test("basic authentication", async () => {
  await using dir = await tempDir();
  await using registry = await startHostileRegistry(await layoutIn(dir.path), ({ headers }, response) => {
    if (headers.authorization === basicOfMe) return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    return true;
  });
  await pull(dir.path, { ...registry, credentials: me });
  const error = await pullError(`${dir.path}/2`, { ...registry, credentials: { ...me, password: "hush" } });
  expect(error).toBe('registry HOST refuses the credentials of user "me" (HTTP status code: 401)');
});

test("a redirect to another host takes no credential there", async () => {
  await using dir = await tempDir();
  const layout = await layoutIn(dir.path);
  await using storage = await startHostileRegistry(layout);
  await using registry = await startHostileRegistry(layout, ({ path, headers }, response) => {
    if (headers.authorization === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      return true;
    }
    if (!path.startsWith("blobs/")) return false;
    response
      .writeHead(307, { location: `http://${storage.address}/v2/test/app/${path}?signature=secret` })
      .end();
    return true;
  });
  await pull(dir.path, { ...registry, credentials: me });
  expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
});

test("challenges are read as they are written", () => {
  const read = (header: string) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  expect(read('Bearer realm="https://a/t",service="a",scope="repository:x:pull,push"')).toEqual([
    ["bearer", { realm: "https://a/t", service: "a", scope: "repository:x:pull,push" }],
  ]);
  expect(read('Basic realm="a \\"b\\", c", BEARER Realm = x , Negotiate')).toEqual([
    ["basic", { realm: 'a "b", c' }],
    ["bearer", { realm: "x" }],
    ["negotiate", {}],
  ]);
  expect(read("")).toEqual([]);
});

describe("credentials of the configuration", () => {
  const auth = (registries: readonly string[], user: string) =>
    JSON.stringify({
      rktKind: "dockerAuth",
      rktVersion: "v1",
      registries,
      credentials: { user, password: "p" },
    });

  async function configured(files: Readonly<Record<string, string>>, host: string) {
    await using dir = await tempDir();
    for (const name of ["user", "local", "system"])
      mkdirSync(`${dir.path}/${name}/auth.d`, { recursive: true });
    for (const [path, content] of Object.entries(files)) await Bun.write(`${dir.path}/${path}`, content);
    const argv = ["user", "local", "system"].map((name) => `--${name}-config=${dir.path}/${name}`);
    return credentialsFor(host, parseFlags(argv, globalFlags).flags)?.user;
  }

  test("are those of the registry, the user's before the local ones, those before the system's", async () => {
    const files = {
      "system/auth.d/a.json": auth(["quay.io", "127.0.0.1:5000"], "system"),
      "local/auth.d/a.json": auth(["quay.io"], "local"),
      "local/auth.d/b.txt": auth(["127.0.0.1:5000"], "no"),
      "user/auth.d/hub.json": auth(["index.docker.io"], "hub"),
    };
    expect(await configured(files, "quay.io")).toBe("local");
    expect(await configured(files, "127.0.0.1:5000")).toBe("system");
    expect(await configured(files, "registry-1.docker.io")).toBe("hub");
    expect(await configured(files, "ghcr.io")).toBeUndefined();
  });

  test("a file that is not JSON is named, and not quoted", async () => {
    const broken = configured({ "user/auth.d/a.json": '{"password": "hush" x' }, "quay.io");
    expect(broken).rejects.toThrow(/^cannot get configuration: .*a\.json: not JSON$/);
  });
});
