// What the store tells, and when it says that something changed.

import { expect, test } from "bun:test";
import type { Pod as V1Pod } from "kubernetes-types/core/v1";
import { podKey } from "../../src/pod/names.ts";
import { containersStage } from "../../src/pod/stage.ts";
import type { Change } from "../../src/status/change-log.ts";
import { type Picture, StatusStore } from "../../src/status/store.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { baseDesired, basePod, baseRevision, exited } from "../reconcile/base-world.ts";

function create() {
  const clock = new FakeClock();
  const store = new StatusStore({ clock, hostIP: () => "", events: () => [], sharedPids: () => undefined });
  const changes: Change<V1Pod>[] = [];
  store.subscribe((change) => changes.push(change));
  const told = () => changes.splice(0).map(({ kind, object }) => `${kind} ${object.metadata?.name}`);
  return { clock, store, told };
}

function picture(
  change: Partial<Picture> & { revisions?: Picture["observation"]["revisions"] } = {},
): Picture {
  const { revisions = [baseRevision()], ...rest } = change;
  return {
    desired: baseDesired(),
    observation: { revisions, podDirectories: [] },
    waiting: new Map(),
    health: new Map(),
    ...rest,
  };
}

const none = baseDesired({ pods: [] });
const stopping = baseRevision({ state: { kind: "stopping" } });

test("the version and the listeners tell of changes, and of nothing else", () => {
  const { store, clock, told } = create();
  const start = Number(store.resourceVersion);
  expect(store.list()).toEqual([]);
  store.update(picture());
  expect(told()).toEqual(["added web"]);
  expect(store.get("default", "web")?.metadata?.resourceVersion).toBe(String(start + 1));

  const before = store.list();
  clock.advance(60_000);
  store.update(picture());
  expect(told()).toEqual([]);
  expect([store.resourceVersion, store.list()]).toEqual([String(start + 1), before]);

  store.update(picture({ revisions: [baseRevision({ state: exited() })] }));
  expect(told()).toEqual(["modified web"]);
  expect(store.get("default", "web")?.metadata?.resourceVersion).toBe(String(start + 2));
  store.update(picture({ desired: none, revisions: [] }));
  expect(told()).toEqual(["deleted web"]);
  expect([store.resourceVersion, store.get("default", "web")]).toEqual([String(start + 3), undefined]);
});

test("a listener that left is told nothing", () => {
  const { store } = create();
  let calls = 0;
  store.subscribe(() => calls++)();
  store.update(picture());
  expect(calls).toBe(0);
});

test("pods are listed by namespace and name", () => {
  const { store } = create();
  const pods = [
    basePod({ name: "b" }),
    { ...basePod({ name: "z" }), namespace: "a" },
    basePod({ name: "a" }),
  ];
  store.update(picture({ desired: baseDesired({ pods }), revisions: [] }));
  expect(store.list().map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)).toEqual([
    "a/z",
    "default/a",
    "default/b",
  ]);
});

test("a deleted pod is shown as it was until nothing of it runs", () => {
  const { store, told } = create();
  store.update(picture());
  store.update(picture({ desired: none, revisions: [stopping] }));
  expect(store.get("default", "web")).toMatchObject({
    metadata: { labels: { app: "web" }, deletionTimestamp: "2026-01-01T00:16:40Z" },
    status: { phase: "Running" },
  });
  store.update(picture({ desired: none, revisions: [baseRevision({ state: exited({ isStopped: true }) })] }));
  expect(store.list()).toEqual([]);
  expect(told()).toEqual(["added web", "modified web", "deleted web"]);
});

test("of a pod that was deleted before this agent began, what its revision tells is shown", () => {
  const { store } = create();
  store.update(picture({ desired: none, revisions: [stopping] }));
  expect(store.list()).toMatchObject([
    {
      metadata: { name: "web", namespace: "default", uid: "uid-web" },
      spec: { containers: [{ name: "main" }] },
      status: { phase: "Running" },
    },
  ]);
});

test("a pod of a rejected file of which nothing else is known is not shown as being deleted", () => {
  const { store } = create();
  const files = [{ path: "/manifests/web.yaml", state: "rejected", problems: [], excerpt: [] } as const];
  store.update(picture({ desired: baseDesired({ pods: [], files }) }));
  const pod = store.get("default", "web");
  expect(pod?.metadata).not.toHaveProperty("deletionTimestamp");
  const verdict = pod?.status?.conditions?.find(({ type }) => type === "ManifestAccepted");
  expect(verdict?.status).toBe("False");
});

test("logs are of the live revision and of the one before; in a crash loop both of the last", () => {
  const { store } = create();
  const dead = baseRevision({ state: exited() });
  const live = baseRevision({ number: 2, restartCount: 1 });
  store.update(picture({ revisions: [dead, live] }));
  expect(store.revisionsOf("default", "web")).toMatchObject({ current: live, previous: dead, isLive: true });

  const waiting = new Map([
    [
      podKey("default", "web"),
      [{ kind: "restart", stage: containersStage, backOffMs: 0, untilMs: 0 } as const],
    ],
  ]);
  store.update(picture({ revisions: [dead], waiting }));
  expect(store.revisionsOf("default", "web")).toMatchObject({ current: dead, previous: dead });
  store.update(picture({ revisions: [] }));
  expect(store.revisionsOf("default", "web")).toMatchObject({ current: undefined, previous: undefined });
  expect(store.revisionsOf("default", "nope")).toBeUndefined();
});

test("what becomes of a Pod's images is told at once, kept over updates, and forgotten with the Pod", () => {
  const { store, told } = create();
  const key = podKey("default", "web");
  const waiting = new Map([
    [key, [{ kind: "starting", stage: containersStage, failure: undefined } as const]],
  ]);
  const message = () => store.get("default", "web")?.status?.containerStatuses?.[0]?.state?.waiting?.message;
  const pulling = { image: "busybox", isQueued: false, progress: undefined };
  store.reportImages(key, { pulling }); // before the first update: nobody to tell it of
  expect(told()).toEqual([]);
  store.update(picture({ revisions: [], waiting }));
  expect([told(), message()]).toEqual([["added web"], 'Pulling image "busybox"']);

  const progress = { doneBytes: 1, totalBytes: 2 };
  store.reportImages(key, { pulling: { ...pulling, progress } });
  expect([told(), message()]).toEqual([["modified web"], 'Pulling image "busybox": 1 B of 2 B']);
  store.reportImages(key, { pulling: { ...pulling, progress } });
  store.update(picture({ revisions: [], waiting }));
  expect(told()).toEqual([]);

  store.update(picture({ desired: none, revisions: [] }));
  store.update(picture({ revisions: [], waiting }));
  expect(message()).toBeUndefined();
});
