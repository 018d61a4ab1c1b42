// Layers upon each other are what the image's author saw: kinds of files, whiteouts, opaque directories, owners and modes.

import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { TarEntry } from "../../busybox.ts";
import type { OciLayer } from "../../oci-layout.ts";
import { tempDir } from "../../temp-dir.ts";
import { mounted, storeLayers } from "./layered-image.ts";

const dir = (name: string, more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  type: "directory",
  mode: 0o755,
  ...more,
});
const file = (name: string, content = name): TarEntry => ({ name, content, mode: 0o644 });
const layers = (...all: readonly (readonly TarEntry[])[]): readonly OciLayer[] =>
  all.map((entries) => ({ entries }));

/** Every path with what is there: a file's content, or its kind. */
function listing(root: string, below = ""): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root + below).sort()) {
    const path = `${below}/${name}`;
    const stat = lstatSync(root + path);
    if (stat.isDirectory()) Object.assign(found, { [path]: "directory" }, listing(root, path));
    else if (stat.isSymbolicLink()) found[path] = `→ ${readlinkSync(root + path)}`;
    else found[path] = stat.isFile() ? readFileSync(root + path, "utf8") : "special";
  }
  return found;
}

async function shown(...all: readonly (readonly TarEntry[])[]): Promise<Readonly<Record<string, string>>> {
  await using temp = await tempDir();
  using app = mounted(await storeLayers(temp.path, layers(...all)), temp.path);
  return listing(app.root);
}

describe("what a layer hides", () => {
  const base = [dir("a"), file("a/one"), file("a/two"), dir("a/deep"), file("a/deep/x"), file("top")];

  test("a whiteout: a file, a directory with all in it, and nothing else", async () => {
    expect(await shown(base, [file("a/.wh.one", ""), file("a/.wh.deep", ""), file(".wh.top", "")])).toEqual({
      "/a": "directory",
      "/a/two": "a/two",
    });
  });

  test("an opaque directory: what lower layers have there, not what its own layer has", async () => {
    const upper = [dir("a"), file("a/.wh..wh..opq", ""), file("a/three")];
    expect(await shown(base, upper)).toEqual({ "/a": "directory", "/a/three": "a/three", "/top": "top" });
    expect(await shown(base, upper.toReversed())).toMatchObject({ "/a/three": "a/three", "/top": "top" });
  });

  test("an opaque root hides all layers below", async () => {
    expect(await shown(base, [file(".wh..wh..opq", ""), file("new")], [file("newer")])).toEqual({
      "/new": "new",
      "/newer": "newer",
    });
  });

  test("what a layer has itself is not hidden by its own whiteout, whichever comes first", async () => {
    const whiteout = file("a/.wh.deep", "");
    const own = [dir("a/deep"), file("a/deep/own")];
    for (const upper of [
      [whiteout, ...own],
      [...own, whiteout],
      [whiteout, file("a/deep/own")],
    ]) {
      const found = await shown(base, upper);
      expect(found["/a/deep/own"]).toBe("a/deep/own");
      expect(found["/a/deep/x"]).toBeUndefined();
    }
    expect((await shown(base, [file("a/.wh.one", ""), file("a/one", "new")]))["/a/one"]).toBe("new");
  });

  test("a file in place of a directory, and a directory in place of a file", async () => {
    const found = await shown(base, [file("a/deep"), dir("top"), file("top/x")]);
    expect(found).toMatchObject({ "/a/deep": "a/deep", "/top": "directory", "/top/x": "top/x" });
    expect(found["/a/deep/x"]).toBeUndefined();
  });

  test("what comes back in a third layer has nothing of the first", async () => {
    const found = await shown(base, [file(".wh.a", "")], [dir("a"), file("a/new")]);
    expect(found).toEqual({ "/a": "directory", "/a/new": "a/new", "/top": "top" });
  });

  test("whiteouts of what is not there are not seen, in old directories and new ones", async () => {
    const upper = [file("a/.wh.none", ""), dir("fresh"), file("fresh/.wh.none", ""), file("fresh/x")];
    const found = await shown(base, upper, [
      dir("other"),
      file("other/.wh..wh..opq", ""),
      file("other/.wh.y", ""),
    ]);
    expect(Object.keys(found)).toEqual([
      ...["/a", "/a/deep", "/a/deep/x", "/a/one", "/a/two", "/fresh", "/fresh/x", "/other", "/top"],
    ]);
  });

  test("aufs' own files are left out", async () => {
    expect(await shown([file(".wh..wh.plnk/1.2", ""), file(".wh..wh.aufs", ""), file("x")])).toEqual({
      "/x": "x",
    });
  });

  test("a layer that comes twice counts where it is topmost", async () => {
    expect(await shown([file("x", "a")], [file("x", "b")], [file("x", "a")])).toEqual({ "/x": "a" });
  });
});

