import { expect, test } from "bun:test";
import {
  appUnitName,
  isPodUid,
  isRktUuid,
  type PodUid,
  podKey,
  podSliceName,
  podUnitName,
  type RktUuid,
  uuidOfPodUnit,
} from "../../src/pod/names.ts";

const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid;

test("a pod unit is known by its rkt pod, and the other way round", () => {
  expect(podUnitName(uuid)).toBe("gantry-3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11.service" as never);
  expect(uuidOfPodUnit(podUnitName(uuid))).toBe(uuid);
});

test.each([
  appUnitName(uuid, "main"),
  `gantry-${uuid}.scope`,
  `.gantry-${uuid}.service.tmp`,
  `gantry-${uuid.toUpperCase()}.service`,
  "gantry.service",
  "gantry-------------------------------------.service",
])("%s is no pod unit", (name) => {
  expect(uuidOfPodUnit(name)).toBeUndefined();
});

test.each([uuid.toUpperCase(), uuid.slice(1), `${uuid}\n`, ""])("%j is no rkt UUID", (text) => {
  expect(isRktUuid(text)).toBe(false);
});

test.each(["0123456789abcdef0123456789abcdef", "a", "My-Uid_1", "x".repeat(128)])("%s is a uid", (text) => {
  expect(isPodUid(text)).toBe(true);
});

test.each(["", ".", "..", "a/b", "../a", "-a", "a\n", "a.b", "a b", "x".repeat(129)])(
  "%j is no uid",
  (text) => {
    expect(isPodUid(text)).toBe(false);
  },
);

test("a slice does not nest, whatever the uid", () => {
  expect(podSliceName("a-b-c" as PodUid)).toBe("gantry-a_b_c.slice" as never);
});

test("a key is namespace and name", () => {
  expect(podKey("default", "web-node1")).toBe("default/web-node1" as never);
});
