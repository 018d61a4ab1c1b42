// What is mounted below a path, and nothing of it afterwards.

import { expect, test } from "bun:test";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { mount } from "../../src/host/libc.ts";
import { isMountPoint, mountPoints, unmountBelow } from "../../src/host/mount-table.ts";
import { tempDir } from "../temp-dir.ts";

const MS_BIND = 0x1000;

test("mount points are told, also with blanks in their names, also over a link", async () => {
  await using dir = await tempDir();
  await mkdir(`${dir.path}/a/with blank`, { recursive: true });
  await mkdir(`${dir.path}/ab`);
  await symlink(dir.path, `${dir.path}/link`);
  mount("tmpfs", `${dir.path}/a/with blank`, "tmpfs", 0, "");
  mount("tmpfs", `${dir.path}/ab`, "tmpfs", 0, "");
  expect(await mountPoints(`${dir.path}/a`)).toEqual([`${dir.path}/a/with blank`]);
  expect(await mountPoints(`${dir.path}/link/a`)).toEqual([`${dir.path}/a/with blank`]);
  expect(await isMountPoint(`${dir.path}/link/ab`)).toBe(true);
  expect(await isMountPoint(`${dir.path}/a`)).toBe(false);
  await unmountBelow(`${dir.path}/a`);
  expect(await mountPoints(dir.path)).toEqual([`${dir.path}/ab`]);
  await unmountBelow(`${dir.path}/link`);
  expect(await mountPoints(dir.path)).toEqual([]);
});

test("what is mounted on the path itself, twice and in itself, goes too, and what was mounted stays", async () => {
  await using dir = await tempDir();
  await mkdir(`${dir.path}/machine/deep`, { recursive: true });
  await mkdir(`${dir.path}/pod`);
  mount(`${dir.path}/machine`, `${dir.path}/pod`, "", MS_BIND, "");
  mount("tmpfs", `${dir.path}/pod/deep`, "tmpfs", 0, "");
  mount(`${dir.path}/machine`, `${dir.path}/pod`, "", MS_BIND, "");
  await unmountBelow(`${dir.path}/pod`);
  expect(await mountPoints(`${dir.path}/pod`)).toEqual([]);
  expect(await readdir(`${dir.path}/machine`)).toEqual(["deep"]);
  await unmountBelow(dir.path);
});

test("where nothing is, there is nothing to unmount", async () => {
  await unmountBelow("/no/such/place");
  expect(await mountPoints("/no/such/place")).toEqual([]);
});
