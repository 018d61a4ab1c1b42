import { expect, test } from "bun:test";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { DiskUsage } from "../../src/node/disk-usage.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { tempDir } from "../temp-dir.ts";

const signal = new AbortController().signal;
const mebibyte = 1024 * 1024;

test("what is in a directory is counted at most once a minute, and nobody is led out of it", async () => {
  await using dir = await tempDir();
  const [tree, outside, strange] = ["tree", "outside", "with\nnewline\tand tab"].map(
    (name) => `${dir.path}/${name}`,
  );
  for (const path of [tree, outside, strange]) await mkdir(`${path}/sub`, { recursive: true });
  await writeFile(`${tree}/sub/file`, Buffer.alloc(mebibyte, 1));
  await writeFile(`${outside}/big`, Buffer.alloc(4 * mebibyte, 1));
  await symlink(`${outside}`, `${tree}/link`);
  const clock = new FakeClock();
  const disk = new DiskUsage({ clock });

  const paths = [tree, strange, `${dir.path}/none`] as string[];
  const first = await disk.of(paths, signal);
  expect([...first.keys()]).toEqual([tree, strange] as string[]);
  const before = first.get(tree as string);
  expect(before?.bytes).toBeGreaterThanOrEqual(mebibyte);
  expect(before?.bytes).toBeLessThan(2 * mebibyte);
  expect(before?.inodes).toBe(4); // two directories, the file and the link

  await writeFile(`${tree}/more`, Buffer.alloc(mebibyte, 1));
  clock.advance(59_000);
  expect((await disk.of(paths, signal)).get(tree as string)).toEqual(before);
  clock.advance(1000);
  const after = (await disk.of(paths, signal)).get(tree as string);
  expect(after?.bytes).toBe((before?.bytes ?? 0) + mebibyte);
  expect(after?.inodes).toBe(5);
});

test("who asks while others are counted is told of its own too", async () => {
  await using dir = await tempDir();
  const paths = ["one", "two", "three"].map((name) => `${dir.path}/${name}`);
  for (const path of paths) await mkdir(path);
  const [one = "", two = "", three = ""] = paths;
  const disk = new DiskUsage({ clock: new FakeClock() });
  const answers = [disk.of([one], signal), disk.of([one, two], signal), disk.of([three], signal)];
  expect((await Promise.all(answers)).map((answer) => [...answer.keys()])).toEqual([
    [one],
    [one, two],
    [three],
  ]);
});

test("who does not wait is told what is known", async () => {
  await using dir = await tempDir();
  const disk = new DiskUsage({ clock: new FakeClock() });
  expect((await disk.of([dir.path], AbortSignal.abort())).size).toBe(0);
  expect((await disk.of([dir.path], signal)).size).toBe(1);
});
