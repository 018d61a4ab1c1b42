// What annotations of ours ask for; what is wrong with them is in fixtures/bad.

import { expect, test } from "bun:test";
import { parseDuration } from "../../src/manifest/duration.ts";
import { plainLife } from "../plain-pod.ts";
import { minimalPod, podFrom } from "./pod-manifest.ts";

function lifeWith(annotations: Readonly<Record<string, string>>) {
  return podFrom(minimalPod(`web\n  annotations: ${JSON.stringify(annotations)}`)).life;
}

test("nothing asked for", () => {
  expect(lifeWith({})).toEqual(plainLife);
});

test.each<[Readonly<Record<string, string>>, number, number]>([
  [{ "gantry.io/restart-backoff": "1s" }, 1000, 300_000],
  [{ "gantry.io/restart-backoff": "1h" }, 3_600_000, 3_600_000],
  [{ "gantry.io/restart-backoff-max": "5s" }, 5000, 5000],
  [{ "gantry.io/restart-backoff-max": "1h" }, 10_000, 3_600_000],
  [{ "gantry.io/restart-backoff": "2s", "gantry.io/restart-backoff-max": "2s" }, 2000, 2000],
])("%j: from %d to %d ms", (annotations, firstMs, maxMs) => {
  expect(lifeWith(annotations).restartBackOff).toEqual({ firstMs, maxMs });
});

test("pods are named as in their manifests or as in the status", () => {
  const { after } = lifeWith({ "gantry.io/after": "a, b-node1,other/c ,other/d-node1" });
  expect(after as readonly string[]).toEqual([
    "default/a-node1",
    "default/b-node1",
    "other/c-node1",
    "other/d-node1",
  ]);
});

test.each<[string, number | undefined]>([
  ["90s", 90_000],
  ["1h2m3s4ms", 3_723_004],
  ["1.5m", 90_000],
  ["0s", 0],
  ["", undefined],
  ["90", undefined],
  ["-1s", undefined],
  ["1 s", undefined],
  ["1d", undefined],
  [".s", undefined],
  ["1s 2s", undefined],
])("%j as a duration", (text, ms) => {
  expect(parseDuration(text)).toBe(ms as number);
});
