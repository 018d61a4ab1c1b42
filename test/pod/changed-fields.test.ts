import { expect, test } from "bun:test";
import { changedFields } from "../../src/pod/changed-fields.ts";
import type { Json } from "../../src/pod/json.ts";

const spec = { containers: [{ name: "main", image: "a" }], hostNetwork: true };

test.each<[what: string, after: Json, fields: string[]]>([
  ["nothing", spec, []],
  ["the order of fields", { hostNetwork: true, containers: [{ image: "a", name: "main" }] }, []],
  ["a value", { ...spec, hostNetwork: false }, ["spec.hostNetwork"]],
  ["one in a list", { ...spec, containers: [{ name: "main", image: "b" }] }, ["spec.containers[0].image"]],
  [
    "an item more",
    { ...spec, containers: [...spec.containers, { name: "side", image: "c" }] },
    ["spec.containers[1]"],
  ],
  ["a field less", { containers: spec.containers }, ["spec.hostNetwork"]],
  ["another type", { ...spec, containers: {} }, ["spec.containers"]],
])("%s", (_what, after, fields) => {
  expect(changedFields(spec, after, "spec")).toEqual(fields);
});
