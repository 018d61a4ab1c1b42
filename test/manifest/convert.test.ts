// Identity and change detection of a Pod, and its defaults.

import { expect, test } from "bun:test";
import { validateFile } from "../../src/manifest/validate-file.ts";
import type { SpecHash } from "../../src/pod/names.ts";
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
  ["a probe", `${base}      livenessProbe: {tcpSocket: {port: 80}}\n`],
  ["a hook", `${base}      lifecycle: {preStop: {sleep: {seconds: 5}}}\n`],
  ["a deadline", `${base}  activeDeadlineSeconds: 60\n`],
  ["a priority", `${base}  priority: 7\n  priorityClassName: mine\n`],
])("%s change no spec hash", (_, text) => {
  expect(podFrom(text).specHash).toBe(baseHash);
});

test.each([
  ["the image", base.replace("1.0", "1.1")],
  ["an argument", `${base}      args: [x]\n`],
  ["an init container", `${base}  initContainers: [{name: init, image: b}]\n`],
  ["a grace period of 0", `${base}  terminationGracePeriodSeconds: 0\n`],
])("%s changes the spec hash", (_, text) => {
  expect(podFrom(text).specHash).not.toBe(baseHash);
});

// It is in the unit files of pods that run: were it to change, the next gantry would restart every pod.
test("the spec hash stays the same from version to version", () => {
  expect(baseHash).toBe("e97a2deaff4efb7e6c3f6e112456cf04" as SpecHash);
});

test("a sidecar's probe changes no spec hash either", () => {
  const withSidecar = (rest: string) =>
    podFrom(`${base}  initContainers: [{name: a, image: b, restartPolicy: Always${rest}}]\n`).specHash;
  expect(withSidecar(", startupProbe: {tcpSocket: {port: 80}}")).toBe(withSidecar(""));
});

test("what a version that hashed the priority has started keeps its hash, until it is edited", () => {
  const former = "0c378e83164f1ca4a6c575f693bde30a" as SpecHash; // recorded from gantry 0.1.0
  const hashOf = (text: string) =>
    validateFile("/m/web.yaml", text, { ...options, acceptedHashes: new Set([former]) }).content.pods[0]
      ?.specHash;
  const critical = `${base}  priorityClassName: system-node-critical\n`;
  expect(hashOf(critical)).toBe(former);
  expect(hashOf(critical.replace("1.0", "1.1"))).toBe(podFrom(base.replace("1.0", "1.1")).specHash);
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
