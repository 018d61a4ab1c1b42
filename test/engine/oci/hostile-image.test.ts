// Images that lie or want out: refused, with nothing left in the store and nothing changed outside of it.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { makeNode, nodeTypes } from "../../../src/host/libc.ts";
import type { TarEntry } from "../../busybox.ts";
import { type OciLayer, writeOciLayout } from "../../oci-layout.ts";
import { tempDir } from "../../temp-dir.ts";
import { expectEmptyStore } from "../registry/pulling.ts";
import { storeLayers, storeLayout } from "./layered-image.ts";

const file = (name: string, content = ""): TarEntry => ({ name, content });
const link = (name: string, linkname: string): TarEntry => ({ name, type: "link", linkname });
const symlink = (name: string, linkname: string): TarEntry => ({ name, type: "symlink", linkname });
const climb = "../../../../../../../..";

async function refusal(path: string, store: Promise<unknown>): Promise<string> {
  const error = await store.then(
    () => new Error("no error"),
    (reason: Error) => reason,
  );
  expectEmptyStore(path);
  return error.message.replaceAll(/[0-9a-f]{64}/g, "DIGEST");
}

describe("a layer", () => {
  const hostile: readonly (readonly [what: string, entries: readonly TarEntry[], message: string])[] = [
    ["a path that climbs", [file("../../etc/x")], 'path "../../etc/x" leads out of the image'],
    ["an absolute path", [file("/etc/x")], 'absolute path "/etc/x"'],
    [
      "a symbolic link that climbs in the way",
      [symlink("out", `${climb}/tmp`), file("out/x")],
      '"out" leads out of the image',
    ],
    ["a hard link to the host", [link("x", "/etc/shadow")], 'absolute path "/etc/shadow"'],
    [
      "a hard link that climbs",
      [link("x", "../../etc/shadow")],
      'path "../../etc/shadow" leads out of the image',
    ],
    [
      "a hard link through a symbolic link that climbs",
      [symlink("etc", `${climb}/etc`), link("x", "etc/shadow")],
      '"etc" leads out of the image',
    ],
    [
      "a hard link through an absolute symbolic link",
      [symlink("etc", "/etc"), link("x", "etc/shadow")],
      '"etc": too many symbolic links',
    ],
    [
      "a device outside",
      [{ name: "../../dev/x", type: "block-device", devmajor: 8, devminor: 0 }],
      'path "../../dev/x" leads out of the image',
    ],
    ["a whiteout of the root", [file(".wh.")], 'whiteout ".wh." of a directory that it does not lie in'],
    [
      "a whiteout of the directory itself",
      [file("a/.wh..")],
      'whiteout "a/.wh.." of a directory that it does not lie in',
    ],
    [
      "a whiteout of the directory above",
      [file("a/.wh...")],
      'whiteout "a/.wh..." of a directory that it does not lie in',
    ],
    ["a whiteout outside", [file("../.wh.x")], 'path "../x" leads out of the image'],
    [
      "a whiteout through a symbolic link",
      [symlink("out", `${climb}/tmp`), file("out/.wh.x")],
      '"out" leads out of the image',
    ],
    ["an opaque directory outside", [file("../.wh..wh..opq")], 'path "../" leads out of the image'],
    ["a file in the way", [file("f"), file("f/x")], '"f" is not a directory'],
    [
      "a hard link to what a lower layer has",
      [link("x", "bin/sh")],
      'hard link to "bin/sh", which is not in the archive',
    ],
  ];
  test.each(hostile)("%s is refused", async (_what, entries, message) => {
    await using dir = await tempDir();
    const layers: readonly OciLayer[] = [{ entries: [file("bin/sh")] }, { entries }];
    expect(await refusal(dir.path, storeLayers(dir.path, layers))).toBe(`layer sha256:DIGEST: ${message}`);
  });

  test("absolute symbolic links stay inside, of one layer and of all", async () => {
    await using dir = await tempDir();
    const victim = `${dir.path}/victim`;
    writeFileSync(victim, "safe");
    await storeLayers(dir.path, [
      { entries: [symlink("out", dir.path), symlink("file", victim), file("out/new")] },
      { entries: [file("out/victim", "evil"), file("file", "evil")] },
    ]);
    expect(readFileSync(victim, "utf8")).toBe("safe");
    expect(existsSync(`${dir.path}/new`)).toBe(false);
  });
});

