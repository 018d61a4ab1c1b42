// Kubernetes' classes, by what containers ask for.

import { expect, test } from "bun:test";
import { type QosClass, qosClass } from "../../src/status/qos.ts";

type Amounts = Readonly<Record<string, string>>;
const container = (requests?: Amounts, limits?: Amounts) => ({
  name: "main",
  resources: { ...(requests && { requests }), ...(limits && { limits }) },
});
const full = { cpu: "100m", memory: "1Gi" };

test.each<[what: string, containers: ReturnType<typeof container>[], expected: QosClass]>([
  ["nothing", [container()], "BestEffort"],
  ["nothing but 0", [container({ cpu: "0" }, { memory: "0" })], "BestEffort"],
  ["something else", [container({ "example.com/gpu": "1" })], "BestEffort"],
  ["a request", [container({ cpu: "100m" })], "Burstable"],
  ["one limit", [container({}, { memory: "1Gi" })], "Burstable"],
  ["both limits", [container({}, full)], "Guaranteed"],
  [
    "both limits, said otherwise as requests",
    [container({ cpu: "0.1", memory: "1024Mi" }, full)],
    "Guaranteed",
  ],
  ["less than the limits", [container({ cpu: "50m" }, full)], "Burstable"],
  ["both limits, and a second container nothing", [container(full, full), container()], "Burstable"],
  ["both limits twice", [container(full, full), container({}, full)], "Guaranteed"],
])("%s", (_what, containers, expected) => {
  expect(qosClass({ containers })).toBe(expected);
});

test("init containers count", () => {
  expect(qosClass({ initContainers: [container()], containers: [container({}, full)] })).toBe("Burstable");
  expect(qosClass({ initContainers: [container({}, full)], containers: [container()] })).toBe("Burstable");
});
