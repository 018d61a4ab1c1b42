// The loop on the runtime in memory, with a clock that stands still until told.

import { expect, test } from "bun:test";
import type { Log } from "../../src/host/log.ts";
import type { Desired } from "../../src/pod/desired.ts";
import { podKey } from "../../src/pod/names.ts";
import { containersStage } from "../../src/pod/stage.ts";
import { type PassReport, Reconciler } from "../../src/reconcile/reconciler.ts";
import { RuntimeError } from "../../src/reconcile/runtime.ts";
import { waitUntil } from "../wait-until.ts";
import { baseDesired, basePod } from "./base-world.ts";
import { gate, Loop } from "./loop.ts";

const web = podKey("default", "web");

function podsNamed(names: readonly string[]): Desired {
  return baseDesired({ pods: names.map((name) => basePod({ name })) });
}

test("a pod is run, replaced when it is edited, and removed when it is not wanted any more", async () => {
  await using loop = new Loop();
  const [first] = await waitUntil("the pod to run", () => loop.live.length === 1 && loop.live);
  loop.want(baseDesired({ pods: [basePod({ specHash: "bbbb" })] }));
  await waitUntil("its replacement", () => loop.live.length === 1 && loop.live[0]?.uuid !== first?.uuid);
  expect(loop.live[0]).toMatchObject({ specHash: "bbbb", restartCount: 0 });
  loop.want(baseDesired({ pods: [] }));
  await waitUntil("nothing to be left", async () => {
    const { revisions, podDirectories } = await loop.runtime.observe(new AbortController().signal);
    return revisions.length + podDirectories.length === 0;
  });
});

test("the old revision is stopped only when the new one is prepared", async () => {
  await using loop = new Loop();
  const [first] = await waitUntil("the pod to run", () => loop.live.length === 1 && loop.live);
  const prepare = gate(web);
  loop.runtime.faults.set("prepare", prepare.fault);
  loop.want(baseDesired({ pods: [basePod({ specHash: "bbbb" })] }));
  await waitUntil("the new one to be prepared", () => prepare.waiting.length === 1);
  expect(loop.live).toEqual(first ? [first] : []);
  prepare.open();
  await waitUntil("the swap", () => loop.live[0]?.specHash === "bbbb");
});

test("a crash loop waits as long as it should, by the clock and no timer of its own", async () => {
  await using loop = new Loop();
  for (const [restartCount, backOffMs] of [0, 0, 10_000, 20_000, 40_000].entries()) {
    const [live] = await waitUntil("the pod to run", () => loop.live.length === 1 && loop.live);
    expect(live).toMatchObject({ restartCount, backOffMs });
    if (live) loop.runtime.exit(live.uuid, 3);
    loop.reconciler.wake("units");
    if (restartCount === 0) continue;
    const waiting = await waitUntil("the back-off", () => {
      const it = loop.waitingOf();
      return it?.kind === "restart" && it;
    });
    expect(waiting.untilMs).toBe(loop.clock.nowMs() + waiting.backOffMs);
    // Sooner, where a dead one is old enough to go.
    expect(loop.clock.nextAlarmMs).toBeLessThanOrEqual(waiting.backOffMs);
    expect(loop.live).toEqual([]);
    loop.clock.advance(waiting.backOffMs);
  }
});

test("an image that cannot be pulled is tried again after 10 s, 20 s … and told as data", async () => {
  await using loop = new Loop(baseDesired({ pods: [basePod({ image: "missing" })] }));
  for (const [index, delayMs] of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000].entries()) {
    await waitUntil(`failure ${index + 1}`, () => {
      const waiting = loop.waitingOf();
      return waiting?.kind === "retry" && waiting.count === index + 1;
    });
    expect(loop.waitingOf()).toEqual({
      kind: "retry",
      stage: containersStage,
      failure: { reason: "ErrImagePull", message: "missing: no such image" },
      count: index + 1,
      untilMs: loop.clock.nowMs() + delayMs,
    });
    expect(loop.clock.nextAlarmMs).toBe(delayMs);
    loop.clock.advance(delayMs);
  }
  loop.want(baseDesired());
  await waitUntil("the mended pod to run", () => loop.live.length === 1);
});