test("regression: a device in place of a document was opened, which some devices act on", async () => {
  await using dir = await tempDir();
  mkdirSync(`${dir.path}/layout`);
  makeNode(`${dir.path}/layout/index.json`, nodeTypes.character | 0o600, 240, 77);
  expect(await refusal(dir.path, storeLayout(dir.path, `${dir.path}/layout`))).toBe("index.json: not a file");
});

describe("a bomb", () => {
  const limits = { bytesMax: 1_000_000, entriesMax: 100, nameBytesMax: 20_000 };

  test.each(["gzip", "zstd"] as const)("of zeros, packed by %s", async (compression) => {
    await using dir = await tempDir();
    const entries = Array.from({ length: 50 }, (_, index) => file(`zeros${index}`, "\0".repeat(100_000)));
    const stored = storeLayers(dir.path, [{ entries, compression }], { limits });
    expect(await refusal(dir.path, stored)).toBe("image unpacks to more than 1000000 bytes");
  });

  test("in several layers, each of which is small enough", async () => {
    await using dir = await tempDir();
    const layers = ["a", "b", "c"].map((name) => ({ entries: [file(name, "\0".repeat(400_000))] }));
    expect(await refusal(dir.path, storeLayers(dir.path, layers, { limits }))).toBe(
      "image unpacks to more than 1000000 bytes",
    );
  });

  test("of nothing but names", async () => {
    await using dir = await tempDir();
    const deep = [{ entries: [file("a/".repeat(101))] }];
    const wide = [{ entries: Array.from({ length: 101 }, (_, index) => file(`${index}`)) }];
    for (const layers of [deep, wide])
      expect(await refusal(dir.path, storeLayers(dir.path, layers, { limits }))).toBe(
        "image has more than 100 entries",
      );
    const long = [{ entries: Array.from({ length: 90 }, (_, index) => file(`${"x".repeat(250)}${index}`)) }];
    expect(await refusal(dir.path, storeLayers(dir.path, long, { limits }))).toBe(
      "image has paths of more than 20000 bytes",
    );
  });
});

