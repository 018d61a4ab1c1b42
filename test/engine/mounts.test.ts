import { expect, test } from "bun:test";
import { appMounts } from "../../src/engine/mounts.ts";
import type { AppcApp, AppcPodManifest, AppcRuntimeApp } from "../../src/rkt/appc.ts";

const host = { name: "data", kind: "host", source: "/srv" } as const;
const empty = { name: "scratch", kind: "empty" } as const;
const manifest: AppcPodManifest = {
  acVersion: "0.8.11",
  acKind: "PodManifest",
  apps: null,
  volumes: [host, empty],
};

function mountsOf(app: Partial<AppcRuntimeApp>, points: AppcApp["mountPoints"] = []) {
  const mountPoints = points ?? [];
  return appMounts(manifest, {
    name: "web",
    image: { id: "sha512-0" },
    app: { user: "0", group: "0", mountPoints },
    ...app,
  });
}

test.each([
  [
    "a mount point takes the volume of its name",
    {},
    [{ name: "data", path: "/d" }],
    [{ volume: host, path: "/d", source: "/srv", readOnly: false }],
  ],
  [
    "a read-only mount point",
    {},
    [{ name: "data", path: "/d", readOnly: true }],
    [{ volume: host, path: "/d", source: "/srv", readOnly: true }],
  ],
  [
    "one without a volume gets an empty one",
    {},
    [{ name: "x", path: "/x" }],
    [{ volume: { name: "x", kind: "empty" }, path: "/x", source: undefined, readOnly: false }],
  ],
  [
    "a mount wins over the mount point of its path",
    { mounts: [{ volume: "scratch", path: "/d" }] },
    [{ name: "data", path: "/d" }],
    [{ volume: empty, path: "/d", source: undefined, readOnly: false }],
  ],
  ["no mounts", {}, null, []],
])("%s", (_what, app, points, expected) => {
  expect(mountsOf(app, points)).toEqual(expected.map((mount) => ({ ...mount, isOwn: false })) as never);
});

test("one without a volume keeps what the image has there, if that is docker's", () => {
  const mountPoints = ["data", "other"].map((name) => ({ name, path: `/${name}` }));
  const app = { name: "web", image: { id: "sha512-0" }, app: { user: "0", group: "0", mountPoints } };
  const own = appMounts(manifest, app, "docker").map(({ path, isOwn }) => [path, isOwn]);
  expect(own).toEqual([
    ["/data", false],
    ["/other", true],
  ]);
});

test("a mount of a volume that is not there is an error", () => {
  expect(() => mountsOf({ mounts: [{ volume: "none", path: "/d" }] })).toThrow(
    'app "web" mounts volume "none", which the pod does not have',
  );
});
