// A subPath is mounted for a container, and nothing in the volume leads it anywhere else, not even while somebody swaps links.

import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from "node:fs/promises";
import { mountPoints, unmountBelow } from "../../src/host/mount-table.ts";
import { mountSubPath } from "../../src/runtime/sub-path.ts";
import { tempDir } from "../temp-dir.ts";

/** A volume beside a secret, and where the subPath is mounted. */
async function world() {
  const dir = await tempDir();
  const [volume, outside, target] = ["volume", "outside", "pod/volume-subpaths/data/main/0"].map(
    (name) => `${dir.path}/${name}`,
  ) as [string, string, string];
  await mkdir(`${volume}/inner`, { recursive: true });
  await mkdir(`${outside}/inner`, { recursive: true });
  await writeFile(`${volume}/inner/file`, "inside");
  await writeFile(`${outside}/secret`, "secret");
  await writeFile(`${outside}/inner/file`, "secret");
  return {
    volume,
    outside,
    target,
    async [Symbol.asyncDispose]() {
      await unmountBelow(dir.path);
      await dir[Symbol.asyncDispose]();
    },
  };
}

test("a directory and a file of the volume", async () => {
  await using it = await world();
  mountSubPath(it.volume, "inner", it.target);
  expect(await readdir(it.target)).toEqual(["file"]);
  await writeFile(`${it.target}/new`, "seen in the volume");
  expect(await readFile(`${it.volume}/inner/new`, "utf8")).toBe("seen in the volume");
  const file = `${it.target.slice(0, -1)}1`;
  mountSubPath(it.volume, "inner/file", file);
  expect(await readFile(file, "utf8")).toBe("inside");
});

test("what is missing becomes a directory, open to whom the volume is", async () => {
  await using it = await world();
  await chmod(it.volume, 0o777);
  mountSubPath(it.volume, "a/b/c", it.target);
  expect(await readdir(it.target)).toEqual([]);
  expect((await stat(`${it.volume}/a/b/c`)).mode & 0o7777).toBe(0o777);
});

test("again for the next attempt: what was mounted is replaced, not covered; another kind too", async () => {
  await using it = await world();
  for (let attempt = 0; attempt < 3; attempt++) mountSubPath(it.volume, "inner", it.target);
  expect(await mountPoints(it.target)).toEqual([it.target]);
  mountSubPath(it.volume, "inner/file", it.target);
  expect(await readFile(it.target, "utf8")).toBe("inside");
  mountSubPath(it.volume, "inner", it.target);
  expect(await readdir(it.target)).toEqual(["file"]);
  expect(await readdir(`${it.volume}/inner`)).toEqual(["file"]);
});

test("links within the volume are followed, as those of a ConfigMap must be", async () => {
  await using it = await world();
  await symlink("inner", `${it.volume}/..data`);
  await symlink("..data/file", `${it.volume}/key`);
  mountSubPath(it.volume, "key", it.target);
  expect(await readFile(it.target, "utf8")).toBe("inside");
});

describe("a link that leads out is refused, and nothing is made or mounted there:", () => {
  test.each([
    ["to an absolute path", "OUTSIDE", "link"],
    ["to the parent", "../outside", "link"],
    ["on the way", "../outside", "link/inner"],
    ["on the way to what is missing", "../outside", "link/new"],
    ["to what is missing outside", "../outside/new", "link"],
    ["to what is missing inside", "new", "link"],
    ["through /proc", "/proc/self/root/etc", "link"],
    ["to itself", "link", "link"],
  ])("%s", async (_name, to, subPath) => {
    await using it = await world();
    await symlink(to.replace("OUTSIDE", it.outside), `${it.volume}/link`);
    expect(() => mountSubPath(it.volume, subPath, it.target)).toThrow();
    expect((await readdir(it.outside)).sort()).toEqual(["inner", "secret"]);
    expect(await mountPoints(it.target)).toEqual([]);
  });
});

test("a process that swaps directories for links as fast as it can never leads it out", async () => {
  await using it = await world();
  // One step exchanges the two names, so that there is always something at `inner`.
  const swap = `
    import { dlopen } from "bun:ffi";
    import { symlinkSync } from "node:fs";
    const { renameat2 } = dlopen("libc.so.6", {
      renameat2: { args: ["i32", "cstring", "i32", "cstring", "u32"], returns: "i32" },
    }).symbols;
    const [AT_FDCWD, RENAME_EXCHANGE] = [-100, 2];
    const volume = ${JSON.stringify(it.volume)};
    symlinkSync("../outside", volume + "/relative");
    symlinkSync(${JSON.stringify(it.outside)}, volume + "/absolute");
    const [inner, ...links] = ["inner", "relative", "absolute"].map((name) => Buffer.from(volume + "/" + name + "\\0"));
    console.log("swapping");
    for (let i = 0; ; i++) {
      const link = links[i % 2];
      for (let times = 0; times < 2; times++) renameat2(AT_FDCWD, inner, AT_FDCWD, link, RENAME_EXCHANGE);
    }`;
  const racer = Bun.spawn([process.execPath, "-e", swap], { stdout: "pipe" });
  try {
    await racer.stdout.getReader().read();
    const counts = { inside: 0, refused: 0 };
    for (let tries = 0; Math.min(counts.inside, counts.refused) < 200; tries++) {
      const subPath = ["inner", "inner/file", `inner/new-${tries}/deep`][tries % 3] ?? "";
      try {
        mountSubPath(it.volume, subPath, it.target);
        counts.inside += 1;
      } catch {
        counts.refused += 1;
        continue;
      }
      const seen = (await stat(it.target)).isDirectory()
        ? await readdir(it.target)
        : [await readFile(it.target, "utf8")];
      expect(seen).not.toContain("secret");
    }
  } finally {
    racer.kill();
    await racer.exited;
  }
  expect((await readdir(it.outside)).sort()).toEqual(["inner", "secret"]);
  expect(await readdir(`${it.outside}/inner`)).toEqual(["file"]);
});

test("what it was mounted from may be moved: the container keeps it", async () => {
  await using it = await world();
  mountSubPath(it.volume, "inner", it.target);
  await rename(`${it.volume}/inner`, `${it.volume}/moved`);
  await symlink("../outside", `${it.volume}/inner`);
  expect(await readFile(`${it.target}/file`, "utf8")).toBe("inside");
});