test("a directory that a layer only passes through keeps its owner, mode and time; so does the root", async () => {
  await using temp = await tempDir();
  const mtime = new Date(1_000_000_000_000);
  const stored = await storeLayers(
    temp.path,
    layers(
      [
        dir(".", { mode: 0o711, uid: 9, mtime }),
        dir("home", { mode: 0o750, uid: 5, gid: 6, mtime }),
        dir("home/me", { mode: 0o700, uid: 7, mtime }),
      ],
      [file("home/me/x"), file("else/y")],
      [dir("home", { mode: 0o751, uid: 8, mtime }), file("home/me/.wh.x", "")],
    ),
  );
  using app = mounted(stored, temp.path);
  const look = (path: string) => {
    const { mode, uid, mtimeMs } = statSync(`${app.root}/${path}`);
    return [mode & 0o7777, uid, mtimeMs];
  };
  expect(look("home")).toEqual([0o751, 8, 1e12]);
  expect(look("home/me")).toEqual([0o700, 7, 1e12]);
  expect(look(".").slice(0, 2)).toEqual([0o711, 9]);
  expect(look("else").slice(0, 2)).toEqual([0o755, 0]);
  expect(existsSync(`${app.root}/home/me/x`)).toBe(false);
});

test.each(["gzip", "zstd", "none"] as const)(
  "files of every kind are as they were packed, by %s",
  async (compression) => {
    await using temp = await tempDir();
    const long = `${"d".repeat(200)}/${"f".repeat(250)}`;
    // struct vfs_cap_data, revision 2: cap_net_raw=ep
    const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
    const entries: readonly TarEntry[] = [
      {
        name: "ping",
        content: "x",
        mode: 0o4755,
        uid: 1000,
        gid: 70_000,
        pax: { "SCHILY.xattr.security.capability": capability.toString("latin1") },
      },
      { name: "same", type: "link", linkname: "ping" },
      { name: "link", type: "symlink", linkname: "/etc/passwd" },
      { name: "null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 },
      { name: "loop", type: "block-device", devmajor: 7, devminor: 300, mode: 0o660 },
      { name: "fifo", type: "fifo", mode: 0o600 },
      { name: "sticky", type: "directory", mode: 0o1777 },
      { name: long, content: "long" },
      {
        name: "trusted",
        content: "",
        pax: { "SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.user.note": "n" },
      },
    ];
    using app = mounted(await storeLayers(temp.path, [{ entries, compression }]), temp.path);
    const ping = statSync(`${app.root}/ping`);
    expect([ping.mode & 0o7777, ping.uid, ping.gid, ping.nlink]).toEqual([0o4755, 1000, 70_000, 2]);
    expect(statSync(`${app.root}/same`).ino).toBe(ping.ino);
    expect(readlinkSync(`${app.root}/link`)).toBe("/etc/passwd");
    expect(statSync(`${app.root}/null`).rdev).toBe(statSync("/dev/null").rdev);
    expect(statSync(`${app.root}/loop`).rdev).toBe((7 << 8) | (300 & 0xff) | ((300 & ~0xff) << 12));
    expect(statSync(`${app.root}/fifo`).isFIFO()).toBe(true);
    expect(statSync(`${app.root}/sticky`).mode & 0o7777).toBe(0o1777);
    expect(readFileSync(`${app.root}/${long}`, "utf8")).toBe("long");
    const attributes =
      await Bun.$`getfattr --absolute-names --match=- --dump ${app.root}/ping ${app.root}/trusted`
        .nothrow()
        .quiet()
        .text();
    if (attributes !== "") expect(attributes).not.toContain("redirect");
  },
);

test("an app may write anywhere, and the layers stay as they are", async () => {
  await using temp = await tempDir();
  const stored = await storeLayers(temp.path, layers([file("x", "old")], [file("y", "old")]));
  {
    using app = mounted(stored, temp.path);
    for (const name of ["x", "y", "z"]) writeFileSync(`${app.root}/${name}`, "new");
  }
  using app = mounted(stored, temp.path);
  expect(listing(app.root)).toEqual({ "/x": "old", "/y": "old" });
});

test("127 layers make one mount, in a deep directory too; one more is refused", async () => {
  await using temp = await tempDir();
  const many = (count: number) => layers(...Array.from({ length: count }, (_, index) => [file(`f${index}`)]));
  const deep = `${temp.path}/${"deep/".repeat(30)}`;
  await Bun.$`mkdir -p ${deep}`;
  using app = mounted(await storeLayers(deep, many(127)), `${deep}/rkt`);
  expect(Object.keys(listing(app.root))).toHaveLength(127);
  expect(storeLayers(temp.path, many(128))).rejects.toThrow("128 layers, more than 127");
});
