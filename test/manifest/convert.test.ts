// Identity and change detection of a Pod, and its defaults.

import { expect, test } from "bun:test";
import { validateFile } from "../../src/manifest/validate-file.ts";
import { minimalPod, options, podFrom } from "./pod-manifest.ts";

const base = minimalPod("web");
const baseHash = podFrom(base).specHash;

test.each([
  ["comments and order", `# hello\n${base}`.replace("kind: Pod\n", "").concat("kind: Pod\n")],
  ["another file format", JSON.stringify(Bun.YAML.parse(base))],
  [
    "a default written out as Go's zero value",
    `${base}      workingDir: ""\n  hostNetwork: false\n  volumes: []\n`,
  ],
  ["labels", base.replace("  name: web\n", "  name: web\n  labels: {a: b}\n")],
])("%s change no spec hash", (_, text) => {
  expect(podFrom(text).specHash).toBe(baseHash);
});

test.each([
  ["the image", base.replace("1.0", "1.1")],
  ["an argument", `${base}      args: [x]\n`],
  ["a grace period of 0", `${base}  terminationGracePeriodSeconds: 0\n`],
])("%s changes the spec hash", (_, text) => {
  expect(podFrom(text).specHash).not.toBe(baseHash);
});

test("the uid depends on the file, the node and all that is written", () => {
  const pods = [
    podFrom(base),
    podFrom(base, "/m/other.yaml"),
    podFrom(base.replace("  name: web\n", "  name: web\n  labels: {a: b}\n")),
    validateFile("/m/web.yaml", base, { ...options, nodeName: "node2" }).content.pods[0],
  ];
  expect(new Set(pods.map((pod) => pod?.uid)).size).toBe(4);
  expect(pods[0]?.uid).toMatch(/^[0-9a-f]{32}$/);
});

test.each([
  ["app", "Always"],
  ["app:latest", "Always"],
  ["example.com:5000/app", "Always"],
  ["example.com:5000/app:1.0", "IfNotPresent"],
  ["docker://app:1.0", "IfNotPresent"],
  ["app@sha256:0123", "IfNotPresent"],
  ["app:latest@sha256:0123", "IfNotPresent"],
])("the pull policy of %s is %s", (image, policy) => {
  expect(podFrom(minimalPod("web", image)).spec.containers[0]?.imagePullPolicy).toBe(policy as "Always");
});

test.each([
  ["/data", "/data"],
  ["/data/", "/data"],
  ["data", "/data"],
  ["//data/./x//", "/data/x"],
  ["/", "/"],
])("mountPath %s is %s", (written, path) => {
  const volume = `      volumeMounts: [{name: a, mountPath: ${written}}]\n  volumes: [{name: a}]\n`;
  expect(podFrom(base + volume).spec.containers[0]?.volumeMounts[0]?.mountPath).toBe(path);
});
