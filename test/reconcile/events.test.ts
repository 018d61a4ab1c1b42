// What people are told, by the loop on the runtime in memory: the kubelet's words, once for each thing.

import { expect, test } from "bun:test";
import type { PodEvent } from "../../src/pod/event.ts";
import { podKey } from "../../src/pod/names.ts";
import { RuntimeError } from "../../src/reconcile/runtime.ts";
import { plainProbe } from "../plain-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { baseDesired, basePod } from "./base-world.ts";
import { Loop } from "./loop.ts";

const web = podKey("default", "web");

/** `Started main: Started container main`, or without a container's name. */
function text({ object, reason, message }: PodEvent): string {
  const container = object.kind === "Pod" && object.container ? ` ${object.container}` : "";
  return `${reason}${container}: ${message}`;
}

/** Waits until the last of them has been recorded, and takes all that were since the last time. */
async function events(loop: Loop, ...expected: readonly string[]): Promise<void> {
  const texts = () => loop.events.map(text);
  await waitUntil(`${expected.at(-1)}; there is ${texts().join("; ")}`, () =>
    texts().includes(expected.at(-1) ?? ""),
  );
  expect(texts()).toEqual([...expected]);
  loop.events.length = 0;
}

const created = "Created main: Created container main";
const started = "Started main: Started container main";

async function isCalm(loop: Loop): Promise<void> {
  await waitUntil(
    "nothing in flight",
    () => loop.lastReport?.kind === "observed" && loop.lastReport.plan.actions.length === 0,
  );
}

test("a pod's start, its replacement and its end", async () => {
  await using loop = new Loop();
  await events(loop, created, started);
  await isCalm(loop);
  loop.want(baseDesired({ pods: [basePod({ specHash: "bbbb" })] }));
  await events(
    loop,
    created,
    "Killing main: Stopping container main: a new version of the pod replaces it",
    started,
    "Replaced: A new version of the pod has replaced the one before",
  );
  await isCalm(loop);
  loop.want(baseDesired({ pods: [] }));
  await events(loop, "Killing main: Stopping container main: the pod is not wanted any more");
});

test("each stage for itself", async () => {
  const initContainers = [
    { name: "first", command: ["sh", "-c", "exit 0"] },
    { name: "proxy", isSidecar: true },
  ];
  await using loop = new Loop(baseDesired({ pods: [basePod({ initContainers })] }));
  await events(
    loop,
    ...["first", "proxy", "main"].flatMap((name) => [
      `Created ${name}: Created container ${name}`,
      `Started ${name}: Started container ${name}`,
    ]),
  );
});

test("a crash loop: that it is waited for is told once a wait", async () => {
  await using loop = new Loop();
  const die = async () => {
    const [live] = await waitUntil("the pod to run", () => loop.live.length === 1 && loop.live);
    if (live) loop.runtime.exit(live.uuid, 3);
    loop.reconciler.wake("units");
  };
  await events(loop, created, started);
  await die();
  await events(loop, created, started);
  await die();
  const backOff = "BackOff main: Back-off restarting failed container main in pod web_default(uid-web)";
  await events(loop, backOff);
  loop.clock.advance(5000);
  loop.reconciler.wake("units");
  await waitUntil("another pass", () => loop.lastReport?.reasons.includes("units") === true);
  expect(loop.events).toEqual([]);
  loop.clock.advance(5000);
  await events(loop, created, started);
  await die();
  await events(loop, backOff);
});

test("an unhealthy container", async () => {
  await using loop = new Loop();
  const [live] = await waitUntil("the pod to run", () => loop.live.length === 1 && loop.live);
  await isCalm(loop);
  loop.events.length = 0;
  const unhealthy = { message: "Liveness probe failed: no", graceSeconds: undefined };
  if (live)
    loop.health = new Map([[live.uuid, new Map([["main", { isStarted: true, isReady: false, unhealthy }]])]]);
  loop.reconciler.wake("health");
  await events(loop, "Killing main: Stopping container main: Liveness probe failed: no", created, started);
  expect(loop.runtime.revisions.find(({ uuid }) => uuid === live?.uuid)?.state).toMatchObject({
    killed: { reason: "Unhealthy" },
    isStopped: false,
  });
});

test("a hook that fails ends its revision, and the next one is tried", async () => {
  const postStart = { kind: "exec", command: ["false"] } as const;
  await using loop = new Loop(baseDesired({ pods: [] }));
  loop.runtime.faults.set("postStart", () => {
    loop.runtime.faults.delete("postStart");
    throw new RuntimeError("FailedPostStartHook", "PostStartHook failed: exit code 1");
  });
  loop.want(baseDesired({ pods: [basePod({ container: { postStart } })] }));
  await waitUntil("both", () => loop.runtime.revisions.length === 2 && loop.live[0]?.isPostStarted);
  expect(loop.events.map(text)).toEqual([
    created,
    started,
    "FailedPostStartHook: PostStartHook failed: exit code 1",
    "Killing main: Stopping container main: PostStartHook failed: exit code 1",
    created,
    started,
  ]);
});