test("when to try again is the runtime's to say", async () => {
  await using loop = new Loop(baseDesired({ pods: [] }));
  const retryAtMs = loop.clock.nowMs() + 123_000;
  const backOff = { reason: "ImagePullBackOff", message: "Back-off pulling image" } as const;
  loop.runtime.faults.set("prepare", () => {
    throw new RuntimeError("ErrImagePull", "no such image", { retryAtMs, backOff });
  });
  loop.want(baseDesired());
  const failed = (count: number) =>
    waitUntil(`failure ${count}`, () => {
      const waiting = loop.waitingOf();
      return waiting?.kind === "retry" && waiting.count === count && waiting;
    });
  expect(await failed(1)).toMatchObject({ failure: { reason: "ErrImagePull" }, untilMs: retryAtMs });
  expect(loop.clock.nextAlarmMs).toBe(123_000);
  loop.runtime.faults.set("prepare", () => {
    throw new RuntimeError("ErrImagePull", "no such image", { retryAtMs: retryAtMs + 50_000, backOff });
  });
  loop.clock.advance(123_000);
  expect(await failed(2)).toMatchObject({ failure: backOff, untilMs: retryAtMs + 50_000 });
});

test("a pod that is deleted and added again is begun afresh, as often as one likes", async () => {
  await using loop = new Loop();
  for (let times = 0; times < 3; times++) {
    loop.runtime.faults.set("prepare", () => {
      throw new RuntimeError("FailedMount", "no such volume");
    });
    loop.want(baseDesired());
    const waiting = await waitUntil(
      "the failure",
      () => loop.waitingOf()?.kind === "retry" && loop.waitingOf(),
    );
    expect(waiting).toMatchObject({ count: 1 });
    loop.runtime.faults.clear();
    loop.clock.advance(10_000);
    await waitUntil("the pod to run", () => loop.live.length === 1);
    loop.want(baseDesired({ pods: [] }));
    await waitUntil("nothing to be left", () => loop.runtime.revisions.length === 0);
  }
});

test("one pod's slowness delays no other, and has one action in flight", async () => {
  await using loop = new Loop(podsNamed(["db"]));
  await waitUntil("the first pod to run", () => loop.live.length === 1);
  const prepare = gate(web);
  loop.runtime.faults.set("prepare", prepare.fault);
  loop.want(podsNamed(["db", "web"]));
  await waitUntil("the slow one to begin", () => prepare.waiting.length === 1);
  loop.want(podsNamed(["db", "web", "job"]));
  await waitUntil("the other to run", () => loop.live.length === 2);
  loop.want(podsNamed(["web"]));
  await waitUntil("the others to be gone", () => loop.live.length === 0);
  expect(prepare.waiting).toEqual([web]);
  prepare.open();
  await waitUntil("the slow one to run", () => loop.live.length === 1);
});

test("at most four are started at a time, and those that take long give their place away", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const keys = names.map((name) => podKey("default", name));
  const prepare = gate(...keys.slice(0, 5));
  await using loop = new Loop(baseDesired({ pods: [] }));
  loop.runtime.faults.set("prepare", prepare.fault);
  loop.want(podsNamed(names));
  await waitUntil("four to begin", () => prepare.waiting.length === 4);
  await waitUntil("an alarm for the next place", () => loop.clock.nextAlarmMs === 2000);
  expect(prepare.waiting).toEqual(keys.slice(0, 4));
  loop.clock.advance(2000);
  await waitUntil("the last to run", () => loop.live.length === 1);
  expect(loop.live[0]?.key).toBe(podKey("default", "f"));
  prepare.open();
  await waitUntil("all to run", () => loop.live.length === 6);
});

test("a start that nobody wants any more is canceled, and leaves nothing", async () => {
  const prepare = gate(web);
  await using loop = new Loop(baseDesired({ pods: [] }));
  loop.runtime.faults.set("prepare", prepare.fault);
  loop.want(baseDesired());
  await waitUntil("it to begin", () => prepare.waiting.length === 1);
  loop.want(baseDesired({ pods: [] }));
  await waitUntil("it to be canceled", () =>
    loop.lines.some((line) => line.startsWith("info run: canceled")),
  );
  await waitUntil(
    "a calm plan",
    () => loop.lastReport?.kind === "observed" && loop.clock.nextAlarmMs === 300_000,
  );
  expect(loop.runtime.revisions).toEqual([]);
});

