// Images as they come, good and hostile. Nothing may be left of one that is refused.

import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { stat } from "node:fs/promises";
import { ImageStore } from "../../src/engine/image-store.ts";
import { type AciOptions, writeAci } from "../aci.ts";
import { tempDir } from "../temp-dir.ts";

type Entries = NonNullable<AciOptions["entries"]>;

async function importAci(path: string, options: AciOptions = {}) {
  const file = `${path}/image.aci`;
  await writeAci(file, options);
  const store = new ImageStore(`${path}/rkt`);
  const image = await store.import(file);
  return { store, image, root: store.tree(image.id) };
}

async function importError(path: string, file: string): Promise<string> {
  const store = new ImageStore(`${path}/rkt`);
  const error = await store.import(file).then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(readdirSync(`${path}/rkt/cas/tmp`)).toEqual([]);
  expect(readdirSync(`${path}/rkt/cas/trees`)).toEqual([]);
  expect(store.list()).toEqual([]);
  return error?.message.replaceAll(path, "DIR") ?? "no error";
}

describe("a good image", () => {
  test("keeps owners, modes, times, links and attributes", async () => {
    await using dir = await tempDir();
    const { root } = await importAci(dir.path, {
      entries: [
        {
          name: "rootfs/srv",
          type: "directory",
          mode: 0o2750,
          uid: 5,
          gid: 6,
          mtime: new Date(1_000_000_000_000),
        },
        {
          name: "rootfs/srv/ping",
          content: "x",
          mode: 0o4755,
          uid: 7,
          gid: 8,
          mtime: new Date(1_100_000_000_000),
          pax: { "SCHILY.xattr.user.note": "grüße" },
        },
        { name: "rootfs/srv/same", type: "link", linkname: "rootfs/srv/ping" },
        { name: "rootfs/srv/null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 },
        { name: "rootfs/srv/fifo", type: "fifo", mode: 0o600 },
        { name: `rootfs/srv/${"long".repeat(40)}`, content: "y" },
        { name: "rootfs/new/deep/file", content: "z" },
      ],
    });
    const { mode, uid, gid, mtimeMs, nlink, ino } = statSync(`${root}/srv/ping`);
    expect({ mode: mode & 0o7777, uid, gid, mtimeMs, nlink }).toEqual({
      mode: 0o4755,
      uid: 7,
      gid: 8,
      mtimeMs: 1.1e12,
      nlink: 2,
    });
    expect(statSync(`${root}/srv/same`).ino).toBe(ino);
    const directory = statSync(`${root}/srv`);
    expect([directory.mode & 0o7777, directory.uid, directory.gid, directory.mtimeMs]).toEqual([
      0o2750, 5, 6, 1e12,
    ]);
    expect(lstatSync(`${root}/bin/sh`).isSymbolicLink()).toBe(true);
    expect(statSync(`${root}/srv/null`).rdev).toBe(statSync("/dev/null").rdev);
    expect(statSync(`${root}/srv/fifo`).isFIFO()).toBe(true);
    expect(readFileSync(`${root}/srv/${"long".repeat(40)}`, "utf8")).toBe("y");
    expect(readFileSync(`${root}/new/deep/file`, "utf8")).toBe("z");
  });

  test("has one id, however it is packed", async () => {
    await using dir = await tempDir();
    const { image } = await importAci(dir.path, { compression: "none" });
    await Bun.$`xz -k ${dir.path}/image.aci && gzip -k ${dir.path}/image.aci`.quiet();
    const store = new ImageStore(`${dir.path}/rkt`);
    for (const suffix of ["xz", "gz"])
      expect((await store.import(`${dir.path}/image.aci.${suffix}`)).id).toBe(image.id);
    expect(image.size).toBe((await stat(`${dir.path}/image.aci`)).size);
    const digest = new Bun.CryptoHasher("sha512").update(readFileSync(`${dir.path}/image.aci`)).digest("hex");
    expect(image.id as string).toBe(`sha512-${digest.slice(0, 64)}`);
  });

  test("may lead through its own symbolic links, which stay inside", async () => {
    await using dir = await tempDir();
    const { root } = await importAci(dir.path, {
      entries: [
        { name: "rootfs/usr/lib", type: "directory" },
        { name: "rootfs/lib", type: "symlink", linkname: "/usr/lib" },
        { name: "rootfs/lib/a", content: "a" },
        { name: "rootfs/escape", type: "symlink", linkname: `${dir.path}` },
        { name: "rootfs/escape/b", content: "b" },
      ],
    });
    expect(readFileSync(`${root}/usr/lib/a`, "utf8")).toBe("a");
    expect(existsSync(`${dir.path}/b`)).toBe(false);
    expect(readFileSync(`${root}${dir.path}/b`, "utf8")).toBe("b");
  });

  test("replaces what an earlier entry made, and never writes through it", async () => {
    await using dir = await tempDir();
    writeFileSync(`${dir.path}/victim`, "safe");
    const { root } = await importAci(dir.path, {
      entries: [
        { name: "rootfs/file", type: "symlink", linkname: `${dir.path}/victim` },
        { name: "rootfs/file", content: "new" },
      ],
    });
    expect(readFileSync(`${root}/file`, "utf8")).toBe("new");
    expect(readFileSync(`${dir.path}/victim`, "utf8")).toBe("safe");
  });
});

test("regression: an image whose manifest a power cut left empty broke every list", async () => {
  await using dir = await tempDir();
  const { store, image } = await importAci(dir.path);
  writeFileSync(`${dir.path}/rkt/cas/images/${image.id}/manifest`, "");
  expect(store.list()).toEqual([]);
  expect(await store.import(`${dir.path}/image.aci`)).toMatchObject({ id: image.id, label: image.label });
  expect(store.list()).toHaveLength(1);
});

test("regression: a directory replaced by a link gave its time to what that leads to", async () => {
  await using dir = await tempDir();
  mkdirSync(`${dir.path}/victim/sub`, { recursive: true });
  const { mtimeMs } = statSync(`${dir.path}/victim/sub`);
  await importAci(dir.path, {
    entries: [
      { name: "rootfs/a/sub", type: "directory", mtime: new Date(1e12) },
      { name: "rootfs/a", type: "symlink", linkname: `${dir.path}/victim` },
    ],
  });
  expect(statSync(`${dir.path}/victim/sub`).mtimeMs).toBe(mtimeMs);
});

describe("a hostile image", () => {
  const hostile: readonly (readonly [what: string, entries: Entries, message: string])[] = [
    [
      "a path that climbs",
      [{ name: "rootfs/../../etc/x", content: "" }],
      'path "../../etc/x" leads out of the image',
    ],
    [
      "a path beside the root that climbs",
      [{ name: "../x", content: "" }],
      'path "../x" leads out of the image',
    ],
    ["an absolute path", [{ name: "/etc/x", content: "" }], 'path "/etc/x" leads out of the image'],
    [
      "a symbolic link that climbs in the way",
      [
        { name: "rootfs/out", type: "symlink", linkname: "../../../../../../../../tmp" },
        { name: "rootfs/out/x", content: "" },
      ],
      '"out" leads out of the image',
    ],
    [
      "a hard link to the host",
      [{ name: "rootfs/x", type: "link", linkname: "/etc/shadow" }],
      'hard link to "/etc/shadow", which is not in the rootfs',
    ],
    [
      "a hard link that climbs",
      [{ name: "rootfs/x", type: "link", linkname: "rootfs/../../../etc/shadow" }],
      'path "../../../etc/shadow" leads out of the image',
    ],
    [
      "a hard link through a symbolic link",
      [
        { name: "rootfs/etc2", type: "symlink", linkname: "../../../../../../../../etc" },
        { name: "rootfs/x", type: "link", linkname: "rootfs/etc2/shadow" },
      ],
      '"etc2" leads out of the image',
    ],
    [
      "a loop of symbolic links",
      [
        { name: "rootfs/a", type: "symlink", linkname: "b" },
        { name: "rootfs/b", type: "symlink", linkname: "a" },
        { name: "rootfs/a/x", content: "" },
      ],
      '"a": too many symbolic links',
    ],
    [
      "a file in the way",
      [
        { name: "rootfs/f", content: "" },
        { name: "rootfs/f/x", content: "" },
      ],
      '"f" is not a directory',
    ],
  ];
  test.each(hostile)("%s is refused", async (_what, entries, message) => {
    await using dir = await tempDir();
    await writeAci(`${dir.path}/image.aci`, { entries });
    expect(await importError(dir.path, `${dir.path}/image.aci`)).toBe(`DIR/image.aci: ${message}`);
  });
});

describe("a broken image", () => {
  test.each(["gzip", "none"] as const)("cut at any place, packed by %s, is refused", async (compression) => {
    await using dir = await tempDir();
    const file = `${dir.path}/image.aci`;
    await writeAci(file, { compression });
    const whole = readFileSync(file);
    const size = whole.length;
    // Also cut between two entries, and right before the end of the archive is marked.
    for (const length of [size - 1024, size - 512, size - 1, Math.floor(size / 2), 2048, 512 * 3, 700].filter(
      (n) => n < size,
    )) {
      writeFileSync(file, whole.subarray(0, length));
      expect(await importError(dir.path, file)).toMatch(/truncated|unexpected end|no image manifest/);
    }
  });

  test.each([
    ["junk", "junk\n", "DIR/image.aci: not an ACI: neither a tar archive nor one packed by gzip or xz"],
    ["an empty file", "", "DIR/image.aci: not an ACI: neither a tar archive nor one packed by gzip or xz"],
    ["a gzip of junk", Bun.gzipSync(Buffer.alloc(4096, "junk")), "DIR/image.aci: not a tar archive"],
  ])("%s is refused", async (_what, content, message) => {
    await using dir = await tempDir();
    writeFileSync(`${dir.path}/image.aci`, content);
    expect(await importError(dir.path, `${dir.path}/image.aci`)).toBe(message);
  });

  const manifest = { acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/x" };
  test.each([
    ["no JSON", "{", "unexpected end of JSON input"],
    [
      "another kind",
      JSON.stringify({ ...manifest, acKind: "PodManifest" }),
      'missing or bad ACKind (must be "ImageManifest")',
    ],
    ["a bad version", JSON.stringify({ ...manifest, acVersion: "8" }), "SemVer is bad"],
    [
      "a version of the future",
      JSON.stringify({ ...manifest, acVersion: "2.0.0" }),
      "acVersion 2.0.0 is not supported, 0.8.11 is",
    ],
    [
      "a bad name",
      JSON.stringify({ ...manifest, name: "A b" }),
      'ACIdentifier must contain only lower case alphanumeric characters plus "-._~/"',
    ],
    [
      "dependencies",
      JSON.stringify({ ...manifest, dependencies: [{ imageName: "x" }] }),
      "images with dependencies are not supported yet",
    ],
    [
      "a whitelist",
      JSON.stringify({ ...manifest, pathWhitelist: ["/a"] }),
      "images with a pathWhitelist are not supported yet",
    ],
  ])("a manifest with %s is refused", async (_what, text, message) => {
    await using dir = await tempDir();
    await writeAci(`${dir.path}/image.aci`, { manifest: text });
    expect(await importError(dir.path, `${dir.path}/image.aci`)).toBe(message);
  });

  test("a disk that is full", async () => {
    await using dir = await tempDir();
    await writeAci(`${dir.path}/image.aci`);
    await Bun.$`mkdir ${dir.path}/rkt && mount -t tmpfs -o size=1m tmpfs ${dir.path}/rkt`.quiet();
    try {
      expect(await importError(dir.path, `${dir.path}/image.aci`)).toContain("no space left on device");
    } finally {
      await Bun.$`umount ${dir.path}/rkt`.quiet();
    }
  });
});
