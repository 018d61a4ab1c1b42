// The rules of the kubelet's workers (prober/worker_test.go), and of those who ask many.

import { describe, expect, test } from "bun:test";
import type { CheckResult } from "../../src/probe/check-result.ts";
import { failure, Probing, type probe, success, target } from "./probing.ts";

const started = { isStarted: true, isReady: true, unhealthy: undefined };
const notReady = { isStarted: true, isReady: false, unhealthy: undefined };
const notStarted = { isStarted: false, isReady: false, unhealthy: undefined };

test("nothing to probe: no alarm, nothing told", async () => {
  const probing = new Probing();
  probing.prober.update([]);
  expect(probing.clock.nextAlarmMs).toBeUndefined();
  expect(probing.prober.health).toEqual(new Map());
  expect(probing.changes).toBe(0);
});

describe("readiness", () => {
  test("is not ready until its first success, and asked again each period; only the change is told", async () => {
    const probing = new Probing();
    const web = target(1, ["readiness"]);
    probing.prober.update([web]);
    expect(probing.health(web)).toEqual(notReady);
    expect(probing.changes).toBe(1); // one that is missing is not started either
    await probing.pass(0);
    expect(probing.health(web)).toEqual(started);
    await probing.pass(35_000);
    expect(probing.times("readiness")).toEqual([0, 10_000, 20_000, 30_000]);
    expect(probing.changes).toBe(2);
    expect(probing.lines).toEqual(["ready"]);
    expect(probing.events).toEqual([]);
  });

  test("of a container that is starting is asked often, until its first period is over; that fails nobody", async () => {
    const probing = new Probing();
    const web = target(1, ["readiness"]);
    probing.answers.readiness = failure;
    probing.prober.update([web]);
    await probing.pass(20_000);
    const early = [0, 250, 500, 1000, 2000, 4000, 8000];
    expect(probing.times("readiness")).toEqual([...early, 10_000, 20_000]);
    expect(probing.messages).toEqual(["Unhealthy: Readiness probe failed: refused"]);
  });

  test("needs as many successes in a row as its threshold, a period apart", async () => {
    const probing = new Probing();
    const web = target(1, ["readiness", { successThreshold: 3 }]);
    probing.prober.update([web]);
    await probing.pass(19_900);
    expect(probing.health(web)).toEqual(notReady);
    await probing.pass(100);
    expect(probing.health(web)).toEqual(started);
    expect(probing.times("readiness")).toEqual([0, 10_000, 20_000]);
  });

  test("is lost at the threshold and comes back; the first failure and the one that decides are events", async () => {
    const probing = new Probing();
    const web = target(1, ["readiness"]);
    probing.prober.update([web]);
    await probing.pass(0);
    probing.answers.readiness = failure;
    await probing.pass(20_000);
    expect(probing.health(web)).toEqual(started);
    probing.answers.readiness = { kind: "failure", message: "HTTP probe failed with statuscode: 503" };
    await probing.pass(50_000);
    expect(probing.health(web)).toEqual(notReady);
    probing.answers.readiness = success;
    await probing.pass(10_000);
    expect(probing.health(web)).toEqual(started);
    expect(probing.messages).toEqual([
      "Unhealthy: Readiness probe failed: refused",
      "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503",
    ]);
    expect(probing.lines).toEqual(["ready", "not ready", "ready"]);
    expect(probing.changes).toBe(4);
  });

  test("waits for its initial delay", async () => {
    const probing = new Probing();
    probing.prober.update([target(1, ["readiness", { initialDelaySeconds: 7 }])]);
    await probing.pass(20_000);
    expect(probing.times("readiness")).toEqual([7000, 17_000]);
  });
});

describe("liveness", () => {
  const live = target(1, ["liveness", { failureThreshold: 2, terminationGracePeriodSeconds: 3 }]);
  const unhealthy = { message: "Liveness probe failed: refused", graceSeconds: 3 };

  test("lives before it is asked, first after a part of its period", async () => {
    const probing = new Probing();
    probing.prober.update([live]);
    expect(probing.health(live)).toEqual(started);
    expect(probing.changes).toBe(1);
    await probing.pass(20_000);
    expect(probing.times("liveness")).toEqual([5000, 15_000]);
  });

  test("at its threshold asks for a restart, once, and is on hold until there is another revision", async () => {
    const probing = new Probing();
    probing.prober.update([live]);
    probing.answers.liveness = failure;
    await probing.pass(5000);
    expect(probing.health(live)).toEqual(started);
    await probing.pass(10_000);
    expect(probing.health(live)).toEqual({ ...started, unhealthy });
    await probing.pass(100_000);
    probing.prober.update([live]);
    await probing.pass(100_000);
    expect(probing.times("liveness")).toEqual([5000, 15_000]);
    expect(probing.clock.nextAlarmMs).toBeUndefined();
    expect(probing.lines).toEqual(["unhealthy"]);
    expect(probing.events.map(({ object }) => object)).toEqual(
      Array(2).fill({ kind: "Pod", key: live.key, uid: live.podUid, container: "main" }),
    );
    const next = { ...target(2, ["liveness"]), key: live.key };
    probing.prober.update([next]);
    expect(probing.prober.health).toEqual(new Map([[next.uuid, new Map([["main", started]])]]));
    await probing.pass(5000);
    expect(probing.times("liveness").length).toBe(3);
  });
});

