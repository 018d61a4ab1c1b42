// When a pod is started again: the kubelet's tables, and our delays.

import { describe, expect, test } from "bun:test";
import type { ObservedApp } from "../../src/pod/observed-pod.ts";
import { backOffMs, isRestarted, nextBackOffMs } from "../../src/reconcile/restart.ts";
import { baseRevision, exitedApp } from "./base-world.ts";

const [app] = baseRevision().apps;
const ended = (...states: readonly ObservedApp["state"][]) => ({
  apps: states.flatMap((state) => (app ? [{ ...app, state }] : [])),
  state: { failure: undefined },
});
const failure = { reason: "RunContainerError", message: "no such program" } as const;

describe("whether a pod that ended is started again", () => {
  test.each([
    ["all ended well", ended(exitedApp(0), exitedApp(0)), { Always: true, OnFailure: false, Never: false }],
    ["one failed", ended(exitedApp(0), exitedApp(1)), { Always: true, OnFailure: true, Never: false }],
    ["one's code is not known", ended(exitedApp(undefined)), { Always: true, OnFailure: true, Never: false }],
    [
      "one never ran",
      ended(exitedApp(0), { kind: "created" }),
      { Always: true, OnFailure: true, Never: false },
    ],
    ["nothing is known of its apps", ended(), { Always: true, OnFailure: true, Never: false }],
    [
      "it could not start",
      { ...ended(exitedApp(0)), state: { failure } },
      { Always: true, OnFailure: true, Never: false },
    ],
  ])("%s", (_name, ending, expected) => {
    const policies = ["Always", "OnFailure", "Never"] as const;
    expect(Object.fromEntries(policies.map((policy) => [policy, isRestarted(policy, ending)]))).toEqual(
      expected,
    );
  });
});

test("the delays of a crash loop: at once, then 10 s doubling to 5 min", () => {
  const delays: number[] = [];
  let last = { restartCount: 0, backOffMs: 0 };
  for (let crash = 0; crash < 9; crash++) {
    last = { restartCount: last.restartCount + 1, backOffMs: nextBackOffMs(last, 1000) };
    delays.push(last.backOffMs / 1000);
  }
  expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test("10 minutes of running make the next crash the first", () => {
  const last = { restartCount: 7, backOffMs: 300_000 };
  expect(nextBackOffMs(last, 10 * 60_000 - 1)).toBe(300_000);
  expect(nextBackOffMs(last, 10 * 60_000)).toBe(0);
  expect(nextBackOffMs({ restartCount: 8, backOffMs: 0 }, 1000)).toBe(10_000);
});

test("tries at what failed double like the kubelet's back-off, base 1 s and cap 50 s", () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) =>
    backOffMs(failures, { firstMs: 1, maxMs: 50 }),
  );
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 50, 50, 50]);
  expect(backOffMs(100_000, { firstMs: 1, maxMs: 50 })).toBe(50);
});