test("a hook that takes long holds up neither an edit nor another pod's hook", async () => {
  const postStart = { kind: "exec", command: ["sleep", "1000"] } as const;
  const hooked = (specHash: string, ...names: readonly string[]) =>
    baseDesired({ pods: names.map((name) => basePod({ name, specHash, container: { postStart } })) });
  const names = ["web", "a", "b", "c", "d", "e"];
  const hook = gate(...names.map((name) => podKey("default", name)));
  await using loop = new Loop(baseDesired({ pods: [] }));
  loop.runtime.faults.set("postStart", hook.fault);
  loop.want(hooked("aaaa", ...names));
  await waitUntil("all hooks", () => hook.waiting.length === names.length);
  loop.want(hooked("bbbb", "web"));
  await waitUntil("the new version alone", () => loop.live.length === 1 && loop.live[0]?.specHash !== "aaaa");
  expect(loop.lines.filter((line) => line.startsWith("info postStart: canceled"))).toHaveLength(names.length);
  hook.open();
  await waitUntil("its hook", () => loop.live[0]?.isPostStarted);
});

test("where the machine cannot be looked at, nothing is done; it is tried again after 1 s to 30 s", async () => {
  await using loop = new Loop();
  await waitUntil("the pod to run", () => loop.live.length === 1);
  loop.runtime.faults.set("observe", () => {
    throw new Error("rkt list: exit code 254", { cause: new Error("disk on fire") });
  });
  loop.want(baseDesired({ pods: [] }));
  for (const [index, delayMs] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
    await waitUntil(
      "the failed look",
      () => loop.lastReport?.kind === "unobserved" && loop.lastReport.count === index + 1,
    );
    expect(loop.lastReport).toMatchObject({ error: "rkt list: exit code 254: disk on fire" });
    expect(loop.clock.nextAlarmMs).toBe(delayMs);
    expect(loop.live).toHaveLength(1);
    loop.clock.advance(delayMs);
  }
  loop.runtime.faults.delete("observe");
  loop.clock.advance(30_000);
  await waitUntil(
    "the pod to be removed",
    () => loop.live.length === 0 && loop.clock.nextAlarmMs === 300_000,
  );
  loop.runtime.faults.set("observe", () => {
    throw new Error("again");
  });
  loop.reconciler.wake("units");
  await waitUntil("another failed look", () => loop.lastReport?.kind === "unobserved" && loop.lastReport);
  expect(loop.lastReport).toMatchObject({ count: 1, error: "again" });
});

test("many wake-ups are one pass; what wakes during a pass makes another", async () => {
  await using loop = new Loop(baseDesired({ pods: [] }));
  await waitUntil("the first pass", () => loop.reports.length === 1);
  expect(loop.lastReport?.reasons).toEqual(["startup"]);
  const observe = gate("");
  loop.runtime.faults.set("observe", observe.fault);
  for (let i = 0; i < 100; i++) loop.reconciler.wake("units");
  loop.reconciler.wake("manifests");
  expect(loop.reconciler.passStartedMs).toBeUndefined();
  await waitUntil("the second look", () => observe.waiting.length === 1);
  expect(loop.reconciler.passStartedMs).toBe(loop.clock.nowMs());
  loop.reconciler.wake("health");
  observe.open();
  await waitUntil("both passes", () => loop.reports.length === 3);
  expect(loop.reports.slice(1).map(({ reasons }) => reasons)).toEqual([["units", "manifests"], ["health"]]);
});

test("idle, it wakes for nothing but the resync", async () => {
  await using loop = new Loop();
  await waitUntil("the pod to run", () => loop.live.length === 1);
  await waitUntil("nothing more to do", () => loop.clock.nextAlarmMs === 300_000);
  const passes = loop.reports.length;
  loop.clock.advance(299_999);
  expect(loop.clock.nextAlarmMs).toBe(1);
  loop.clock.advance(1);
  await waitUntil("the resync", () => loop.reports.length === passes + 1);
  expect(loop.lastReport?.reasons).toEqual(["resync"]);
});

test("an action that succeeds without effect is not repeated in circles", async () => {
  await using loop = new Loop();
  await waitUntil("the pod to run", () => loop.live.length === 1);
  const [revision] = loop.live;
  loop.runtime.stop = async () => undefined;
  loop.want(baseDesired({ pods: [] }));
  await waitUntil("the failure", () => loop.lines.some((line) => line.includes("nothing changed")));
  await waitUntil("the back-off", () => loop.clock.nextAlarmMs === 10_000);
  expect(loop.live).toEqual(revision ? [revision] : []);
});