describe("documents", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: 10 };
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size: 10 };
  const image = { schemaVersion: 2, config, layers: [layer] };

  async function manifestError(manifest: unknown): Promise<string> {
    await using dir = await tempDir();
    const layout = `${dir.path}/layout`;
    const content = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
    const own = new Bun.CryptoHasher("sha256").update(content).digest("hex");
    await Bun.write(`${layout}/blobs/sha256/${own}`, content);
    const descriptor = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: `sha256:${own}`,
      size: content.length,
    };
    await Bun.write(`${layout}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }));
    return await refusal(dir.path, storeLayout(dir.path, layout));
  }

  const cases: readonly (readonly [what: string, manifest: unknown, message: string])[] = [
    ["no JSON", "{", "manifest is not JSON"],
    ["no object", [], "manifest is no JSON object"],
    ["another schema", { ...image, schemaVersion: 3 }, "no image manifest: schemaVersion is not 2"],
    [
      "Docker's schema 1",
      { schemaVersion: 1, fsLayers: [] },
      "manifest of Docker's schema 1, which is not supported: push the image anew",
    ],
    ["an image and an index at once", { ...image, manifests: [] }, "neither an image manifest nor an index"],
    [
      "an image that says it is an index",
      { ...image, mediaType: "application/vnd.oci.image.index.v1+json" },
      "manifest is not of the type that it says, application/vnd.oci.image.index.v1+json",
    ],
    ["no config", { ...image, config: undefined }, "config is not described"],
    [
      "something else than an image",
      { ...image, config: { ...config, mediaType: "application/vnd.cncf.helm.config.v1+json" } },
      'not a container image: its config is "application/vnd.cncf.helm.config.v1+json"',
    ],
    [
      "a large config",
      { ...image, config: { ...config, size: 8_388_609 } },
      "config is larger than 8388608 bytes",
    ],
    [
      "a digest that is a path",
      { ...image, layers: [{ ...layer, digest: "sha256:../../../../etc/shadow" }] },
      'layer has no usable digest: "sha256:../../../../etc/shadow"',
    ],
    [
      "an unknown digest",
      { ...image, layers: [{ ...layer, digest: "md5:00" }] },
      'layer has no usable digest: "md5:00"',
    ],
    ["a negative size", { ...image, layers: [{ ...layer, size: -1 }] }, "layer has no usable size: -1"],
    [
      "an encrypted layer",
      { ...image, layers: [{ ...layer, mediaType: `${layer.mediaType}+encrypted` }] },
      'layer of unsupported type "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"',
    ],
    ["a config that is not there", image, "blobs/sha256/DIGEST: no such file or directory"],
  ];
  test.each(cases)("%s", async (_what, manifest, message) => {
    expect(await manifestError(manifest)).toBe(message);
  });

  async function tamperedError(change: (config: Record<string, unknown>) => void): Promise<string> {
    await using dir = await tempDir();
    await writeOciLayout(`${dir.path}/layout`, [{ tag: "1", layers: [{ entries: [file("x")] }] }]);
    const read = (name: string) =>
      JSON.parse(readFileSync(`${dir.path}/layout/blobs/${name.replace(":", "/")}`, "utf8"));
    const write = async (json: object) => {
      const content = JSON.stringify(json);
      const hex = new Bun.CryptoHasher("sha256").update(content).digest("hex");
      await Bun.write(`${dir.path}/layout/blobs/sha256/${hex}`, content);
      return { digest: `sha256:${hex}`, size: content.length };
    };
    const index = JSON.parse(readFileSync(`${dir.path}/layout/index.json`, "utf8"));
    const manifest = read(index.manifests[0].digest);
    const changed = read(manifest.config.digest);
    change(changed);
    Object.assign(manifest.config, await write(changed));
    Object.assign(index.manifests[0], await write(manifest));
    await Bun.write(`${dir.path}/layout/index.json`, JSON.stringify(index));
    return await refusal(dir.path, storeLayout(dir.path, `${dir.path}/layout`));
  }

  test.each<[string, (config: Record<string, unknown>) => void, string]>([
    [
      "a layer that is another one when unpacked",
      (json) => Object.assign(json, { rootfs: { diff_ids: [digest] } }),
      `unpacked layer sha256:DIGEST is not what its digest says: sha256:DIGEST was asked for, sha256:DIGEST came`,
    ],
    [
      "fewer layers in the config",
      (json) => Object.assign(json, { rootfs: { diff_ids: [] } }),
      "manifest has 1 layers, its config has 0",
    ],
    ["no layers in the config", (json) => delete json.rootfs, "config does not say which layers there are"],
    [
      "another machine",
      (json) => Object.assign(json, { architecture: "s390x" }),
      "image is for linux/s390x, this machine is linux/amd64",
    ],
    [
      "another system",
      (json) => Object.assign(json, { os: "windows" }),
      "image is for windows/amd64, this machine is linux/amd64",
    ],
    [
      "a command that is no list",
      (json) => Object.assign(json, { config: { Cmd: "sh" } }),
      "config: Cmd is not a list of texts",
    ],
    [
      "an argument with a NUL",
      (json) => Object.assign(json, { config: { Cmd: ["a\0b"] } }),
      "exec must be a string without NUL",
    ],
  ])("a config with %s", async (_what, change, message) => {
    expect((await tamperedError(change)).replaceAll(/\b(arm64|amd64)\b/g, "amd64")).toBe(message);
  });
});
