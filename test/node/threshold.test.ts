import { describe, expect, test } from "bun:test";
import {
  defaultThresholds,
  metThresholds,
  parseThreshold,
  parseThresholds,
  type SignalName,
  type Threshold,
} from "../../src/node/threshold.ts";

const mebibyte = 1024 * 1024;

describe("a threshold is read as the kubelet reads it:", () => {
  test.each([
    ["memory.available<100Mi", { signal: "memory.available", limit: { amount: 100 * mebibyte } }],
    ["nodefs.available<10%", { signal: "nodefs.available", limit: { share: 0.1 } }],
    ["nodefs.inodesFree<2.5%", { signal: "nodefs.inodesFree", limit: { share: 0.025 } }],
    ["pid.available<1k", { signal: "pid.available", limit: { amount: 1000 } }],
    ["imagefs.available<0%", undefined],
    ["imagefs.available<100%", undefined],
  ])("%s", (text, threshold) => {
    expect(parseThreshold(text)).toEqual({ threshold: threshold as Threshold | undefined });
  });

  test.each([
    "memory.available",
    "memory.available<",
    "memory.available<1<2",
    "memory.available<-1Mi",
    "memory.available<0",
    "memory.available<101%",
    "memory.available<ten",
    "memory.used<1Mi",
    "",
  ])("not %p", (text) => {
    expect(parseThreshold(text)).toHaveProperty("problem");
  });
});

test("what is less than its threshold is met, memory first; what was not observed is not met", () => {
  const thresholds: Threshold[] = [
    { signal: "pid.available", limit: { amount: 10 } },
    { signal: "nodefs.available", limit: { share: 0.1 } },
    { signal: "nodefs.inodesFree", limit: { share: 0.05 } },
    { signal: "imagefs.available", limit: { share: 0.15 } },
    { signal: "memory.available", limit: { amount: 100 } },
  ];
  const signals = new Map<SignalName, { available: number; capacity: number }>([
    ["memory.available", { available: 99, capacity: 1000 }],
    ["nodefs.available", { available: 100, capacity: 1000 }], // not less
    ["nodefs.inodesFree", { available: 49, capacity: 1000 }],
    ["imagefs.available", { available: 149, capacity: 1000 }],
  ]);
  expect(metThresholds(thresholds, signals)).toEqual([
    { signal: "memory.available", quantity: 100, available: 99 },
    { signal: "nodefs.inodesFree", quantity: 50, available: 49 },
    { signal: "imagefs.available", quantity: 150, available: 149 },
  ]);
});

test("several thresholds, with commas or not; none is one of them", () => {
  expect(parseThresholds(defaultThresholds).thresholds).toHaveLength(5);
  expect(parseThresholds([""])).toEqual({ thresholds: [], problem: undefined });
  const two = parseThresholds(["memory.available<1Gi,pid.available<0%", "nodefs.available<1"]);
  expect(two.thresholds.map(({ signal }) => signal)).toEqual(["memory.available", "nodefs.available"]);
  expect(parseThresholds(["memory.available<1Gi,x"]).problem).toBe("must be like memory.available<100Mi");
});
