// When the volumes of a pod may have to be written anew, and when not.

import { expect, test } from "bun:test";
import type { ConfigObjects } from "../../src/pod/config-objects.ts";
import { noConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash, objectsHash } from "../../src/pod/content-hash.ts";
import type { Container, Pod } from "../../src/pod/pod.ts";
import type { ProjectedSource } from "../../src/pod/volume.ts";
import { plainContainer } from "../plain-pod.ts";
import { basePod, configMap } from "../reconcile/base-world.ts";

const pod = basePod({ configMap: "settings" });
const hashOf = (objects: ConfigObjects, of: Pod = pod) => contentHash(of, objects) ?? "none";

function podWith(source: ProjectedSource): Pod {
  return {
    ...pod,
    spec: { ...pod.spec, volumes: [{ name: "v", kind: "projected", sources: [source], isSecret: false }] },
  };
}

test("a pod without projected volumes has none", () => {
  expect(contentHash(basePod(), configMap("settings", "a"))).toBeUndefined();
});

test("another value, another hash; the same, the same", () => {
  expect(hashOf(configMap("settings", "a"))).toBe(hashOf(configMap("settings", "a")));
  expect(hashOf(configMap("settings", "b"))).not.toBe(hashOf(configMap("settings", "a")));
});

test("an object that is missing is not an empty one", () => {
  const empty = { namespace: "default", name: "settings", data: new Map() };
  const objects = { ...noConfigObjects, configMaps: new Map([["default/settings", empty]]) };
  expect(hashOf(objects)).not.toBe(hashOf(noConfigObjects));
});

test("what the pod does not mount, or is another namespace's, does not count", () => {
  const other = configMap("other", "x").configMaps.get("default/other");
  const mine = configMap("settings", "a");
  const more = new Map([
    ...mine.configMaps,
    ...(other
      ? ([
          ["default/other", other],
          ["prod/settings", other],
        ] as const)
      : []),
  ]);
  expect(hashOf({ ...mine, configMaps: more })).toBe(hashOf(mine));
});

test("no two contents read the same", () => {
  const withData = (data: Readonly<Record<string, string>>) => {
    const bytes = new Map(Object.entries(data).map(([key, text]) => [key, new TextEncoder().encode(text)]));
    const settings = { namespace: "default", name: "settings", data: bytes };
    return hashOf({ ...noConfigObjects, configMaps: new Map([["default/settings", settings]]) });
  };
  const hashes = [{ a: "bc" }, { ab: "c" }, { a: "b", c: "" }, { a: "", b: "c" }, { a: "1:b1:c" }].map(
    withData,
  );
  expect(new Set(hashes).size).toBe(hashes.length);
});

test.each([
  ["a volume", pod],
  [
    "a variable",
    withContainer({
      env: [{ name: "X", source: { kind: "configMapKey", name: "settings", key: "key", optional: false } }],
    }),
  ],
  [
    "variables",
    withContainer({ envFrom: [{ kind: "configMap", name: "settings", prefix: "", optional: true }] }),
  ],
  [
    "variables of an init container",
    withInitContainer({ envFrom: [{ kind: "configMap", name: "settings", prefix: "", optional: true }] }),
  ],
])("what a start depends on: %s of a ConfigMap", (_name, of) => {
  const hashes = [noConfigObjects, configMap("settings", "a"), configMap("settings", "b")].map((it) =>
    objectsHash(of, it),
  );
  expect(new Set(hashes).size).toBe(3);
  expect(objectsHash(of, configMap("other", "a"))).toBe(objectsHash(of, noConfigObjects));
});

test("what a start depends on: a Secret for its images", () => {
  const of = { ...basePod(), spec: { ...basePod().spec, imagePullSecrets: ["registry"] } };
  const registry = { namespace: "default", name: "registry", type: "Opaque", data: new Map() };
  const objects = { ...noConfigObjects, secrets: new Map([["default/registry", registry]]) };
  expect(objectsHash(of, objects)).not.toBe(objectsHash(of, noConfigObjects));
});

function withContainer(change: Partial<Container>): Pod {
  return { ...basePod(), spec: { ...basePod().spec, containers: [{ ...plainContainer, ...change }] } };
}

function withInitContainer(change: Partial<Container>): Pod {
  const initContainers = [{ ...plainContainer, name: "init", isSidecar: false, ...change }];
  return { ...basePod(), spec: { ...basePod().spec, initContainers } };
}

test("labels count where the downward API shows them, whatever their order", () => {
  const downward = podWith({ kind: "downwardAPI", items: [], defaultMode: 0o644 });
  const labelled = (labels: Readonly<Record<string, string>>, of = downward) =>
    hashOf(noConfigObjects, { ...of, labels });
  expect(labelled({ a: "1", b: "2" })).toBe(labelled({ b: "2", a: "1" }));
  expect(labelled({ a: "1" })).not.toBe(labelled({ a: "2" }));
  expect(labelled({ a: "1" }, pod)).toBe(labelled({ a: "2" }, pod));
});
