// Files that change in one step: what is there, what is not written again, what an earlier try left, and readers meanwhile.

import { describe, expect, test } from "bun:test";
import { lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { type PayloadFile, writePayload } from "../../src/runtime/payload.ts";
import { tempDir } from "../temp-dir.ts";

const options = { gid: undefined, wallMs: Date.UTC(2026, 0, 2, 15, 4, 5) };

function payload(files: Readonly<Record<string, string>>, mode = 0o644): ReadonlyMap<string, PayloadFile> {
  return new Map(Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode }]));
}

async function visible(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(directory)).filter((each) => !each.startsWith("..")).sort()) {
    const path = `${directory}/${name}`;
    if ((await stat(path)).isDirectory())
      for (const [inner, text] of Object.entries(await visible(path))) found[`${name}/${inner}`] = text;
    else found[name] = await readFile(path, "utf8");
  }
  return found;
}

test("files, also in directories, are there; those that are gone are gone", async () => {
  await using dir = await tempDir();
  await writePayload(dir.path, payload({ a: "1", "d/e": "2", ".hidden": "3" }), options);
  expect(await visible(dir.path)).toEqual({ a: "1", "d/e": "2", ".hidden": "3" });
  expect(await readlink(`${dir.path}/a`)).toBe("..data/a");
  expect(await readlink(`${dir.path}/..data`)).toStartWith("..2026_01_02_15_04_05.");
  await writePayload(dir.path, payload({ a: "changed", f: "new" }), options);
  expect(await visible(dir.path)).toEqual({ a: "changed", f: "new" });
  await writePayload(dir.path, payload({}), options);
  expect(await visible(dir.path)).toEqual({});
  expect((await readdir(dir.path)).length).toBe(2);
});

test("what is there already is not written again; another content, mode or group is", async () => {
  await using dir = await tempDir();
  const data = () => readlink(`${dir.path}/..data`);
  await writePayload(dir.path, payload({ a: "1" }), options);
  const first = await data();
  await writePayload(dir.path, payload({ a: "1" }), options);
  expect(await data()).toBe(first);
  await writePayload(dir.path, payload({ a: "1" }, 0o600), options);
  const second = await data();
  expect(second).not.toBe(first);
  await writePayload(dir.path, payload({ a: "1" }, 0o600), { ...options, gid: 4242 });
  expect(await data()).not.toBe(second);
});

test("modes are as asked for, whatever the umask; a group may read all of it", async () => {
  await using dir = await tempDir();
  await writePayload(dir.path, payload({ "d/a": "1" }, 0o666), options);
  expect((await stat(`${dir.path}/d/a`)).mode & 0o7777).toBe(0o666);
  await writePayload(dir.path, payload({ "d/a": "1" }, 0o600), { ...options, gid: 4242 });
  const [file, directory] = [await stat(`${dir.path}/d/a`), await stat(`${dir.path}/d`)];
  expect([file.mode & 0o7777, file.gid, file.uid]).toEqual([0o640, 4242, 0]);
  expect([directory.mode & 0o7777, directory.gid]).toEqual([0o2755, 4242]);
});

test("what a writer that was killed left is cleared away", async () => {
  await using dir = await tempDir();
  await writePayload(dir.path, payload({ a: "1" }), options);
  await mkdir(`${dir.path}/..2025_01_01_00_00_00.dead/d`, { recursive: true });
  await writeFile(`${dir.path}/..2025_01_01_00_00_00.dead/d/a`, "half");
  await symlink("..2025_01_01_00_00_00.dead", `${dir.path}/..data_tmp`);
  await symlink("..data/gone", `${dir.path}/gone`);
  await writePayload(dir.path, payload({ a: "2" }), options);
  expect(await visible(dir.path)).toEqual({ a: "2" });
  expect((await readdir(dir.path)).length).toBe(3);
});

test("a write that fails leaves what was there", async () => {
  await using dir = await tempDir();
  await writePayload(dir.path, payload({ a: "1" }), options);
  const before = (await readdir(dir.path)).sort();
  await expect(writePayload(dir.path, payload({ b: "1", "b/c": "2" }), options)).rejects.toThrow();
  expect((await readdir(dir.path)).sort()).toEqual(before);
  expect(await visible(dir.path)).toEqual({ a: "1" });
});

describe("a path that leads elsewhere, or to what is ours, is refused:", () => {
  test.each(["", "..", "../a", "a/../../b", "/etc/passwd", "a//b", "./a", "..data", "..2026/a", "a/"])(
    "%p",
    async (path) => {
      await using dir = await tempDir();
      await mkdir(`${dir.path}/volume`);
      await expect(writePayload(`${dir.path}/volume`, payload({ [path]: "x" }), options)).rejects.toThrow(
        "no path",
      );
      expect(await readdir(dir.path)).toEqual(["volume"]);
      expect(await readdir(`${dir.path}/volume`)).toEqual([]);
    },
  );
});

test("a reader sees whole files of one age, whenever it looks", async () => {
  await using dir = await tempDir();
  const text = (age: number) => `${age} `.repeat(2000);
  await writePayload(dir.path, payload({ a: text(0), b: text(0) }), options);
  let isWriting = true;
  const reading = (async () => {
    let looks = 0;
    for (; isWriting || looks < 5; looks++) {
      const age = await readlink(`${dir.path}/..data`);
      const both = await Promise.all(
        ["a", "b"].map((name) => readFile(`${dir.path}/${age}/${name}`, "utf8")),
      ).catch(
        () => undefined, // it was replaced meanwhile
      );
      if (both === undefined) continue;
      expect(both[0]).toBe(both[1] ?? "");
      expect(both[0]).toBe(text(Number.parseInt(both[0] ?? "", 10)));
      expect((await lstat(`${dir.path}/a`)).isSymbolicLink()).toBe(true);
      expect(await readFile(`${dir.path}/a`, "utf8")).toHaveLength((both[0] ?? "").length);
    }
  })();
  for (let age = 1; age < 10; age++)
    await writePayload(dir.path, payload({ a: text(age), b: text(age) }), options);
  isWriting = false;
  await reading;
});
