import { describe, expect, test } from "bun:test";
import { checkSystemdVersion, systemdMajor } from "../../src/systemd/version.ts";

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
