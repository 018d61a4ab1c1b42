// The variables of a container: every source, and the kubelet's words where there is none.

import { describe, expect, test } from "bun:test";
import type { ConfigObjects } from "../../src/pod/config-objects.ts";
import type { Container, EnvFrom, EnvSource, Pod } from "../../src/pod/pod.ts";
import { environmentOf } from "../../src/runtime/environment.ts";
import { envVar, plainContainer } from "../plain-pod.ts";
import { basePod } from "../reconcile/base-world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const data = new Map([
  ["GREETING", bytes("hello $(NAME)")],
  ["log.level", bytes("debug")],
  ["binary", Uint8Array.of(0xff, 0xfe)],
  ["nul", bytes("a\0b")],
]);
const objects: ConfigObjects = {
  configMaps: new Map([["default/settings", { namespace: "default", name: "settings", data }]]),
  secrets: new Map([
    [
      "default/keys",
      { namespace: "default", name: "keys", type: "Opaque", data: new Map([["token", bytes("s3cret")]]) },
    ],
    ["other/foreign", { namespace: "other", name: "foreign", type: "Opaque", data }],
  ]),
};
const machine = { hostIP: "192.0.2.1", cpuMilli: 2000, memoryBytes: 4 * 1024 ** 3 };

const pod: Pod = {
  ...basePod(),
  labels: { app: "web", "example.com/tier": "front" },
  annotations: { note: "x" },
  wire: { spec: { serviceAccountName: "robot" } },
};

function environment(change: Partial<Container>, inPod = pod) {
  return environmentOf(inPod, { ...plainContainer, ...change }, { objects, machine });
}

function resolved(source: EnvSource, change: Partial<Container> = {}, inPod = pod) {
  return environment({ env: [{ name: "X", source }], ...change }, inPod).variables;
}

test("a value is expanded later, and no other source's", () => {
  const { variables } = environment({
    env: [
      envVar("A", "$(B)"),
      { name: "B", source: { kind: "configMapKey", name: "settings", key: "GREETING", optional: false } },
    ],
  });
  expect(variables).toEqual([
    { name: "A", value: "$(B)", isLiteral: false },
    { name: "B", value: "hello $(NAME)", isLiteral: true },
  ]);
});

test.each([
  ["metadata.name", "web"],
  ["metadata.namespace", "default"],
  ["metadata.uid", "uid-web"],
  ["metadata.labels['app']", "web"],
  ["metadata.labels['example.com/tier']", "front"],
  ["metadata.labels['missing']", ""],
  ["metadata.annotations['note']", "x"],
  ["spec.nodeName", "node"],
  ["spec.serviceAccountName", "robot"],
  ["status.hostIP", "192.0.2.1"],
  ["status.podIP", "192.0.2.1"],
  ["status.podIPs", "192.0.2.1"],
])("field %s is %p", (fieldPath, value) => {
  expect(resolved({ kind: "field", fieldPath })).toEqual([{ name: "X", value, isLiteral: true }]);
});

test("the address of a pod with a network of its own is not known yet", () => {
  const own = { ...pod, spec: { ...pod.spec, hostNetwork: false } };
  const source = { kind: "field", fieldPath: "status.podIP" } as const;
  expect(resolved(source, {}, own)).toEqual([{ name: "X", value: undefined, isLiteral: true }]);
});

