import { expect, test } from "bun:test";
import { RktOutputError } from "../../src/rkt/rkt-output-error.ts";
import { compareVersions, parseRktVersion, versionProblem } from "../../src/rkt/version.ts";
import { recording } from "../fakes/recording.ts";
import vectors from "./fixtures/versions.json";

test("rkt version", () => {
  expect(parseRktVersion(recording("00-general/001").stdout)).toEqual({ rkt: "1.30.0", appc: "0.8.11" });
  expect(() => parseRktVersion("")).toThrow(RktOutputError);
});

test.each(vectors)("kubelet: $have against $need", ({ have, need, compare }) => {
  expect(compareVersions(have, need)).toBe(compare as -1 | 0 | 1);
});

test.each([
  ["1.2.3+git", "1.2.3", 0],
  ["1.13.0+git", "1.13.0", 0],
  ["1.2.6-alpha", "1.2.6", -1],
  ["1.2.6-alpha", "1.2.5", 1],
  ["1.0.0-alpha.1", "1.0.0-alpha", 1],
  ["1.0.0-alpha.2", "1.0.0-alpha.10", -1],
  ["1.0.0-1", "1.0.0-alpha", -1],
  ["1.0.0-rc", "1.0.0-beta", 1],
  ["1.30", "1.13.0", undefined],
  ["v1.30.0", "1.13.0", undefined],
] as const)("%s against %s", (left, right, order) => {
  expect(compareVersions(left, right)).toBe(order);
});

test("the gate", () => {
  expect(versionProblem("1.30.0")).toBeUndefined();
  expect(versionProblem("1.13.0+git")).toBeUndefined();
  expect(versionProblem("1.9.1")).toBe("rkt 1.9.1 is too old, at least 1.13.0 is needed");
  expect(versionProblem("1.13.0-rc1")).toBe("rkt 1.13.0-rc1 is too old, at least 1.13.0 is needed");
  expect(versionProblem("1.30")).toBe("1.30 is not a version like 1.30.0");
});
