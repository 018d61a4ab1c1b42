import { describe, expect, test } from "bun:test";
import type { ImageId } from "../../src/pod/names.ts";
import { findImage, type ImageName, parseImageName } from "../../src/rkt/image-name.ts";
import type { RktImage } from "../../src/rkt/rkt-image.ts";
import vectors from "./fixtures/parse-image-name.json";

describe("docker names", () => {
  // Different from the kubelet: it refuses `docker://busybox`, which is rkt's way to write one.
  test.each(vectors.filter((vector) => !vector.in.startsWith("docker://")))('kubelet: "$in"', (vector) => {
    const name = parseImageName(vector.in);
    if (vector.err !== null) expect(name).toEqual({ kind: "invalid", message: vector.err });
    else {
      const { repo: repository, tag, digest } = vector;
      expect(name).toMatchObject({ kind: "docker", repository, tag, digest });
    }
  });

  test.each([
    ["busybox", "docker://busybox:latest"],
    ["docker://busybox", "docker://busybox:latest"],
    ["docker://quay.io:443/coreos/etcd:v3", "docker://quay.io:443/coreos/etcd:v3"],
    [`a/b:t@sha256:${"0".repeat(64)}`, `docker://a/b@sha256:${"0".repeat(64)}`],
  ])("%s is fetched as %s", (image, location) => {
    expect(parseImageName(image)).toMatchObject({ kind: "docker", location });
  });

  test.each([
    "BusyBox",
    "busybox:",
    "-a",
    "a:b:c",
    "a b",
    "docker://",
    "docker://Bad:Ref:x",
    "busybox@sha256:12",
  ])('"%s" is none', (image) => {
    expect(parseImageName(image)).toMatchObject({ kind: "invalid" });
  });

  test("a repository has at most 255 characters", () => {
    expect(parseImageName("a".repeat(255))).toMatchObject({ kind: "docker" });
    expect(parseImageName("a".repeat(256))).toEqual({
      kind: "invalid",
      message: "couldn't parse image name: repository name must not be more than 255 characters",
    });
  });

  test("a hostile name is refused at once", () => {
    const start = performance.now();
    for (const image of [`${"a-".repeat(100_000)}!`, `${"a".repeat(700)}!`, `${"a.".repeat(350)}!`])
      expect(parseImageName(image)).toMatchObject({ kind: "invalid" });
    expect(performance.now() - start).toBeLessThan(500);
  });
});

test.each<[string, ReturnType<typeof parseImageName>]>([
  ["/srv/app.aci", { kind: "file", location: "/srv/app.aci", path: "/srv/app.aci" }],
  ["file:///srv/app.aci", { kind: "file", location: "/srv/app.aci", path: "/srv/app.aci" }],
  ["oci:/srv/app:1.0", { kind: "file", location: "oci:/srv/app:1.0", path: "/srv/app/index.json" }],
  ["oci-archive:/srv/app.tar", { kind: "file", location: "oci-archive:/srv/app.tar", path: "/srv/app.tar" }],
  [
    "docker-archive:/srv/app.tar:app:1",
    { kind: "file", location: "docker-archive:/srv/app.tar:app:1", path: "/srv/app.tar" },
  ],
  ["https://example.com/app.aci", { kind: "url", location: "https://example.com/app.aci" }],
  [
    "file://app.aci",
    { kind: "invalid", message: "couldn't parse image name: a file URL needs an absolute path" },
  ],
  [
    "https://example.com",
    { kind: "invalid", message: "couldn't parse image name: a URL needs a host and a path" },
  ],
])("%s", (image, name) => {
  expect(parseImageName(image)).toEqual(name);
});

describe("what the store has", () => {
  const id = (digit: string) => `sha512-${digit.repeat(64)}` as ImageId;
  const image = (digit: string, name: string, version: string, importedAtMs = 0): RktImage => ({
    id: id(digit),
    name,
    version,
    importedAtMs,
    lastUsedAtMs: 0,
    sizeBytes: 0,
  });
  const images = [
    image("1", "example.com/app", "1.0", 1),
    image("2", "example.com/app", "1.0", 3),
    image("3", "example.com/app", "1.0", 2),
    image("4", "quay.io_443/coreos/alpine-sh", "latest"),
    image("5", "registry-1.docker.io/library/busybox", "latest"),
    image("6", "registry-1.docker.io/me/web", "2"),
    image("7", "localhost_5000/a", "latest"),
  ];
  const find = (text: string) => findImage(images, parseImageName(text) as ImageName)?.id;

  test.each([
    ["example.com/app:1.0", "2"],
    ["quay.io:443/coreos/alpine-sh", "4"],
    ["busybox", "5"],
    ["library/busybox:latest", "5"],
    ["docker.io/library/busybox", "5"],
    ["docker://busybox", "5"],
    ["me/web:2", "6"],
    ["localhost:5000/a", "7"],
  ])("%s: the newest import with that name", (name, digit) => {
    expect(find(name)).toBe(id(digit));
  });

  test.each([
    "example.com/app:1.1",
    "example.com/app",
    "busybox:1.35.0",
    "other.example.com/app:1.0",
    "app:1.0",
    "web:2",
    `busybox@sha256:${"0".repeat(64)}`,
    "/srv/app.aci",
    "https://example.com/app.aci",
  ])("%s: no", (name) => {
    expect(find(name)).toBeUndefined();
  });
});
