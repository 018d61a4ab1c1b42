// What a hostPath must be, by its type: made where it may be, refused in the kubelet's words where it is something else.

import { expect, test } from "bun:test";
import { chmod, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { makeNode, nodeTypes } from "../../src/host/libc.ts";
import type { HostPathType } from "../../src/pod/volume.ts";
import { checkHostPath } from "../../src/runtime/host-path.ts";
import { tempDir } from "../temp-dir.ts";

const things = ["missing", "directory", "file", "socket", "character", "block", "link"] as const;
type Thing = (typeof things)[number];

const accepted: Readonly<Record<HostPathType, readonly Thing[]>> = {
  "": things,
  DirectoryOrCreate: ["missing", "directory", "link"],
  Directory: ["directory", "link"],
  FileOrCreate: ["missing", "file"],
  File: ["file"],
  Socket: ["socket"],
  CharDevice: ["character"],
  BlockDevice: ["block"],
};

const what: Readonly<Record<HostPathType, string>> = {
  "": "there",
  DirectoryOrCreate: "a directory",
  Directory: "a directory",
  FileOrCreate: "a file",
  File: "a file",
  Socket: "a socket file",
  CharDevice: "a character device",
  BlockDevice: "a block device",
};

const cases = (Object.keys(accepted) as HostPathType[]).flatMap((type) =>
  things.map((thing) => [type, thing] as const),
);

test.each(cases)("type %p, on the machine: %s", async (type, thing) => {
  await using dir = await tempDir();
  const path = `${dir.path}/${thing}`;
  await using _made = await make(thing, path);
  const check = checkHostPath(path, type);
  if (accepted[type].includes(thing)) await check;
  else await expect(check).rejects.toThrow(`hostPath type check failed: ${path} is not ${what[type]}`);
});

test("what is made is a directory with its parents, or an empty file without", async () => {
  await using dir = await tempDir();
  await checkHostPath(`${dir.path}/a/b`, "DirectoryOrCreate");
  expect((await stat(`${dir.path}/a/b`)).mode & 0o7777).toBe(0o755);
  await checkHostPath(`${dir.path}/a/file`, "FileOrCreate");
  expect((await stat(`${dir.path}/a/file`)).size).toBe(0);
  await expect(checkHostPath(`${dir.path}/c/file`, "FileOrCreate")).rejects.toThrow();
  expect(await readdir(dir.path)).toEqual(["a"]);
});

test("what is there keeps its mode and content", async () => {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/file`, "text", { mode: 0o600 });
  await chmod(dir.path, 0o700);
  await checkHostPath(`${dir.path}/file`, "FileOrCreate");
  await checkHostPath(dir.path, "DirectoryOrCreate");
  expect((await stat(`${dir.path}/file`)).mode & 0o777).toBe(0o600);
  expect((await stat(dir.path)).mode & 0o777).toBe(0o700);
});

async function make(thing: Thing, path: string): Promise<AsyncDisposable> {
  const nothing = { [Symbol.asyncDispose]: async () => undefined };
  switch (thing) {
    case "missing":
      return nothing;
    case "directory":
      await mkdir(path);
      return nothing;
    case "file":
      await writeFile(path, "");
      return nothing;
    case "link":
      await symlink("/", path);
      return nothing;
    case "socket": {
      const server = Bun.listen({ unix: path, socket: { data: () => undefined } });
      return { [Symbol.asyncDispose]: async () => server.stop(true) };
    }
    case "character":
      makeNode(path, nodeTypes.character | 0o600, 1, 3);
      return nothing;
    case "block":
      makeNode(path, nodeTypes.block | 0o600, 7, 0);
      return nothing;
    default:
      return thing satisfies never;
  }
}
