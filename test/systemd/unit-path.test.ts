import { expect, test } from "bun:test";
import fc from "fast-check";
import type { UnitName } from "../../src/pod/names.ts";
import { unitOfPath, unitPath } from "../../src/systemd/unit-path.ts";

test.each([
  ["dbus.service", "/org/freedesktop/systemd1/unit/dbus_2eservice"],
  ["gantry-1a.slice", "/org/freedesktop/systemd1/unit/gantry_2d1a_2eslice"],
  ["1a_b@ü.service", "/org/freedesktop/systemd1/unit/_31a_5fb_40_c3_bc_2eservice"],
])("%p is %p", (unit, path) => {
  expect(unitPath(unit as UnitName)).toBe(path);
});

test("every unit comes back from its path", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (unit) => {
      expect(unitOfPath(unitPath(unit as UnitName))).toBe(unit as UnitName);
    }),
  );
});

test("a path that is no unit's has none", () => {
  expect(unitOfPath("/org/freedesktop/systemd1/job/12")).toBeUndefined();
  expect(unitOfPath("/org/freedesktop/systemd1/unit/a_zz")).toBeUndefined();
});