test("an eviction, once, and the start after it", async () => {
  await using loop = new Loop();
  await events(loop, created, started);
  await isCalm(loop);
  loop.evict = new Map([[web, { reason: "Evicted", message: "The node was low on resource: memory." }]]);
  loop.reconciler.wake("health");
  await events(
    loop,
    "Evicted: The node was low on resource: memory.",
    "Killing main: Stopping container main: The node was low on resource: memory.",
  );
  await waitUntil("its end", () => loop.live.length === 0);
  await isCalm(loop);
  loop.evict = new Map();
  loop.clock.advance(1000);
  loop.reconciler.wake("health");
  await events(loop, created, started);
});

test("a deadline", async () => {
  await using loop = new Loop(baseDesired({ pods: [basePod({ spec: { activeDeadlineSeconds: 60 } })] }));
  await events(loop, created, started);
  await isCalm(loop);
  loop.clock.advance(60_001);
  const message = "Pod was active on the node longer than the specified deadline";
  await events(loop, `DeadlineExceeded: ${message}`, `Killing main: Stopping container main: ${message}`);
  await waitUntil("its end", () => loop.live.length === 0);
  await isCalm(loop);
  expect(loop.events).toEqual([]);
});

test("a rollback", async () => {
  await using loop = new Loop();
  const [good] = await waitUntil("the good version to be Ready", () => loop.live[0]?.wasReady && loop.live);
  await isCalm(loop);
  loop.events.length = 0;
  const bad = basePod({
    specHash: "bbbb",
    uid: "bad",
    container: { readinessProbe: plainProbe },
    life: { rollbackAfterMs: 30_000 },
  });
  loop.want(baseDesired({ pods: [bad] }));
  await waitUntil("the new version", () => loop.live[0]?.specHash === bad.specHash);
  await isCalm(loop);
  loop.events.length = 0;
  loop.clock.advance(30_001);
  const why = "not Ready within 30 s: the last version that was is back";
  await events(loop, `RolledBack: ${why}`, created, `Killing main: Stopping container main: ${why}`, started);
  await waitUntil("it to be Ready", () => loop.live[0]?.wasReady);
  expect(loop.live).toMatchObject([{ specHash: good?.specHash, podUid: good?.podUid }]);
  await isCalm(loop);
  expect(loop.lastReport).toMatchObject({ desired: { pods: [{ specHash: good?.specHash }] } });
  const passes = loop.reports.length;
  loop.clock.advance(3_600_000);
  await waitUntil("a later pass", () => loop.reports.length > passes);
  expect(loop.live).toHaveLength(1);
  loop.want(baseDesired({ pods: [basePod({ specHash: "cccc", uid: "mended" })] }));
  await waitUntil("the mended version", () => String(loop.live[0]?.specHash) === "cccc");
});

test.each([
  ["prepare", "FailedMount", "no such volume", "FailedMount: no such volume"],
  ["prepare", "CreateContainerConfigError", "no ConfigMap", "Failed: Error: no ConfigMap"],
  ["prepare", "CreateContainerError", "exit code 254", "FailedCreatePodContainer: exit code 254"],
  ["start", "RunContainerError", "timeout", "Failed: Error: timeout"],
] as const)("what failed in %s: %s", async (operation, reason, message, expected) => {
  await using loop = new Loop(baseDesired({ pods: [] }));
  loop.runtime.faults.set(operation, () => {
    throw new RuntimeError(reason, message);
  });
  loop.want(baseDesired());
  await events(loop, ...(operation === "start" ? [created] : []), expected);
});

test("what the runtime tells itself is not told twice", async () => {
  await using loop = new Loop(baseDesired({ pods: [basePod({ image: "missing" })] }));
  await waitUntil("the failure", () => loop.waitingOf()?.kind === "retry");
  expect(loop.events).toEqual([]);
});

test("what was so when the agent began is not told again", async () => {
  await using loop = new Loop(baseDesired({ pods: [] }));
  loop.evict = new Map([[web, { reason: "Evicted", message: "" }]]);
  await loop.stop();
  const next = new Loop(baseDesired());
  next.evict = loop.evict;
  await waitUntil("its first pass", () => next.waitingOf()?.kind === "evicted");
  next.reconciler.wake("units");
  await waitUntil("its second pass", () => next.reports.length > 1);
  expect(next.events).toEqual([]);
  await next.stop();
});
