import { expect, test } from "bun:test";
import { runningPodList } from "../../src/status/running-pods.ts";
import { baseRevision, exited } from "../reconcile/base-world.ts";

test("what runs is one pod for all its revisions, with the containers that run", () => {
  const revisions = [
    baseRevision(),
    baseRevision({ number: 2, apps: [] }),
    baseRevision({ name: "dead", number: 3, state: exited() }),
  ];
  expect(runningPodList({ revisions })).toEqual({
    kind: "PodList",
    apiVersion: "v1",
    metadata: {},
    items: [
      {
        metadata: { name: "web", namespace: "default", uid: "uid-web" },
        spec: { containers: [{ name: "main", image: `sha512-${"0".repeat(64)}`, resources: {} }] },
        status: {},
      },
    ],
  });
});