describe("a container's resources", () => {
  const resources = {
    ...plainContainer.resources,
    cpu: { request: "250m", limit: "1500m" },
    memory: { request: "64Mi", limit: "100M" },
  };
  const resource = (
    name: "limits.cpu" | "limits.memory" | "requests.cpu" | "requests.memory",
    divisorMilli = 1000,
  ) => ({ kind: "resource", containerName: "", resource: name, divisorMilli }) as const;

  test.each([
    ["in whole cores, rounded up", resource("limits.cpu"), "2"],
    ["in thousandths of a core", resource("limits.cpu", 1), "1500"],
    ["asked for", resource("requests.cpu", 1), "250"],
    ["in bytes", resource("limits.memory"), "100000000"],
    ["in MiB, rounded up", resource("limits.memory", 1024 ** 2 * 1000), "96"],
    ["in KiB", resource("requests.memory", 1024 * 1000), "65536"],
  ])("%s", (_name, source, value) => {
    expect(resolved(source, { resources })).toMatchObject([{ value }]);
  });

  test.each([
    [resource("limits.cpu"), "2"],
    [resource("limits.memory"), String(4 * 1024 ** 3)],
    [resource("requests.cpu"), "0"],
    [resource("requests.memory"), "0"],
  ])("not given: %p is %p", (source, value) => {
    expect(resolved(source)).toMatchObject([{ value }]);
  });

  test("of another container, by its name", () => {
    const spec = { ...pod.spec, containers: [{ ...plainContainer, name: "other", resources }] };
    const source = { ...resource("limits.cpu", 1), containerName: "other" };
    expect(resolved(source, {}, { ...pod, spec })).toMatchObject([{ value: "1500" }]);
  });
});

describe("what is not there", () => {
  const key = (kind: "configMapKey" | "secretKey", name: string, optional = false) =>
    ({ kind, name, key: "nope", optional }) as const;

  test.each([
    ['configmap "gone" not found', { env: [{ name: "X", source: key("configMapKey", "gone") }] }],
    ['secret "gone" not found', { env: [{ name: "X", source: key("secretKey", "gone") }] }],
    [
      "couldn't find key nope in ConfigMap default/settings",
      { env: [{ name: "X", source: key("configMapKey", "settings") }] },
    ],
    [
      "couldn't find key nope in Secret default/keys",
      { env: [{ name: "X", source: key("secretKey", "keys") }] },
    ],
    ['secret "foreign" not found', { env: [{ name: "X", source: key("secretKey", "foreign") }] }],
    ['configmap "gone" not found', { envFrom: [from("configMap", "gone")] }],
    ['secret "gone" not found', { envFrom: [from("secret", "gone")] }],
  ])("%s", (message, change) => {
    expect(() => environment(change)).toThrow(
      expect.objectContaining({ reason: "CreateContainerConfigError", message }),
    );
  });

  test("but optional makes no variable", () => {
    const env = [
      { name: "A", source: key("configMapKey", "gone", true) },
      { name: "B", source: key("secretKey", "keys", true) },
    ];
    const envFrom = [{ ...from("configMap", "gone"), optional: true }];
    expect(environment({ env, envFrom })).toEqual({ variables: [], notes: [] });
  });
});

test.each(["binary", "nul"])("a value that is no text (%s) is an error that does not show it", (key) => {
  const source = { kind: "configMapKey", name: "settings", key, optional: false } as const;
  expect(() => resolved(source)).toThrow(`key ${key} in ConfigMap default/settings is no text`);
});

test("envFrom comes first, in order of the keys; what is no name of a variable is left out with a note", () => {
  const text = { ...objects, configMaps: new Map(objects.configMaps) };
  text.configMaps.set("default/settings", {
    namespace: "default",
    name: "settings",
    data: new Map([
      ["log.level", bytes("debug")],
      ["B", bytes("2")],
      ["A", bytes("1")],
      ["9", bytes("9")],
    ]),
  });
  const container = {
    ...plainContainer,
    env: [envVar("A", "own")],
    envFrom: [from("configMap", "settings"), { ...from("secret", "keys"), prefix: "KEY_" }],
  };
  expect(environmentOf(pod, container, { objects: text, machine })).toEqual({
    variables: [
      { name: "A", value: "1", isLiteral: true },
      { name: "B", value: "2", isLiteral: true },
      { name: "KEY_token", value: "s3cret", isLiteral: true },
      { name: "A", value: "own", isLiteral: false },
    ],
    notes: [
      "Keys [9, log.level] from the EnvFrom configMap default/settings were skipped since they are considered invalid environment variable names.",
    ],
  });
});

function from(kind: EnvFrom["kind"], name: string): EnvFrom {
  return { kind, name, prefix: "", optional: false };
}
