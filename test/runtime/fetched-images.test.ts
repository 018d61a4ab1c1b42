import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import type { ImageId } from "../../src/pod/names.ts";
import { FetchedImages } from "../../src/runtime/fetched-images.ts";
import { tempDir } from "../temp-dir.ts";

const id = (digit: string) => `sha512-${digit.repeat(64)}` as ImageId;

test("what was fetched is known to the next agent, what was removed is not; junk is nobody's", async () => {
  await using dir = await tempDir();
  const fetched = new FetchedImages(dir.path);
  expect([...(await fetched.ids())]).toEqual([]);
  await Promise.all([
    fetched.add(id("a")),
    fetched.add(id("b")),
    fetched.add(id("c")),
    fetched.remove(id("b")),
  ]);
  expect(await readFile(`${dir.path}/fetched-images`, "utf8")).toBe(`${id("a")}\n${id("c")}\n`);
  await writeFile(`${dir.path}/fetched-images`, `junk\n${id("a")}\nsha512-12\n`);
  expect([...(await new FetchedImages(dir.path).ids())]).toEqual([id("a")]);
});

test("a list that cannot be written is an error, and known all the same", async () => {
  const fetched = new FetchedImages("/proc");
  await expect(fetched.add(id("a"))).rejects.toThrow();
  expect([...(await fetched.ids())]).toEqual([id("a")]);
});