describe("startup", () => {
  const web = target(1, ["startup"], ["liveness"], ["readiness"]);

  test("holds the other two back until it succeeds; then readiness is asked at once", async () => {
    const probing = new Probing();
    probing.answers.startup = failure;
    probing.prober.update([web]);
    await probing.pass(12_000);
    expect(probing.health(web)).toEqual(notStarted);
    expect([...probing.times("liveness"), ...probing.times("readiness")]).toEqual([]);
    probing.answers.startup = success;
    await probing.pass(8000);
    expect(probing.health(web)).toEqual(started);
    await probing.pass(30_000);
    expect(probing.times("startup").at(-1)).toBe(20_000);
    expect(probing.times("readiness")).toEqual([20_000, 30_000, 40_000, 50_000]);
    expect(probing.times("liveness")).toEqual([25_000, 35_000, 45_000]);
    expect(probing.lines).toEqual(["started", "ready"]);
  });

  test("has as many periods as its threshold, and then asks for a restart", async () => {
    const probing = new Probing();
    const slow = target(1, ["startup", { periodSeconds: 2, failureThreshold: 5 }], ["liveness"]);
    probing.answers.startup = failure;
    probing.prober.update([slow]);
    await probing.pass(9900);
    expect(probing.health(slow)).toEqual(notStarted);
    await probing.pass(100);
    const unhealthy = { message: "Startup probe failed: refused", graceSeconds: undefined };
    expect(probing.health(slow)).toEqual({ ...notStarted, unhealthy });
    expect(probing.clock.nextAlarmMs).toBeUndefined();
    expect(probing.messages).toEqual(Array(2).fill("Unhealthy: Startup probe failed: refused"));
  });
});

describe("a container that", () => {
  test("has ended is asked no more, and what is under way is broken off", async () => {
    const probing = new Probing();
    const { promise, resolve } = Promise.withResolvers<CheckResult>();
    probing.answers.readiness = promise;
    probing.prober.update([target(1, ["readiness"])]);
    await probing.pass(0);
    expect(probing.underWay).toBe(1);
    probing.prober.update([]);
    await probing.pass(0);
    expect(probing.underWay).toBe(0);
    resolve(success);
    await probing.pass(60_000);
    expect(probing.prober.health).toEqual(new Map());
    expect(probing.clock.nextAlarmMs).toBeUndefined();
    expect(probing.lines).toEqual([]);
  });

  test("is stopping is asked for readiness only, and that it does not answer is no news", async () => {
    const probing = new Probing();
    const web = target(1, ["liveness"], ["readiness"]);
    probing.prober.update([web]);
    await probing.pass(5000);
    probing.answers.liveness = failure;
    probing.answers.readiness = failure;
    probing.prober.update([{ ...web, isStopping: true }]);
    await probing.pass(60_000);
    expect(probing.times("liveness")).toEqual([5000]);
    expect(probing.health(web)).toEqual(notReady);
    expect([probing.messages, probing.lines]).toEqual([[], ["ready"]]);
  });

  test("takes longer to answer than its period is not asked twice at once", async () => {
    const probing = new Probing();
    const { promise, resolve } = Promise.withResolvers<CheckResult>();
    probing.answers.readiness = promise;
    probing.prober.update([target(1, ["readiness", { timeoutSeconds: 60 }])]);
    await probing.pass(35_000);
    expect(probing.times("readiness")).toEqual([0]);
    resolve(success);
    await probing.pass(20_000);
    expect(probing.times("readiness")).toEqual([0, 35_000, 45_000, 55_000]);
  });
});

