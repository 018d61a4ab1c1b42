// The files of a projected volume: every source, and the kubelet's words where there is none.

import { expect, test } from "bun:test";
import type { ConfigObjects } from "../../src/pod/config-objects.ts";
import type { ProjectedSource } from "../../src/pod/volume.ts";
import { projectedFiles } from "../../src/runtime/projected-files.ts";
import { basePod } from "../reconcile/base-world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const objects: ConfigObjects = {
  configMaps: new Map([
    [
      "default/settings",
      {
        namespace: "default",
        name: "settings",
        data: new Map([
          ["a", bytes("1")],
          ["b", bytes("2")],
        ]),
      },
    ],
  ]),
  secrets: new Map([
    [
      "default/keys",
      {
        namespace: "default",
        name: "keys",
        type: "Opaque",
        data: new Map([["token", Uint8Array.of(0, 255)]]),
      },
    ],
  ]),
};
const machine = { hostIP: "192.0.2.1", cpuMilli: 2000, memoryBytes: 1024 };
const pod = { ...basePod(), labels: { b: "2", a: 'say "hi"\n' }, annotations: { note: "x\ty\\z\x01é" } };

const configMap = {
  kind: "configMap",
  name: "settings",
  items: undefined,
  optional: false,
  defaultMode: 0o644,
} as const;

function files(...sources: readonly ProjectedSource[]) {
  const made = projectedFiles(pod, sources, { objects, machine });
  return Object.fromEntries(
    [...made].map(([path, { content, mode }]) => [path, [Buffer.from(content).toString("latin1"), mode]]),
  );
}

test("every key is a file of its name, whatever it holds", () => {
  expect(files(configMap)).toEqual({ a: ["1", 0o644], b: ["2", 0o644] });
  expect(files({ ...configMap, kind: "secret", name: "keys", defaultMode: 0o600 })).toEqual({
    token: ["\x00\xff", 0o600],
  });
});

test("items choose keys, paths and modes", () => {
  const items = [
    { key: "a", path: "deep/er/one", mode: undefined },
    { key: "a", path: "again", mode: 0o400 },
  ];
  expect(files({ ...configMap, items })).toEqual({ "deep/er/one": ["1", 0o644], again: ["1", 0o400] });
});

test("of two sources with one path the later counts", () => {
  const items = [{ key: "token", path: "a", mode: undefined }];
  expect(files(configMap, { ...configMap, kind: "secret", name: "keys", items })).toEqual({
    a: ["\x00\xff", 0o644],
    b: ["2", 0o644],
  });
});

test("labels and annotations are lines, sorted and quoted as Go does it", () => {
  const field = (fieldPath: string, path: string) =>
    ({ path, mode: undefined, source: { kind: "field", fieldPath } }) as const;
  const items = [
    field("metadata.labels", "labels"),
    field("metadata.annotations", "annotations"),
    field("metadata.labels['b']", "b"),
  ];
  const made = projectedFiles(pod, [{ kind: "downwardAPI", items, defaultMode: 0o444 }], {
    objects,
    machine,
  });
  expect([...made].map(([path, { content }]) => [path, Buffer.from(content).toString()])).toEqual([
    ["labels", 'a="say \\"hi\\"\\n"\nb="2"'],
    ["annotations", 'note="x\\ty\\\\z\\x01é"'],
    ["b", "2"],
  ]);
});

test("a resource is that of the container it names", () => {
  const source = {
    kind: "resource",
    containerName: "main",
    resource: "limits.cpu",
    divisorMilli: 1,
  } as const;
  const downward = {
    kind: "downwardAPI",
    items: [{ path: "cpu", mode: 0o400, source }],
    defaultMode: 0o644,
  } as const;
  expect(files(downward)).toEqual({ cpu: ["2000", 0o400] });
});

test.each([
  ['configmap "gone" not found', { ...configMap, name: "gone" }],
  ['secret "settings" not found', { ...configMap, kind: "secret" as const }],
  [
    "references non-existent config key: c",
    { ...configMap, items: [{ key: "c", path: "c", mode: undefined }] },
  ],
  [
    "references non-existent secret key: c",
    {
      ...configMap,
      kind: "secret" as const,
      name: "keys",
      items: [{ key: "c", path: "c", mode: undefined }],
    },
  ],
])("%s", (message, source) => {
  expect(() => files(source)).toThrow(message);
  expect(files({ ...source, optional: true })).toEqual({});
});
