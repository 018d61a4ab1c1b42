// Whether and when what ended is started again: the kubelet's tables, and our delays.

import { describe, expect, test } from "bun:test";
import type { Ending } from "../../src/pod/ending.ts";
import type { ExitedRevision } from "../../src/pod/lineage.ts";
import type { ObservedApp, Reason, Revision } from "../../src/pod/observed-pod.ts";
import { backOffMs, isRestarted, nextStart, policyOf, retryBackOff } from "../../src/reconcile/restart.ts";
import { baseRevision, exited, exitedApp, init, nowMs, sidecar } from "./base-world.ts";

const [app] = baseRevision().apps;
const endedWell = { failure: undefined, killed: undefined, isInterrupted: false };
const ended = (...states: readonly ObservedApp["state"][]): Ending => ({
  apps: states.flatMap((state) => (app ? [{ ...app, state }] : [])),
  state: endedWell,
});
const failure = { reason: "RunContainerError", message: "no such program" } as const;
const killed = { reason: "Unhealthy", message: "Liveness probe failed" } as const;

describe("whether a pod that ended is started again", () => {
  const unlessNever = { Always: true, OnFailure: true, Never: false };
  test.each([
    ["all ended well", ended(exitedApp(0), exitedApp(0)), { Always: true, OnFailure: false, Never: false }],
    ["one failed", ended(exitedApp(0), exitedApp(1)), unlessNever],
    ["one's code is not known", ended(exitedApp(undefined)), unlessNever],
    ["one never ran", ended(exitedApp(0), { kind: "created" }), unlessNever],
    ["nothing is known of its apps", ended(), unlessNever],
    ["it could not start", { ...ended(exitedApp(0)), state: { ...endedWell, failure } }, unlessNever],
    [
      "it was stopped for its own fault",
      { ...ended(exitedApp(0)), state: { ...endedWell, killed } },
      unlessNever,
    ],
    [
      "something from outside stopped it",
      { ...ended(exitedApp(0)), state: { ...endedWell, isInterrupted: true } },
      unlessNever,
    ],
  ])("%s", (_name, ending, expected) => {
    const policies = ["Always", "OnFailure", "Never"] as const;
    expect(Object.fromEntries(policies.map((policy) => [policy, isRestarted(policy, ending)]))).toEqual(
      expected,
    );
  });

  test.each([
    [init("a"), "Always", "OnFailure"],
    [init("a"), "OnFailure", "OnFailure"],
    [init("a"), "Never", "Never"],
    [sidecar("a"), "Never", "Always"],
    [{ kind: "containers" }, "Always", "Always"],
    [{ kind: "containers" }, "Never", "Never"],
  ] as const)("%p of a pod whose policy is %s: %s", (stage, policy, expected) => {
    expect(policyOf(stage, policy)).toBe(expected);
  });
});

function crashed(change: Partial<Revision> & { ranForMs?: number; exitCode?: number } = {}): ExitedRevision {
  const { ranForMs = 5000, exitCode = 1, ...rest } = change;
  const apps = baseRevision().apps.map((one) => ({ ...one, state: exitedApp(exitCode) }));
  return { ...baseRevision({ apps, ...rest }), state: exited({ agoMs: 100, ranForMs }) };
}

describe("when", () => {
  test("of a crash loop: at once, then 10 s doubling to 5 min", () => {
    const delays: number[] = [];
    let last = crashed();
    for (let crash = 0; crash < 9; crash++) {
      const { notBeforeMs, isBackOff, ...counts } = nextStart(last, retryBackOff);
      expect(notBeforeMs).toBe(nowMs - 100 + counts.backOffMs);
      expect(isBackOff).toBe(crash > 0);
      delays.push(counts.backOffMs / 1000);
      last = crashed(counts);
    }
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(last.restartCount).toBe(9);
  });

  test("with 1 s and at most 10 s: as the kubelet's back-off, after a first one at once", () => {
    const starts = [0];
    let last = crashed({ ranForMs: 0 });
    while (starts.length < 8) {
      const { backOffMs, restartCount } = nextStart(last, { firstMs: 1000, maxMs: 10_000 });
      starts.push((starts.at(-1) ?? 0) + backOffMs / 1000);
      last = crashed({ backOffMs, restartCount, ranForMs: 0 });
    }
    expect(starts).toEqual([0, 0, 1, 3, 7, 15, 25, 35]);
  });

  test("by the pod's own settings", () => {
    const settings = { firstMs: 1000, maxMs: 3000 };
    const delayOf = (backOffMs: number) =>
      nextStart(crashed({ restartCount: 1, backOffMs }), settings).backOffMs;
    expect([0, 1000, 2000, 3000].map(delayOf)).toEqual([1000, 2000, 3000, 3000]);
  });

  test("after 10 minutes of running: at once, and the next crash is the first", () => {
    const reached = { restartCount: 7, backOffMs: 300_000 };
    expect(nextStart(crashed({ ...reached, ranForMs: 10 * 60_000 - 1 }), retryBackOff)).toMatchObject({
      backOffMs: 300_000,
      isBackOff: true,
    });
    expect(nextStart(crashed({ ...reached, ranForMs: 10 * 60_000 }), retryBackOff)).toEqual({
      restartCount: 8,
      backOffMs: 0,
      notBeforeMs: 0,
      isBackOff: false,
    });
    expect(nextStart(crashed({ restartCount: 8 }), retryBackOff).backOffMs).toBe(10_000);
  });

  test("after an exit with 0: at once, but not within 1 s of its start; what was reached is kept", () => {
    const reached = { restartCount: 7, backOffMs: 40_000, exitCode: 0 };
    const quick = nextStart(crashed({ ...reached, ranForMs: 300 }), retryBackOff);
    expect(quick).toEqual({
      restartCount: 8,
      backOffMs: 40_000,
      notBeforeMs: nowMs - 100 - 300 + 1000,
      isBackOff: false,
    });
    const slow = nextStart(crashed({ ...reached, ranForMs: 5000 }), retryBackOff);
    expect(slow.notBeforeMs).toBeLessThan(nowMs);
  });

  test.each([
    ["Unhealthy", true],
    ["FailedPostStartHook", true],
    ["SandboxChanged", false],
    ["Evicted", false],
  ] satisfies [Reason, boolean][])("after a stop for %s: is it a crash? %p", (reason, isBackOff) => {
    const last = crashed({ restartCount: 1 });
    const state = { ...last.state, killed: { reason, message: "" } };
    expect(nextStart({ ...last, state }, retryBackOff).isBackOff).toBe(isBackOff);
  });

  test("after a shutdown: at once after the boot, with what was reached", () => {
    const last = crashed({ restartCount: 3, backOffMs: 20_000 });
    const state = { ...last.state, finishedMs: -4000, isInterrupted: true };
    expect(nextStart({ ...last, state }, retryBackOff)).toMatchObject({
      backOffMs: 20_000,
      isBackOff: false,
    });
  });

  test("after a crash before the boot: the wait begins with the boot", () => {
    const last = crashed({ restartCount: 3, backOffMs: 20_000 });
    const state = { ...last.state, finishedMs: -4000 };
    expect(nextStart({ ...last, state }, retryBackOff)).toMatchObject({
      notBeforeMs: 40_000,
      isBackOff: true,
    });
  });
});

test("tries at what failed double like the kubelet's back-off, base 1 s and cap 50 s", () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) =>
    backOffMs(failures, { firstMs: 1, maxMs: 50 }),
  );
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 50, 50, 50]);
  expect(backOffMs(100_000, { firstMs: 1, maxMs: 50 })).toBe(50);
});
