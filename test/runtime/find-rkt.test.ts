import { expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { findRkt } from "../../src/runtime/find-rkt.ts";
import { tempDir } from "../temp-dir.ts";

const self = ["/usr/bin/gantry"] as const;
const builtin = { command: ["/usr/bin/gantry", "rkt"], isBuiltin: true };

async function program(path: string, mode = 0o755): Promise<void> {
  await writeFile(path, "");
  await chmod(path, mode);
}

test("what is configured is taken, there or not; builtin is this program, also beside a real one", async () => {
  await using dir = await tempDir();
  await program(`${dir.path}/rkt`);
  expect(await findRkt("/opt/rkt", dir.path, self)).toEqual({ command: ["/opt/rkt"], isBuiltin: false });
  expect(await findRkt("builtin", dir.path, self)).toEqual(builtin as never);
});

test("else the first rkt in $PATH that can be run", async () => {
  await using dir = await tempDir();
  for (const name of ["none", "file", "a", "b"]) await mkdir(`${dir.path}/${name}`);
  await program(`${dir.path}/file/rkt`, 0o644);
  await program(`${dir.path}/a/rkt`);
  await program(`${dir.path}/b/rkt`);
  const searchPath = ["none", "file", "a", "b"].map((name) => `${dir.path}/${name}`).join(":");
  expect(await findRkt("", searchPath, self)).toEqual({ command: [`${dir.path}/a/rkt`], isBuiltin: false });
});

test("regression: a directory named rkt was taken for the program", async () => {
  await using dir = await tempDir();
  await mkdir(`${dir.path}/rkt`);
  expect(await findRkt("", dir.path, self)).toEqual(builtin as never);
});

test.each(["", ":", ".", "relative/bin"])(
  "nothing is looked for in %j, which would be the current directory",
  async (path) => {
    expect(await findRkt("", path, self)).toEqual(builtin as never);
  },
);
