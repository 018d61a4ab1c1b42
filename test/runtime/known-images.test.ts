import { expect, test } from "bun:test";
import type { ImageId } from "../../src/pod/names.ts";
import { knownImages } from "../../src/runtime/known-images.ts";
import { basePod, baseRevision, exited } from "../reconcile/base-world.ts";

const [used, free] = ["0", "1"].map((digit) => `sha512-${digit.repeat(64)}` as ImageId);
const times = { importedAtMs: 1, lastUsedAtMs: 2, sizeBytes: 3 };

test("images have the names of the store and of the manifests, and their pods", () => {
  const images = [
    { id: used as ImageId, name: "example.com/app", version: "1", ...times },
    { id: free as ImageId, name: "example.com/other", version: "", ...times },
  ];
  const revisions = [
    baseRevision(),
    baseRevision({ number: 2, state: exited() }),
    baseRevision({ name: "old", number: 3, hash: "other than written" }),
  ];
  const desired = { pods: [basePod({ image: "docker://app:1" }), basePod({ name: "old" })] };
  const observation = { revisions, podDirectories: [] };
  expect(knownImages(images, { ours: new Set([free as ImageId]), observation, desired })).toEqual([
    {
      ...{ id: used as ImageId, ...times },
      names: ["example.com/app:1", "docker://app:1"],
      isOurs: false,
      usedBy: ["default/old", "default/web"],
    },
    { id: free as ImageId, ...times, names: ["example.com/other"], isOurs: true, usedBy: [] },
  ]);
});
