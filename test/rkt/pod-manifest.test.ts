import { describe, expect, test } from "bun:test";
import { type ImageId, type PodUid, podKey, type RktUuid, type SpecHash } from "../../src/pod/names.ts";
import type { Container, Pod } from "../../src/pod/pod.ts";
import { allContainersOf, containersStage, type Stage } from "../../src/pod/stage.ts";
import type { Attempt } from "../../src/reconcile/runtime.ts";
import type { AppcImageManifest, AppcPodManifest } from "../../src/rkt/appc.ts";
import type { ResolvedVariable } from "../../src/rkt/environment.ts";
import type { ResolvedMount } from "../../src/rkt/mounts.ts";
import { ownershipOf } from "../../src/rkt/ownership.ts";
import { podManifest } from "../../src/rkt/pod-manifest.ts";
import { PodManifestError } from "../../src/rkt/pod-manifest-error.ts";
import { recording } from "../fakes/recording.ts";
import { plainAttempt, plainContainer } from "../plain-pod.ts";
import graceVectors from "./fixtures/grace-period.json";
import { podOf } from "./pod.ts";
import { mount, variable } from "./resolved.ts";

const id = "sha512-afec53855e9208a62afaa5cec03af213bb4afe866566850cd90576d4fd0a21a4" as ImageId;

/** The image of the kubelet's TestSetApp. */
const image: AppcImageManifest = {
  acKind: "ImageManifest",
  acVersion: "0.8.11",
  name: "example.com/foo",
  labels: [{ name: "version", value: "1.0" }],
  annotations: [
    { name: "appc.io/docker/entrypoint", value: '["/bin/foo"]' },
    { name: "appc.io/docker/cmd", value: '["bar"]' },
  ],
  app: {
    exec: ["/bin/foo", "bar"],
    user: "0",
    group: "0",
    supplementaryGIDs: [4, 5, 6],
    workingDirectory: "/foo",
    environment: [{ name: "env-foo", value: "bar" }],
    mountPoints: [{ name: "mnt-foo", path: "/mnt-foo", readOnly: false }],
    ports: [{ name: "port-foo", protocol: "TCP", port: 4242 }],
    isolators: [{ name: "resource/cpu", value: { request: "100m", limit: "200m" } }],
  },
};

const container: Container = { ...plainContainer, name: "web" };

function pod(...containers: readonly Partial<Container>[]): Pod {
  return podOf({ spec: { containers: containers.map((fields) => ({ ...container, ...fields })) } });
}

/** What is resolved is each container's, the same. */
function manifestOf(
  of: Pod,
  manifest: AppcImageManifest = image,
  resolved: {
    readonly mounts?: readonly ResolvedMount[];
    readonly variables?: readonly ResolvedVariable[];
    readonly attempt?: Partial<Attempt>;
  } = {},
): AppcPodManifest {
  const names = allContainersOf(of.spec).map(({ name }) => name);
  return podManifest({
    pod: of,
    images: new Map(names.map((name) => [name, { id, manifest }])),
    mounts: new Map(names.map((name) => [name, resolved.mounts ?? []])),
    environment: new Map(names.map((name) => [name, resolved.variables ?? []])),
    attempt: { ...plainAttempt, restartCount: 3, backOffMs: 40_000, ...resolved.attempt },
    isBuiltin: true,
    stage1: { name: "", path: "" },
  });
}

test("a container that says nothing leaves the image's app as it is", () => {
  expect(manifestOf(pod({}))).toEqual({
    acVersion: "0.8.11",
    acKind: "PodManifest",
    apps: [
      {
        name: "web",
        image: { name: "example.com/foo", id },
        app: image.app ?? null,
        annotations: [
          { name: "io.kubernetes.container.name", value: "web" },
          { name: "rkt.kubernetes.io/container-hash", value: expect.stringMatching(/^\d+$/) },
        ],
      },
    ],
    volumes: [],
    isolators: [],
    annotations: [
      { name: "gantry.io/managed-by", value: "gantry" },
      { name: "io.kubernetes.pod.uid", value: "0123456789abcdef0123456789abcdef" },
      { name: "io.kubernetes.pod.name", value: "web-node1" },
      { name: "io.kubernetes.pod.namespace", value: "default" },
      { name: "io.kubernetes.container.name", value: "POD" },
      { name: "rkt.kubernetes.io/restart-count", value: "3" },
      { name: "gantry.io/spec-hash", value: "00112233445566778899aabbccddeeff" },
      { name: "gantry.io/manifest", value: "/etc/gantry/manifests/web.yaml" },
      { name: "gantry.io/back-off-ms", value: "40000" },
      { name: "gantry.io/stage", value: "containers" },
      { name: "gantry.io/grace-period", value: "30" },
    ],
    ports: [],
  });
});

