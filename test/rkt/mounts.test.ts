import { expect, test } from "bun:test";
import { appMountPoints, hostVolumes, podVolumes } from "../../src/rkt/mounts.ts";
import vectors from "./fixtures/convert-mounts.json";

interface Mount {
  readonly hostPath: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}

function convert(given: readonly Mount[], image: readonly { name: string; path: string }[] = []) {
  const mounts = given.map((mount) => ({ readOnly: false, propagation: "None" as const, ...mount }));
  const names = hostVolumes(mounts);
  const mountPoints = appMountPoints(image, mounts, names);
  return { mountPoints, volumes: podVolumes(names, mountPoints) };
}

// Different from the kubelet: a volume is marked read-only where all its mounts are, and else not marked, so that each mount point's own
// flag holds. The kubelet marks it as the first mount says, and rkt lets that override all of them.
test.each(vectors)("kubelet: case %#", (vector) => {
  const { mountPoints, volumes } = convert(
    vector.in.map((mount) => ({
      hostPath: mount.HostPath,
      mountPath: mount.ContainerPath,
      readOnly: mount.ReadOnly,
    })),
  );
  const hostPaths = new Map(volumes.map(({ name, source }) => [name, source]));
  expect(mountPoints.map((point) => ({ ...point, name: `vol(${hostPaths.get(point.name)})` }))).toEqual(
    (vector["mountPoints(unordered)"] ?? []) as never,
  );
  expect(volumes.map(({ kind, source }) => ({ kind, source }))).toEqual(
    (vector["volumes(unordered)"] ?? []).map(({ kind, source }) => ({ kind: kind as "host", source })),
  );
});

test("one volume a host path; it is not read-only when one mount may write, and the mount points keep their flags", () => {
  const mounts = [
    { hostPath: "/h1", mountPath: "/c1", readOnly: true },
    { hostPath: "/h1", mountPath: "/c2" },
  ];
  expect(convert(mounts)).toEqual({
    mountPoints: [
      { name: "gantry-0", path: "/c1", readOnly: true },
      { name: "gantry-0", path: "/c2", readOnly: false },
    ],
    volumes: [{ name: "gantry-0", kind: "host", source: "/h1" }],
  });
});

test("a volume whose every mount is read-only is so itself", () => {
  const mounts = [{ hostPath: "/h1", mountPath: "/c1", readOnly: true }];
  expect(convert(mounts).volumes).toEqual([
    { name: "gantry-0", kind: "host", source: "/h1", readOnly: true },
  ]);
});

test("of two mounts at one path the first counts", () => {
  const mounts = [
    { hostPath: "/h1", mountPath: "/c1" },
    { hostPath: "/h2", mountPath: "/c1" },
  ];
  expect(convert(mounts)).toEqual({
    mountPoints: [{ name: "gantry-0", path: "/c1", readOnly: false }],
    volumes: [{ name: "gantry-0", kind: "host", source: "/h1" }],
  });
});

test("the image's mount points are replaced by path, and get no volume of ours by their name", () => {
  const image = [
    { name: "data", path: "/data" },
    { name: "logs", path: "/logs" },
  ];
  expect(convert([{ hostPath: "/h1", mountPath: "/data" }], image)).toEqual({
    mountPoints: [
      { name: "logs", path: "/logs" },
      { name: "gantry-0", path: "/data", readOnly: false },
    ],
    volumes: [{ name: "gantry-0", kind: "host", source: "/h1" }],
  });
});
