import { expect, test } from "bun:test";
import { limitEntries, parseQuantity } from "../../src/engine/limits.ts";
import type { AppcIsolator } from "../../src/rkt/appc.ts";

test.each([
  ["50m", 0.05],
  ["64M", 64e6],
  ["64Mi", 64 * 2 ** 20],
  ["1e3", 1000],
  ["1.5", 1.5],
  ["2E", 2e18],
  [".5", 0.5],
  ["", undefined],
  ["lots", undefined],
  ["1X", undefined],
])("%p is %p", (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

const isolator = (name: string, value: object): AppcIsolator => ({
  name: `resource/${name}`,
  value: { ...value } as never,
});

test.each([
  ["nothing", [], []],
  [
    "memory",
    [isolator("memory", { limit: "64Mi", request: "64Mi" })],
    [
      ["MemoryMax", "67108864"],
      ["MemorySwapMax", "0"],
    ],
  ],
  ["half a core", [isolator("cpu", { limit: "500m" })], [["CPUQuota", "50%"]]],
  [
    "next to nothing",
    [isolator("cpu", { limit: "1u", request: "1m" })],
    [
      ["CPUQuota", "0.01%"],
      ["CPUWeight", "1"],
      ["CPUShares", "2"],
    ],
  ],
  [
    "a request alone",
    [isolator("cpu", { request: "2" })],
    [
      ["CPUWeight", "79"],
      ["CPUShares", "2048"],
    ],
  ],
  [
    "a request for more than there is",
    [isolator("cpu", { request: "1000" })],
    [
      ["CPUWeight", "10000"],
      ["CPUShares", "262144"],
    ],
  ],
  ["nulls", [isolator("cpu", { limit: null, request: null })], []],
])("%s", (_what, isolators, expected) => {
  expect(limitEntries({ user: "0", group: "0", isolators }, 252)).toEqual(expected as never);
});

test("systemd 258 knows no shares", () => {
  const isolators = [isolator("cpu", { request: "500m" })];
  expect(limitEntries({ user: "0", group: "0", isolators }, 258)).toEqual([["CPUWeight", "20"]]);
});

test("a limit that is too small to start in is an error", () => {
  expect(() =>
    limitEntries({ user: "0", group: "0", isolators: [isolator("memory", { limit: "4Mi" })] }, 252),
  ).toThrow("a memory limit of 4194304 bytes is not enough to start in, at least 8388608 are");
});
