import { describe, expect, test } from "bun:test";
import {
  credentialsFor,
  dockerAuthFile,
  isFor,
  parseDockerCredentials,
} from "../../src/rkt/docker-credentials.ts";
import vectors from "./fixtures/docker-auth-files.json";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const credential = (registry: string, user = "me") => ({ registry, user, password: "secret" });

describe("read", () => {
  test("a config.json: base64 of user:password, or both apart", () => {
    const auths = {
      "quay.io": { auth: base64("me:se:cret") },
      "https://index.docker.io/v1/": { username: "you", password: "hidden", email: "a@b" },
    };
    expect(parseDockerCredentials(JSON.stringify({ auths, HttpHeaders: {} }), "config")).toEqual({
      usable: [
        { registry: "quay.io", user: "me", password: "se:cret" },
        { registry: "https://index.docker.io/v1/", user: "you", password: "hidden" },
      ],
      unusable: [],
    });
  });

  test("a .dockercfg is the auths alone", () => {
    const text = JSON.stringify({ "quay.io": { auth: base64("me:secret") } });
    expect(parseDockerCredentials(text, "dockercfg").usable).toEqual([credential("quay.io")]);
    expect(parseDockerCredentials(text, "config")).toEqual({ usable: [], unusable: [] });
  });

  test("what is not supported is told, and the rest is used", () => {
    const text = JSON.stringify({
      auths: {
        "a.example": { identitytoken: "secret", auth: base64("me:") },
        "b.example": { auth: base64("secret") },
        "c.example": { username: "me" },
        "d.example": "secret",
        "e.example": {},
        "f.example": {},
        "quay.io": { auth: base64("me:secret") },
      },
      credHelpers: { "f.example": "gcloud" },
      credsStore: "desktop",
    });
    const { usable, unusable } = parseDockerCredentials(text, "config");
    expect(usable).toEqual([credential("quay.io")]);
    expect(unusable).toEqual([
      { registry: "f.example", why: "credential helpers are not supported" },
      { registry: "", why: "credential stores (credsStore) are not supported" },
      { registry: "a.example", why: "tokens are not supported, only user and password" },
      { registry: "b.example", why: "user or password is missing" },
      { registry: "c.example", why: "user or password is missing" },
      { registry: "d.example", why: "it is no JSON object" },
    ]);
    expect(JSON.stringify(unusable)).not.toContain("secret");
  });

  test.each(['secret"', '"secret"', "[]", '{"auths": ["secret"]}', ""])(
    "junk (%s) is told without quoting it",
    (text) => {
      const { usable, unusable } = parseDockerCredentials(text, "config");
      expect([usable.length, unusable.length]).toEqual([0, 1]);
      expect(JSON.stringify(unusable)).not.toContain("secret");
    },
  );
});

describe("matched", () => {
  test.each([
    ["quay.io", "quay.io/coreos/etcd", true],
    ["https://quay.io", "quay.io/coreos/etcd", true],
    ["https://quay.io/v1/", "quay.io/coreos/etcd", true],
    ["https://quay.io/v2/", "quay.io/coreos/etcd", true],
    ["quay.io/coreos", "quay.io/coreos/etcd", true],
    ["https://quay.io/v2/coreos", "quay.io/coreos/etcd", true],
    ["quay.io/core", "quay.io/coreos/etcd", true], // a prefix of the text, as Kubernetes documents it
    ["quay.io/other", "quay.io/coreos/etcd", false],
    ["quay.io:443", "quay.io/coreos/etcd", false],
    ["127.0.0.1:5000", "127.0.0.1:5000/a", true],
    ["127.0.0.1:5000", "127.0.0.1:5001/a", false],
    ["*.quay.io", "eu.quay.io/a", true],
    ["*.quay.io", "quay.io/a", false],
    ["*.quay.io", "a.eu.quay.io/a", false],
    ["*.*.quay.io", "a.eu.quay.io/a", true],
    ["eu?.quay.io", "eu1.quay.io/a", true],
    ["quay.io", "quayxio/a", false],
    ["(quay.io", "quay.io/a", false],
    ["https://index.docker.io/v1/", "busybox", true],
    ["docker.io", "user/busybox", true],
    ["docker.io/library", "busybox", true],
    ["docker.io/library", "user/busybox", false],
    ["index.docker.io", "docker.io/user/busybox", true],
    ["quay.io", "busybox", false],
    ["", "busybox", false],
  ])("%s is for %s: %p", (registry, repository, expected) => {
    expect(isFor(registry, repository)).toBe(expected);
  });

  test("the most specific first, then as given", () => {
    const all = [credential("quay.io", "a"), credential("quay.io/coreos", "b"), credential("quay.io", "c")];
    const found = credentialsFor("quay.io/coreos/etcd", [...all, credential("gcr.io")]);
    expect(found.map(({ user }) => user)).toEqual(["b", "a", "c"]);
  });
});

describe("written for rkt", () => {
  // On purpose different: the original took index.docker.io for every image whose name has not exactly two slashes, and knew
  // only the name that older rkts ask for.
  const registries: Readonly<Record<string, readonly string[]>> = {
    busybox: ["index.docker.io", "registry-1.docker.io", "docker.io"],
    "quay.io/user/busybox": ["quay.io"],
    "gcr.io/a/b/c": ["gcr.io"],
  };
  test.each(vectors)("kubelet: $image", ({ image, files }) => {
    const expected = registries[image] ?? [];
    const original = Object.values(files)[0]?.replace(/^600 /, "") ?? "";
    const { name, content } = dockerAuthFile(image, { registry: "", user: "", password: "" });
    expect(name).toBe(`${expected[0]}.json`);
    expect(content).toBe(
      original.replace(/"registries":\[[^\]]*\]/, `"registries":${JSON.stringify(expected)}`),
    );
  });

  test("a port is part of the registry's name", () => {
    const { name, content } = dockerAuthFile("127.0.0.1:5000/a", credential("127.0.0.1:5000"));
    expect(name).toBe("127.0.0.1:5000.json");
    expect(JSON.parse(content)).toEqual({
      rktKind: "dockerAuth",
      rktVersion: "v1",
      registries: ["127.0.0.1:5000"],
      credentials: { user: "me", password: "secret" },
    });
  });
});
