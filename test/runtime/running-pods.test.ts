import { expect, test } from "bun:test";
import type { PodUid } from "../../src/pod/names.ts";
import { runningPods } from "../../src/runtime/running-pods.ts";
import { basePod, baseRevision, exited, wallMs } from "../reconcile/base-world.ts";

const options = {
  directories: { emptyDir: (uid: PodUid, volume: string) => `/state/pods/${uid}/${volume}` },
  isBuiltin: true,
  rktDir: "/state/rkt",
};

test("the stages of a pod that run are one pod, and its volumes are known while it is wanted", () => {
  const pod = basePod();
  const volumes = [
    { name: "scratch", kind: "emptyDir", medium: "", sizeLimit: undefined },
    { name: "host", kind: "hostPath", path: "/srv", type: "" },
  ] as const;
  const main = baseRevision({ podIP: "172.16.28.2" });
  const sidecar = baseRevision({ number: 2, createdAtMs: wallMs - 70_000, startedAtMs: wallMs - 69_000 });
  const dead = baseRevision({ number: 3, state: exited() });
  const found = runningPods(
    {
      revisions: [main, { ...sidecar, apps: sidecar.apps.map((app) => ({ ...app, name: "side" })) }, dead],
      podDirectories: [],
    },
    [{ ...pod, spec: { ...pod.spec, volumes } }],
    options,
  );
  const slice = "/gantry.slice/gantry-uid_web.slice";
  expect(found).toEqual([
    {
      uid: pod.uid,
      namespace: "default",
      name: "web",
      cgroup: slice,
      hasOwnNetwork: true,
      startedAtMs: wallMs - 70_000,
      containers: [
        {
          name: "main",
          startedAtMs: wallMs - 59_000,
          cgroup: `${slice}/gantry-${main.uuid}-main.service`,
          written: `/state/rkt/pods/run/${main.uuid}/apps/main/upper`,
        },
        {
          name: "side",
          startedAtMs: wallMs - 69_000,
          cgroup: `${slice}/gantry-${sidecar.uuid}-side.service`,
          written: `/state/rkt/pods/run/${sidecar.uuid}/apps/side/upper`,
        },
      ],
      volumes: [{ name: "scratch", path: "/state/pods/uid-web/scratch", isOnDisk: true }],
    },
  ]);
});

test("with a real rkt the apps are in the pod's unit: one is all of it, of several each has its own part", () => {
  const one = baseRevision();
  const [app] = one.apps;
  const two = baseRevision({
    name: "two",
    number: 2,
    apps: [app, { ...app, name: "side" }] as typeof one.apps,
  });
  const found = runningPods({ revisions: [one, two], podDirectories: [] }, [], {
    ...options,
    isBuiltin: false,
  });
  expect(found.flatMap(({ containers }) => containers.map(({ cgroup }) => cgroup))).toEqual([
    `/gantry.slice/gantry-uid_web.slice/gantry-${one.uuid}.service`,
    `/gantry.slice/gantry-uid_two.slice/gantry-${two.uuid}.service/system.slice/main.service`,
    `/gantry.slice/gantry-uid_two.slice/gantry-${two.uuid}.service/system.slice/side.service`,
  ]);
});