test("kubelet's TestSetApp 4: the container overrides command, args, env, mounts and ports", () => {
  const { apps, volumes, ports } = manifestOf(
    pod({
      command: ["/bin/hello", "$(env-foo)"],
      args: ["hello", "world", "$(env-bar)"],
      workingDir: "/x",
      ports: [{ name: "http", containerPort: 80, hostPort: 8080, hostIP: "", protocol: "TCP" }],
    }),
    image,
    {
      mounts: [mount("/srv/data", "/mnt-foo", { readOnly: true })],
      variables: [variable("env-foo", "foo"), variable("env-bar", "bar")],
    },
  );
  expect(apps?.[0]?.app).toEqual({
    ...image.app,
    user: "0",
    group: "0",
    exec: ["/bin/hello", "foo", "hello", "world", "bar"],
    workingDirectory: "/x",
    environment: [
      { name: "env-foo", value: "foo" },
      { name: "env-bar", value: "bar" },
    ],
    mountPoints: [{ name: "gantry-0", path: "/mnt-foo", readOnly: true }],
    ports: [
      { name: "port-foo", protocol: "TCP", port: 4242 },
      { name: "web-http", protocol: "TCP", port: 80 },
    ],
  });
  expect(volumes).toEqual([{ name: "gantry-0", kind: "host", source: "/srv/data", readOnly: true }]);
  expect(ports).toEqual([{ name: "web-http", hostPort: 8080 }]);
});

test("a volume that one container may write and another only read", () => {
  const { apps, volumes } = podManifest({
    pod: pod({ name: "reader" }, { name: "writer" }),
    images: new Map(["reader", "writer"].map((name) => [name, { id, manifest: image }])),
    mounts: new Map([
      ["reader", [mount("/srv/data", "/data", { readOnly: true })]],
      ["writer", [mount("/srv/data", "/data")]],
    ]),
    environment: new Map(),
    attempt: plainAttempt,
    isBuiltin: true,
    stage1: { name: "", path: "" },
  });
  expect(volumes).toEqual([{ name: "gantry-0", kind: "host", source: "/srv/data" }]);
  expect(apps?.map(({ app }) => app?.mountPoints?.at(-1)?.readOnly)).toEqual([true, false]);
});

test("an image that rkt printed", () => {
  const { stdout } = recording("10-fly/054");
  const { apps } = manifestOf(pod({}), JSON.parse(stdout) as AppcImageManifest);
  expect(apps?.[0]).toMatchObject({
    image: { name: "example.com/busybox" },
    app: {
      exec: ["/bin/sh", "-c", "echo hello from busybox; echo oops >&2"],
      environment: [{ name: "PATH", value: "/bin:/usr/bin" }],
      ports: [{ name: "http", protocol: "tcp", port: 8080 }],
    },
  });
});

describe("an image without app", () => {
  const { app: _, annotations: __, ...bare } = image;

  test("runs what the container says, as root", () => {
    const { apps } = manifestOf(pod({ command: ["/bin/true"] }), bare);
    expect(apps?.[0]?.app).toEqual({
      user: "0",
      group: "0",
      exec: ["/bin/true"],
      environment: [],
      mountPoints: [],
      ports: [],
    });
  });

  test("and a container without command cannot be run", () => {
    expect(() => manifestOf(pod({}), bare)).toThrow(
      new PodManifestError("image example.com/foo has no command, and the container gives none"),
    );
  });
});

