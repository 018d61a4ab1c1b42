import { expect, test } from "bun:test";
import { closeSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { openInRoot } from "../../src/engine/in-root.ts";
import { tempDir } from "../temp-dir.ts";

/** Where it is, below `path`. */
function opened(path: string, inside: string, kind: "directory" | "file" = "directory"): string {
  const fd = openInRoot(`${path}/root`, inside, kind);
  const place = readlinkSync(`/proc/self/fd/${fd}`);
  closeSync(fd);
  return place.slice(path.length);
}

/** Undefined where somebody else came between. */
function attempted<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}

test("links lead as in the root, and what is missing is made where they lead", async () => {
  await using dir = await tempDir();
  mkdirSync(`${dir.path}/root/usr`, { recursive: true });
  symlinkSync("/usr/lib/../../../run", `${dir.path}/root/usr/run`);
  expect(opened(dir.path, "/usr/run/a/b")).toBe("/root/run/a/b");
  expect(opened(dir.path, "usr/run/a/file", "file")).toBe("/root/run/a/file");
  expect(opened(dir.path, "/..//.")).toBe("/root");
  expect(readdirSync(dir.path)).toEqual(["root"]);
});

test("regression: a directory that another process turned into a link meanwhile led out", async () => {
  await using dir = await tempDir();
  mkdirSync(`${dir.path}/root/data/sub`, { recursive: true });
  mkdirSync(`${dir.path}/outside`);
  symlinkSync(`${dir.path}/outside`, `${dir.path}/root/data/link`);
  const swap = `
    import { dlopen } from "bun:ffi";
    const { renameat2 } = dlopen("libc.so.6", {
      renameat2: { args: ["i32", "cstring", "i32", "cstring", "u32"], returns: "i32" },
    }).symbols;
    const [AT_FDCWD, RENAME_EXCHANGE] = [-100, 2];
    const [sub, link] = ["sub", "link"].map((name) => Buffer.from(name + "\\0"));
    console.log("swapping");
    for (;;) renameat2(AT_FDCWD, sub, AT_FDCWD, link, RENAME_EXCHANGE);`;
  const racer = Bun.spawn([process.execPath, "-e", swap], { cwd: `${dir.path}/root/data`, stdout: "pipe" });
  await racer.stdout.getReader().read();
  try {
    for (let index = 0; index < 3000; index++) {
      const place = attempted(() => opened(dir.path, `/data/sub/${index}`));
      if (place !== undefined) expect(place).toStartWith("/root/");
    }
  } finally {
    racer.kill("SIGKILL");
    await racer.exited;
  }
  expect(readdirSync(`${dir.path}/outside`)).toEqual([]);
});
