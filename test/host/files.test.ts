import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { readTextIfExists, writeFileAtomic } from "../../src/host/files.ts";
import { tempDir } from "../temp-dir.ts";

describe("writeFileAtomic", () => {
  test("makes and replaces a file, with its mode, and leaves nothing else", async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/file`;
    await writeFileAtomic(file, "one");
    await writeFileAtomic(file, new TextEncoder().encode("two"), 0o600);
    expect(await readFile(file, "utf8")).toBe("two");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir.path)).toEqual(["file"]);
  });

  test("replaces a link instead of following it", async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/other`, "untouched");
    await symlink("other", `${dir.path}/file`);
    await writeFileAtomic(`${dir.path}/file`, "new");
    expect(await readFile(`${dir.path}/other`, "utf8")).toBe("untouched");
    expect(await readFile(`${dir.path}/file`, "utf8")).toBe("new");
  });

  test("that fails leaves what was there, and no temporary file", async () => {
    await using dir = await tempDir();
    await mkdir(`${dir.path}/taken/full`, { recursive: true });
    expect(writeFileAtomic(`${dir.path}/taken`, "x")).rejects.toMatchObject({ code: "EISDIR" });
    expect(writeFileAtomic(`${dir.path}/none/file`, "x")).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readdir(dir.path)).toEqual(["taken"]);
  });

  test("regression: the temporary file of a write that was killed stayed for ever", async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/.file.tmp`, "half");
    await chmod(`${dir.path}/.file.tmp`, 0o777);
    await writeFileAtomic(`${dir.path}/file`, "whole");
    expect(await readdir(dir.path)).toEqual(["file"]);
    expect((await stat(`${dir.path}/file`)).mode & 0o777).toBe(0o644);
  });
});

describe("readTextIfExists", () => {
  test("undefined only where there is nothing", async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/file`, "text");
    expect(await readTextIfExists(`${dir.path}/file`)).toBe("text");
    expect(await readTextIfExists(`${dir.path}/none`)).toBeUndefined();
    expect(await readTextIfExists(`${dir.path}/file/below`)).toBeUndefined();
    expect(readTextIfExists(dir.path)).rejects.toMatchObject({ code: "EISDIR" });
  });
});
