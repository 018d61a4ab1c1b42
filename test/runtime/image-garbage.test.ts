// What goes first, by table; and the real thing: the built-in engine's store on a small tmpfs that fills up.

import { describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createLog } from "../../src/host/log.ts";
import type { PodEvent } from "../../src/pod/event.ts";
import type { ImageId } from "../../src/pod/names.ts";
import { RktClient } from "../../src/rkt/rkt-client.ts";
import { FetchedImages } from "../../src/runtime/fetched-images.ts";
import { ImageGarbage, oldestUnused, usedPercent } from "../../src/runtime/image-garbage.ts";
import { writeAci } from "../aci.ts";
import { run } from "../e2e/machine.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { tempDir } from "../temp-dir.ts";

const { signal } = new AbortController();
const mebibyte = 1024 * 1024;
const minute = 60_000;

test.each([
  [100, 100, 0],
  [100, 15, 85],
  [1000, 155, 85], // as the kubelet rounds: what is free, down
  [100, 0, 100],
  [0, 0, 0],
])("of %d bytes %d are free: %d percent are used", (totalBytes, freeBytes, percent) => {
  expect(usedPercent({ totalBytes, freeBytes })).toBe(percent);
});

describe("the first to go", () => {
  const image = (name: string, importedAtMs: number, lastUsedAtMs: number) => ({
    id: name as ImageId,
    importedAtMs,
    lastUsedAtMs,
  });
  test.each<[what: string, images: ReturnType<typeof image>[], first: string | undefined]>([
    ["nothing", [], undefined],
    ["what was used longest ago", [image("a", 0, 5), image("b", 0, 3), image("c", 0, 4)], "b"],
    ["not what was just fetched", [image("a", 19 * minute, 0), image("b", 0, 5)], "b"],
    ["not what was just used", [image("a", 0, 19 * minute), image("b", 0, 18 * minute)], "b"],
    ["nothing that is too young", [image("a", 19 * minute, 19 * minute)], undefined],
    ["nothing while the clock is wrong", [image("a", 30 * minute, 30 * minute)], undefined],
  ])("%s", (_what, images, first) => {
    expect(oldestUnused(images, 20 * minute)?.id).toBe(first as ImageId | undefined);
  });
});

/** An engine whose data directory is a tmpfs of 40 MiB. */
async function smallDisk() {
  const dir = await tempDir();
  const dataDir = `${dir.path}/rkt`;
  await mkdir(dataDir);
  await run("mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", dataDir);
  const main = join(import.meta.dir, "../../src/main.ts");
  const options = { dir: dataDir, insecureOptions: ["image"] };
  const rkt = new RktClient({ command: [process.execPath, main, "rkt"], options });
  const fetched = new FetchedImages(dir.path);
  const kept = new Set<ImageId>();
  const clock = new FakeClock();
  const lines: string[] = [];
  const events: PodEvent[] = [];
  const log = createLog({
    write: (line) => lines.push(line),
    isJournal: false,
    isDebug: false,
    wallMs: Date.now,
  });
  const garbage = new ImageGarbage({
    rkt,
    dataDir,
    fetched,
    isKept: (id) => kept.has(id),
    onRemoved: () => undefined,
    onDiskFull: () => undefined,
    record: (event) => events.push(event),
    clock: { nowMs: () => clock.nowMs(), wallMs: () => Date.now() + clock.nowMs() }, // images are as old as the fake clock is
    log,
  });
  return {
    ...{ rkt, fetched, kept, clock, garbage, events },
    /** An image that needs 4 MiB and some. */
    async image(name: string): Promise<ImageId> {
      const file = `${dir.path}/${name}.aci`;
      const content = Buffer.alloc(4 * mebibyte, name);
      await writeAci(file, { name: `example.com/${name}`, entries: [{ name: "rootfs/fill", content }] });
      return rkt.fetch(file, {}, signal);
    },
    async names(): Promise<readonly string[]> {
      return (await rkt.listImages(signal)).map(({ name }) => name.replace("example.com/", ""));
    },
    async prepare(id: ImageId): Promise<void> {
      const app = { exec: ["/bin/true"], user: "0", group: "0" };
      const apps = [{ name: "main", image: { id }, app }];
      await writeFile(
        `${dir.path}/pod.json`,
        JSON.stringify({ acVersion: "0.8.11", acKind: "PodManifest", apps }),
      );
      await rkt.prepare(`${dir.path}/pod.json`, {}, signal);
    },
    fill: (mebibytes: number) => writeFile(`${dataDir}/fill`, Buffer.alloc(mebibytes * mebibyte)),
    async [Symbol.asyncDispose]() {
      await garbage[Symbol.asyncDispose]();
      await run("umount", "-l", dataDir);
      await dir[Symbol.asyncDispose]();
    },
  };
}

test("a full disk: the oldest unused of ours go until there is room, and only those", async () => {
  await using disk = await smallDisk();
  const ids = new Map<string, ImageId>();
  for (const name of ["foreign", "used", "kept", "old", "new"]) {
    const id = await disk.image(name);
    ids.set(name, id);
    if (name !== "foreign") await disk.fetched.add(id);
    if (name === "kept") disk.kept.add(id);
    if (name === "used") await disk.prepare(id);
  }
  disk.clock.advance(10 * minute);

  await disk.garbage.collect();
  expect(await disk.names()).toHaveLength(5); // there is room

  await disk.fill(5); // 5 images of 6 MiB and 5 MiB of 40
  await disk.garbage.collect();
  expect(await disk.names()).toEqual(["foreign", "used", "kept", "new"]);
  expect([...(await disk.fetched.ids())]).not.toContain(ids.get("old") as ImageId);

  await disk.fill(12);
  await disk.garbage.collect();
  expect(await disk.names()).toEqual(["foreign", "used", "kept"]);
  expect(disk.events).toEqual([]);

  await disk.fill(20);
  await disk.garbage.collect();
  expect(await disk.names()).toEqual(["foreign", "used", "kept"]);
  expect(disk.events).toEqual([
    {
      object: { kind: "Node" },
      type: "Warning",
      reason: "FreeDiskSpaceFailed",
      message: expect.stringMatching(/^The disk of the images is \d+ % full, and no image can go$/),
    },
  ]);
});

test("where the node is short of disk all unused of ours go, whatever room there is", async () => {
  await using disk = await smallDisk();
  for (const name of ["foreign", "used", "one", "two"]) {
    const id = await disk.image(name);
    if (name !== "foreign") await disk.fetched.add(id);
    if (name === "used") await disk.prepare(id);
  }
  disk.clock.advance(10 * minute);
  await disk.garbage.collectAll();
  expect(await disk.names()).toEqual(["foreign", "used"]);
  expect(disk.events).toEqual([]);
});

test("what is too young is left until it is old enough", async () => {
  await using disk = await smallDisk();
  await disk.fetched.add(await disk.image("new"));
  await disk.fill(30);
  // The fake clock begins long after a boot; this is the real time.
  disk.clock.advance(-disk.clock.nowMs());
  await disk.garbage.collect();
  expect(await disk.names()).toEqual(["new"]);
  disk.clock.advance(2 * minute);
  await disk.garbage.collect();
  expect(await disk.names()).toEqual([]);
});
