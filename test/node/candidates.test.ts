import { expect, test } from "bun:test";
import { candidatesOf, hasLocalLimits, localExcesses } from "../../src/node/candidates.ts";
import type { PodSample } from "../../src/node/sample.ts";
import { type PodUid, podKey } from "../../src/pod/names.ts";
import type { Pod } from "../../src/pod/pod.ts";
import type { Volume } from "../../src/pod/volume.ts";
import { plainContainer } from "../plain-pod.ts";
import { basePod } from "../reconcile/base-world.ts";

const mebibyte = 1024 * 1024;
const memory = {
  usageBytes: 9 * mebibyte,
  workingSetBytes: 8 * mebibyte,
  rssBytes: 0,
  pageFaults: 0,
  majorPageFaults: 0,
  limitBytes: undefined,
};

function sampleOf(pod: Pod, change: Partial<PodSample> = {}): PodSample {
  return {
    pod: {
      ...{ uid: pod.uid, namespace: pod.namespace, name: pod.name },
      ...{ startedAtMs: 0, hasOwnNetwork: true, cgroup: "", containers: [] },
      volumes: [
        { name: "scratch", path: "", isOnDisk: true },
        { name: "memory", path: "", isOnDisk: false },
      ],
    },
    cpu: undefined,
    memory,
    tasks: 3,
    network: undefined,
    containers: [
      {
        container: { name: "main", startedAtMs: 0, cgroup: "", written: undefined },
        cpu: undefined,
        memory,
        written: { bytes: 100, inodes: 2 },
      },
    ],
    volumes: new Map([
      ["scratch", { bytes: 50, inodes: 1 }],
      ["memory", { bytes: 1000, inodes: 1 }],
    ]),
    ...change,
  };
}

const emptyDir = (name: string, sizeLimit: number | undefined, medium: "" | "Memory" = ""): Volume => ({
  name,
  kind: "emptyDir",
  medium,
  sizeLimit,
});

const withVolumes = (...volumes: Volume[]): Pod => {
  const pod = basePod();
  return { ...pod, spec: { ...pod.spec, volumes } };
};

test("a candidate is what a Pod asked for, of the containers that run, and what it uses", () => {
  const pod = basePod();
  const resources = {
    cpu: undefined,
    memory: { request: "4Mi", limit: "16Mi" },
    ephemeralStorage: { request: "120", limit: "1Gi" },
  };
  const containers = [{ ...plainContainer, name: "main", resources }];
  const initContainers = [{ ...plainContainer, name: "init", resources, isSidecar: false }];
  const asking = { ...pod, spec: { ...pod.spec, containers, initContainers, priority: 7 } };
  const unwanted = sampleOf({ ...pod, uid: "other" as PodUid });
  expect(candidatesOf([asking], [sampleOf(asking), unwanted])).toEqual([
    {
      key: podKey("default", "web"),
      uid: pod.uid,
      priority: 7,
      memory: { request: 4 * mebibyte, used: 8 * mebibyte },
      disk: { request: 120, used: 150 },
      inodes: 3,
      tasks: 3,
      containers: [
        {
          name: "main",
          memory: { request: 4 * mebibyte, used: 8 * mebibyte },
          disk: { request: 120, used: 100 },
        },
      ],
    },
  ]);
});

test("what was not measured is not known", () => {
  const pod = basePod();
  const [candidate] = candidatesOf(
    [pod],
    [sampleOf(pod, { memory: undefined, tasks: undefined, containers: [], volumes: new Map() })],
  );
  expect(candidate).toMatchObject({
    memory: { request: 0, used: undefined },
    disk: { request: 0, used: undefined },
    inodes: undefined,
    tasks: undefined,
  });
});

test("where nothing can be measured, as with another engine, nothing was written: such a pod does not go first", () => {
  const pod = basePod();
  const sample = sampleOf(pod);
  const unmeasured = sample.containers.map((container) => ({ ...container, written: undefined }));
  const stateless = { pod: { ...sample.pod, volumes: [] }, containers: unmeasured, volumes: new Map() };
  expect(candidatesOf([pod], [{ ...sample, ...stateless }])).toMatchObject([
    { disk: { used: 0 }, inodes: 0 },
  ]);
});

test("who holds more in an emptyDir than its limit is told so in the kubelet's words", () => {
  const pod = withVolumes(
    emptyDir("free", undefined),
    emptyDir("memory", 1, "Memory"),
    emptyDir("scratch", mebibyte),
  );
  const holding = (bytes: number) => sampleOf(pod, { volumes: new Map([["scratch", { bytes, inodes: 1 }]]) });
  expect(localExcesses([pod], [holding(mebibyte)])).toEqual([]);
  expect(localExcesses([pod], [holding(mebibyte + 1)])).toMatchObject([
    {
      key: "default/web",
      signal: "emptydirfs.limit",
      message: 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi".',
    },
  ]);
});

test("who writes more than its containers may together, or one of them alone, is told so too", () => {
  const pod = basePod();
  const limited = (...limits: (string | undefined)[]): Pod => {
    const containers = limits.map((limit, index) => ({
      ...plainContainer,
      name: index === 0 ? "main" : `other-${index}`,
      resources: {
        ...plainContainer.resources,
        ephemeralStorage: limit === undefined ? undefined : { request: limit, limit },
      },
    }));
    return { ...pod, spec: { ...pod.spec, containers } };
  };
  const excessOf = (it: Pod) =>
    localExcesses([it], [sampleOf(it)]).map(({ signal, message }) => [signal, message]);
  expect(excessOf(limited("150"))).toEqual([]); // 100 of the container's, 50 in a volume on the disk
  expect(excessOf(limited("149"))).toEqual([
    ["ephemeralpodfs.limit", "Pod ephemeral local storage usage exceeds the total limit of containers 149."],
  ]);
  expect(excessOf(limited("99", "1Gi"))).toEqual([
    ["ephemeralcontainerfs.limit", 'Container main exceeded its local ephemeral storage limit "99".'],
  ]);
  expect([limited("1Gi"), limited(undefined)].map(hasLocalLimits)).toEqual([true, false]);
});

test.each([
  ["a limit on the disk", emptyDir("x", 1), true],
  ["a limit in memory, which holds by itself", emptyDir("x", 1, "Memory"), false],
  ["no limit", emptyDir("x", undefined), false],
])("only who has a limit that has to be looked after is looked at: %s", (_what, volume, isLookedAt) => {
  expect(hasLocalLimits(withVolumes(volume))).toBe(isLookedAt);
});
