import { expect, test } from "bun:test";
import {
  formatAge,
  formatDuration,
  formatSize,
  formatTime,
  goJson,
  parseDuration,
} from "../../src/engine/go-text.ts";

const s = 1_000_000_000n;

test.each([
  [0n, "now"],
  [1n, "1 second ago"],
  [12n, "12 seconds ago"],
  [60n, "1 minute ago"],
  [119n, "1 minute ago"],
  [120n, "2 minutes ago"],
  [3600n, "1 hour ago"],
  [86_400n * 13n, "1 week ago"],
  [86_400n * 360n * 40n, "a long while ago"],
])("%d seconds are %s", (seconds, text) => {
  const now = 2_000_000_000n * s;
  expect(formatAge(now - seconds * s, Number(now / 1_000_000n))).toBe(text);
});

test("a time that was never set is long ago", () => {
  expect(formatAge(undefined, 0)).toBe("a long while ago");
});

test.each([
  [1795477679430788378n, "2026-11-23 23:47:59.43 +0000 UTC"],
  [1795477679000788378n, "2026-11-23 23:47:59 +0000 UTC"],
  [1795477671889914515n, "2026-11-23 23:47:51.889 +0000 UTC"],
])("%d ns are %s", (ns, text) => {
  expect(formatTime(ns)).toBe(text);
});

test.each([
  [512, "512B"],
  [2131456, "2.0MiB"],
  [16_777_216, "16MiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test.each([
  ["0s", 0],
  ["30m", 1_800_000],
  ["1h2m3.5s", 3_723_500],
  ["-1s", -1000],
  ["0", 0],
  ["tomorrow", undefined],
  ["5", undefined],
  ["", undefined],
])("the duration %p is %p ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test("durations are printed as Go does", () => {
  expect([0, 5000, 1_800_000, 3_723_000].map(formatDuration)).toEqual(["0s", "5s", "30m0s", "1h2m3s"]);
});

test("JSON keeps nanoseconds exact and escapes as Go does, text that looks like ours too", () => {
  expect(goJson({ at: 1795477679430788378n, text: "a<b>&\u2028", not: "\u00000" }, false)).toBe(
    '{"at":1795477679430788378,"text":"a\\u003cb\\u003e\\u0026\\u2028","not":"\\u00000"}',
  );
});