test("told to end, it cancels what is in flight and waits for it", async () => {
  const loop = new Loop(baseDesired({ pods: [] }));
  const prepare = gate(web);
  loop.runtime.faults.set("prepare", prepare.fault);
  loop.want(baseDesired());
  await waitUntil("it to begin", () => prepare.waiting.length === 1);
  await loop.stop();
  expect(loop.runtime.revisions).toEqual([]);
  expect(loop.clock.nextAlarmMs).toBeUndefined();
  const passes = loop.reports.length;
  loop.reconciler.wake("units");
  expect(loop.reports).toHaveLength(passes);
});

test("told to end while it looks, it tells of no failure", async () => {
  const loop = new Loop();
  const observe = gate("");
  loop.runtime.faults.set("observe", observe.fault);
  await waitUntil("the look", () => observe.waiting.length === 1);
  await loop.stop();
  expect(loop.reports).toEqual([]);
});

test("the next agent adopts what runs, with the uid that it was started with", async () => {
  await using first = new Loop();
  const [live] = await waitUntil("the pod to run", () => first.live.length === 1 && first.live);
  await first.stop();
  const { clock, runtime } = first;
  const reports: PassReport[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  const stop = new AbortController();
  const next = new Reconciler({
    runtime,
    desired: () => baseDesired({ pods: [basePod({ uid: "other-file" })] }),
    health: () => new Map(),
    evict: () => new Map(),
    isDiskShort: () => false,
    parseAccepted: () => undefined,
    record: () => undefined,
    clock,
    timers: clock,
    log,
    onPass: (report) => reports.push(report),
  });
  const ended = next.run(stop.signal);
  await waitUntil("its first pass", () => reports.length === 1);
  expect(reports[0]).toMatchObject({ plan: { actions: [] }, desired: { pods: [{ uid: live?.podUid }] } });
  expect(runtime.revisions).toEqual(live ? [live] : []);
  stop.abort();
  await ended;
});

test("what the runtime says of a failure is kept, and what else it throws gets a reason", async () => {
  await using loop = new Loop(podsNamed(["web", "db"]));
  loop.runtime.faults.set("prepare", (target) => {
    throw target === web ? new RuntimeError("FailedMount", "no such volume") : new Error("surprise");
  });
  loop.reconciler.wake("manifests");
  await waitUntil(
    "both to fail",
    () => loop.waitingOf()?.kind === "retry" && loop.waitingOf(podKey("default", "db"))?.kind === "retry",
  );
  expect(loop.waitingOf()).toMatchObject({ failure: { reason: "FailedMount", message: "no such volume" } });
  expect(loop.waitingOf(podKey("default", "db"))).toMatchObject({
    failure: { reason: "RunContainerError", message: "surprise" },
  });
});

test("a place that becomes free is taken at once, also while the machine is looked at, and nothing is run twice for that", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const keys = names.map((name) => podKey("default", name));
  const prepare = gate(...keys);
  await using loop = new Loop(podsNamed([]));
  loop.runtime.faults.set("prepare", prepare.fault);
  loop.want(podsNamed(names));
  await waitUntil("all places to be taken", () => prepare.waiting.length === 4);
  const observe = gate("");
  loop.runtime.faults.set("observe", observe.fault);
  loop.reconciler.wake("resync");
  await waitUntil("a look", () => observe.waiting.length === 1);
  prepare.open();
  await waitUntil("the others", () => prepare.waiting.length === 6);
  await waitUntil("them to run", () => loop.live.length === 6);
  loop.runtime.faults.clear();
  observe.open();
  const seen = loop.reports.length;
  await waitUntil("two passes", () => loop.reports.length > seen + 1);
  expect(loop.runtime.revisions.map(({ key }) => key).sort()).toEqual(keys);
  expect(loop.reports.at(-1)).toMatchObject({ kind: "observed", plan: { actions: [] } });
});

test("what waits for a place is not begun when the machine cannot be looked at, or the agent ends", async () => {
  const keys = ["a", "b", "c", "d", "e"].map((name) => podKey("default", name));
  const prepare = gate(...keys);
  await using loop = new Loop(podsNamed([]));
  loop.runtime.faults.set("prepare", prepare.fault);
  loop.want(podsNamed(["a", "b", "c", "d", "e"]));
  await waitUntil("all places to be taken", () => prepare.waiting.length === 4);
  loop.runtime.faults.set("observe", () => {
    throw new RuntimeError("RunContainerError", "no rkt");
  });
  loop.reconciler.wake("resync");
  await waitUntil("a failed look", () => loop.lastReport?.kind === "unobserved");
  prepare.open();
  await waitUntil("the places to be free", () => loop.live.length === 4);
  await loop.stop();
  expect(prepare.waiting).toEqual(keys.slice(0, 4));
});
