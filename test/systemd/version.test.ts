import { describe, expect, test } from "bun:test";
import {
  checkSystemdVersion,
  engineSystemdMinimum,
  sharedPids,
  systemdMajor,
} from "../../src/systemd/version.ts";

describe("systemdMajor", () => {
  test.each([
    ["219", 219],
    ["252.39-1~deb12u2", 252],
    ["257~rc1", 257],
    ["v252", undefined],
    ["", undefined],
  ])("of %p is %p", (version, major) => {
    expect(systemdMajor(version)).toBe(major);
  });
});

describe("checkSystemdVersion", () => {
  test.each([
    ["219", undefined],
    ["252.39-1~deb12u2", undefined],
    ["218.9", "systemd version(218.9) is too old, requires at least 219"],
    ["unknown", "systemd version(unknown) is not a version"],
  ])("of %p says %p", (version, problem) => {
    expect(checkSystemdVersion(version)).toBe(problem);
  });

  test("takes another minimum", () => {
    expect(checkSystemdVersion("219", 247)).toBe("systemd version(219) is too old, requires at least 247");
  });
});

test("the built-in engine needs a newer one", () => {
  expect(checkSystemdVersion("247.3", engineSystemdMinimum)).toBeUndefined();
  expect(checkSystemdVersion("246", engineSystemdMinimum)).toBe(
    "systemd version(246) is too old, requires at least 247",
  );
});

test("from 257 on pods have process ids of their own", () => {
  expect(sharedPids("252.39-1~deb12u2")).toStartWith("systemd 252 gives a pod no process ids of its own");
  expect(sharedPids("257.9")).toBeUndefined();
});