// A static pod is never given a deletion grace period.
const terminations = graceVectors.filter((vector) => vector.deletionGracePeriodSeconds === null);
test.each(terminations)("kubelet: a grace period of $terminationGracePeriodSeconds", (vector) => {
  const base = pod({});
  const terminationGracePeriodSeconds = vector.terminationGracePeriodSeconds ?? 0;
  const { annotations } = manifestOf({ ...base, spec: { ...base.spec, terminationGracePeriodSeconds } });
  const grace = annotations?.find(({ name }) => name === "gantry.io/grace-period")?.value;
  expect(`${grace}s`).toBe(vector.TimeoutStopSec);
});

const setUp: Stage = { kind: "init", container: "set-up" };
const proxy: Stage = { kind: "sidecar", container: "proxy" };
const networkOf = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid;
const onPort = (hostPort: number) => [
  { name: "", containerPort: 80, hostPort, hostIP: "", protocol: "TCP" as const },
];
const staged = podOf({
  spec: {
    initContainers: [
      { ...container, name: "set-up", ports: onPort(8001), isSidecar: false },
      { ...container, name: "proxy", ports: onPort(8002), isSidecar: true },
    ],
    containers: [{ ...container, ports: onPort(8003) }],
  },
});

test.each<[what: string, attempt: Partial<Attempt>, app: string, ports: readonly number[]]>([
  ["an init container has only its own ports", { stage: setUp }, "set-up", [8001]],
  [
    "the first sidecar has the ports of all, who will join its network",
    { stage: proxy },
    "proxy",
    [8001, 8002, 8003],
  ],
  ["who joins a network has none", { stage: containersStage, networkOf }, "web", []],
  ["containers without a sidecar have their own", { stage: containersStage }, "web", [8003]],
])("of a stage only its containers are run: %s", (_, attempt, name, hostPorts) => {
  const { apps, ports } = manifestOf(staged, image, { attempt });
  expect(apps?.map((app) => app.name)).toEqual([name]);
  expect(ports?.map(({ hostPort }) => hostPort)).toEqual([...hostPorts]);
  const appPorts = apps?.[0]?.app?.ports?.map((port) => port.name) ?? [];
  for (const port of ports ?? []) expect(appPorts).toContain(port.name);
});

describe("ownership", () => {
  test("is read back as it was written", () => {
    expect(ownershipOf(manifestOf(pod({})))).toEqual({
      podUid: "0123456789abcdef0123456789abcdef" as PodUid,
      key: podKey("default", "web-node1"),
      specHash: "00112233445566778899aabbccddeeff" as SpecHash,
      manifest: "/etc/gantry/manifests/web.yaml",
      restartCount: 3,
      backOffMs: 40_000,
      stage: containersStage,
      networkOf: undefined,
    });
  });

  test("of a stage that shares a network, too", () => {
    const attempt = { stage: setUp, networkOf };
    expect(ownershipOf(manifestOf(staged, image, { attempt }))).toMatchObject(attempt);
  });

  test("of an earlier gantry, which knew no stages, is that of all containers in their own network", () => {
    const manifest = manifestOf(pod({}));
    const annotations = manifest.annotations?.filter(({ name }) => name !== "gantry.io/stage") ?? [];
    expect(ownershipOf({ ...manifest, annotations })).toEqual(ownershipOf(manifest));
  });

  test("is nobody's business in a kubelet's pod, or one without annotations", () => {
    const kubelets = JSON.parse(recording("10-fly/115").stdout) as AppcPodManifest;
    expect(ownershipOf(kubelets)).toBeUndefined();
    expect(ownershipOf({ ...kubelets, annotations: null })).toBeUndefined();
  });

  test.each([
    "io.kubernetes.pod.uid",
    "gantry.io/spec-hash",
    "gantry.io/back-off-ms",
    "gantry.io/managed-by",
  ])("is not claimed without %s", (missing) => {
    const manifest = manifestOf(pod({}));
    const annotations = manifest.annotations?.filter(({ name }) => name !== missing) ?? [];
    expect(ownershipOf({ ...manifest, annotations })).toBeUndefined();
    const nonsense = [...annotations, { name: missing, value: "" }];
    expect(ownershipOf({ ...manifest, annotations: nonsense })).toBeUndefined();
  });

  test("is never one that a kubelet would take for its own", () => {
    const names = manifestOf(pod({})).annotations?.map(({ name }) => name);
    expect(names).not.toContain("rkt.kubernetes.io/managed-by-kubelet");
  });
});