describe("a check that", () => {
  test("could not be made says nothing of the container; it is an event, once", async () => {
    const probing = new Probing();
    const web = target(1, ["liveness", { failureThreshold: 1 }]);
    probing.answers.liveness = { kind: "error", message: "rkt cannot\nenter" };
    probing.prober.update([web]);
    await probing.pass(60_000);
    expect(probing.health(web)).toEqual(started);
    expect(probing.messages).toEqual([
      "Unhealthy: Liveness probe errored and resulted in unknown state: rkt cannot enter",
    ]);
  });

  test("was led elsewhere is a success, and an event, once", async () => {
    const probing = new Probing();
    const web = target(1, ["readiness"]);
    probing.answers.readiness = { kind: "warning", message: "Probe terminated redirects" };
    probing.prober.update([web]);
    await probing.pass(60_000);
    expect(probing.health(web)).toEqual(started);
    expect(probing.messages).toEqual(["ProbeWarning: Readiness probe warning: Probe terminated redirects"]);
  });

  test("has much to say is told of in one line that is not too long", async () => {
    const probing = new Probing();
    probing.answers.liveness = { kind: "failure", message: `a\u001b[31m\r\nb\t${"x".repeat(5000)}` };
    probing.prober.update([target(1, ["liveness"])]);
    await probing.pass(5000);
    expect(probing.events[0]?.message).toStartWith("Liveness probe failed: a [31m b xxx");
    expect(probing.events[0]?.message.length).toBe(1024);
  });
});

test("all checks are counted", async () => {
  const probing = new Probing();
  probing.prober.update([target(1, ["liveness"], ["readiness"])]);
  await probing.pass(25_000);
  probing.answers.liveness = { kind: "error", message: "" };
  probing.answers.readiness = failure;
  await probing.pass(20_000);
  const count = (kind: string, result: string) =>
    probing.prober.counts.find((each) => each.kind === kind && each.result === result)?.count;
  expect(probing.prober.counts.length).toBe(4);
  expect(count("liveness", "successful")).toBe(3);
  expect(count("liveness", "unknown")).toBe(2);
  expect(count("readiness", "successful")).toBe(3);
  expect(count("readiness", "failed")).toBe(2);
});

describe("many", () => {
  const many = (count: number, change: Parameters<typeof probe>[1] = {}) =>
    Array.from({ length: count }, (_, index) => target(index, ["readiness", change]));
  const exec = { handler: { kind: "exec", command: ["true"] } } as const;

  test("checks that hang: so many at once, the others in turn", async () => {
    const probing = new Probing();
    const { promise, resolve } = Promise.withResolvers<CheckResult>();
    probing.answers.readiness = promise;
    probing.prober.update(many(100));
    await probing.pass(0);
    expect(probing.underWay).toBe(64);
    resolve(success);
    await probing.pass(0);
    expect([...probing.prober.health.values()].every((each) => each.get("main")?.isReady)).toBe(true);
    expect(probing.asked.length).toBe(100);
  });

  test("commands that hang keep nobody else waiting", async () => {
    const probing = new Probing();
    const { promise } = Promise.withResolvers<CheckResult>();
    probing.answers.readiness = promise;
    const web = target(1000, ["startup"]);
    probing.prober.update([...many(100, exec), web]);
    await probing.pass(0);
    expect(probing.underWay).toBe(16);
    expect(probing.health(web)).toEqual(started);
  });

  test("places that hang are free again when their containers have ended", async () => {
    const probing = new Probing();
    const { promise } = Promise.withResolvers<CheckResult>();
    probing.answers.readiness = promise;
    probing.prober.update(many(20, exec));
    await probing.pass(0);
    probing.prober.update(many(20, exec).slice(16));
    await probing.pass(0);
    expect(probing.underWay).toBe(4);
  });

  test("containers do not wake the process up each for itself", async () => {
    const probing = new Probing();
    const targets = many(300);
    for (const [index] of targets.entries()) {
      probing.prober.update(targets.slice(0, index + 1));
      await probing.pass(33);
    }
    probing.wakeUps = 0;
    await probing.pass(10_000);
    expect(probing.wakeUps).toBeLessThanOrEqual(41);
  });
});

test("disposed of, it asks and tells nothing more", async () => {
  const probing = new Probing();
  probing.prober.update([target(1, ["liveness"], ["readiness"])]);
  await probing.pass(0);
  const { changes } = probing;
  probing.prober[Symbol.dispose]();
  await probing.pass(60_000);
  expect({ alarm: probing.clock.nextAlarmMs, asked: probing.asked.length, changes: probing.changes }).toEqual(
    {
      alarm: undefined,
      asked: 1,
      changes,
    },
  );
});
