import { expect, test } from "bun:test";
import { specHash, staticPodUid } from "../../src/pod/hash.ts";
import type { Json } from "../../src/pod/json.ts";

const spec: Json = { containers: [{ name: "main", image: "a" }], hostNetwork: true };

test("the order of keys does not matter, at any depth; that of a list does", () => {
  expect(specHash({ hostNetwork: true, containers: [{ image: "a", name: "main" }] })).toBe(specHash(spec));
  expect(specHash(["a", "b"])).not.toBe(specHash(["b", "a"]));
});

test.each<Json>([
  { ...spec, hostNetwork: false },
  { ...spec, hostNetwork: "true" },
  { ...spec, more: null },
  { containers: [{ name: "main", image: "b" }], hostNetwork: true },
])("%j is another spec", (other) => {
  expect(specHash(other)).not.toBe(specHash(spec));
});

// What these say is in the unit files of pods that run: were they to change, the next gantry would restart every pod.
test("the hashes stay the same from version to version", () => {
  expect(specHash(spec)).toBe("0e56d8fdd5ef2548e1986c29bd232a10" as never);
  expect(staticPodUid("node1", "/etc/gantry/manifests/web.yaml", { kind: "Pod", spec })).toBe(
    "513322d83ced50cb5159b2718da9b023" as never,
  );
});

test("a uid is of one node, file and manifest", () => {
  const uids = [
    staticPodUid("a", "/f", spec),
    staticPodUid("b", "/f", spec),
    staticPodUid("a", "/g", spec),
    staticPodUid("a", "/f", {}),
  ];
  expect(new Set(uids).size).toBe(4);
  for (const uid of uids) expect(uid).toMatch(/^[0-9a-f]{32}$/);
});
