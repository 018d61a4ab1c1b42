import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { mount } from "../../src/host/libc.ts";
import { createLog } from "../../src/host/log.ts";
import { mountPoints } from "../../src/host/mount-table.ts";
import type { PodUid, RktUuid } from "../../src/pod/names.ts";
import { PodDirectories } from "../../src/runtime/pod-directory.ts";
import { basePod } from "../reconcile/base-world.ts";
import { tempDir } from "../temp-dir.ts";

const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid;
const pod = basePod();
const MS_BIND = 0x1000;

async function directories() {
  const dir = await tempDir();
  return {
    path: dir.path,
    its: new PodDirectories(dir.path),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

function collectingLog() {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { lines, log: createLog({ write, isJournal: true, isDebug: false, wallMs: () => 0 }) };
}

describe("PodDirectories", () => {
  test.each(["..", ".", "", "a/b", "/etc", "a\0b"])("no uid leads out of pods/: %j", async (uid) => {
    await using at = await directories();
    expect(() => at.its.path(uid as PodUid)).toThrow("is no file name");
    expect(at.its.remove(uid as PodUid)).rejects.toThrow("is no file name");
  });

  test("lists nothing where there is nothing yet, and what is not ours never", async () => {
    await using at = await directories();
    expect(await at.its.list()).toEqual([]);
    await at.its.create(pod);
    await mkdir(`${at.path}/pods/.hidden`);
    expect((await at.its.list()).map(({ uid }) => uid)).toEqual([pod.uid]);
  });

  test("keeps the accepted manifest, for root only, and writes only what is new", async () => {
    await using at = await directories();
    await at.its.create(pod);
    const file = `${at.its.path(pod.uid)}/manifest.json`;
    const { ino, mode } = await stat(file);
    expect(mode & 0o007).toBe(0);
    expect((await stat(at.its.path(pod.uid))).mode & 0o007).toBe(0);
    await at.its.create(pod);
    expect((await stat(file)).ino).toBe(ino);
    await at.its.create({ ...pod, wire: { changed: true } });
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ uid: pod.uid, wire: { changed: true } });
  });

  test("the accepted manifests, the latest last", async () => {
    await using at = await directories();
    for (const [uid, seconds] of [
      ["b", 2000],
      ["a", 3000],
      ["c", 1000],
    ] as const) {
      await at.its.create({ ...pod, uid: uid as PodUid });
      await utimes(`${at.path}/pods/${uid}/manifest.json`, seconds, seconds);
    }
    await mkdir(`${at.path}/pods/without`);
    const { log, lines } = collectingLog();
    const uids = (await at.its.accepted(log)).map((text) => JSON.parse(text).uid);
    expect([uids, lines]).toEqual([["c", "b", "a"], []]);
  });

  test("regression: one accepted manifest that cannot be read kept the agent from starting", async () => {
    await using at = await directories();
    await at.its.create(pod);
    await mkdir(`${at.path}/pods/broken/manifest.json`, { recursive: true });
    const { log, lines } = collectingLog();
    expect(await at.its.accepted(log)).toHaveLength(1);
    expect(lines).toEqual([expect.stringMatching(/cannot read what was accepted before.*EISDIR/)]);
  });

  test("the finish marker: none, whole, empty; unreadable is not absent", async () => {
    await using at = await directories();
    expect(await at.its.finished(pod.uid, uuid)).toBeUndefined();
    await at.its.create(pod);
    const file = at.its.finishedFile(pod.uid, uuid);
    for (const text of ["12.3 boot success exited 0 end\n", ""]) {
      await writeFile(file, text);
      await utimes(file, 1000, 1000);
      expect(await at.its.finished(pod.uid, uuid)).toEqual({ text, writtenAtMs: 1_000_000 });
    }
    await rm(file);
    await mkdir(file);
    expect(at.its.finished(pod.uid, uuid)).rejects.toMatchObject({ code: "EISDIR" });
  });

  test("the mark of a stop, also where the directory has gone, and its removal with the other", async () => {
    await using at = await directories();
    expect(await at.its.isStopped(pod.uid, uuid)).toBe(false);
    await at.its.markStopped(pod.uid, uuid);
    await writeFile(at.its.finishedFile(pod.uid, uuid), "");
    expect(await at.its.isStopped(pod.uid, uuid)).toBe(true);
    await at.its.removeMarkers(pod.uid, uuid);
    await at.its.removeMarkers(pod.uid, uuid);
    expect(await readdir(at.its.path(pod.uid))).toEqual([]);
  });

  test("a link in a directory that is removed is not followed", async () => {
    await using at = await directories();
    await at.its.create(pod);
    await mkdir(at.its.emptyDir(pod.uid, "data"), { recursive: true });
    await mkdir(`${at.path}/outside`);
    await writeFile(`${at.path}/outside/file`, "");
    await symlink(`${at.path}/outside`, `${at.its.emptyDir(pod.uid, "data")}/link`);
    await at.its.remove(pod.uid);
    await at.its.remove(pod.uid);
    expect(await readdir(`${at.path}/outside`)).toEqual(["file"]);
    expect(await at.its.list()).toEqual([]);
  });

  test.each([
    ["", "pods"],
    ["as seen over a link in the state directory's path", "over a link"],
  ])("what is mounted in a directory that is removed is not removed with it %s", async (_name, how) => {
    await using at = await directories();
    await symlink(at.path, `${at.path}/link`);
    const its = how === "pods" ? at.its : new PodDirectories(`${at.path}/link`);
    await its.create(pod);
    await mkdir(`${at.path}/machine/deep`, { recursive: true });
    await writeFile(`${at.path}/machine/deep/file`, "precious");
    const places = [
      `${its.path(pod.uid)}/volumes`,
      its.emptyDir(pod.uid, "a b"),
      its.subPath(pod.uid, "data", "main/0"),
    ];
    for (const [index, place] of places.entries()) {
      await mkdir(place, { recursive: true });
      // The first is covered by the others being made below it, and one is mounted twice.
      for (let times = 0; times <= index; times++) mount(`${at.path}/machine`, place, "", MS_BIND, "");
      await mkdir(`${place}/kubernetes.io~empty-dir`, { recursive: true });
    }
    const busy = Bun.spawn(["sleep", "1000"], { cwd: `${places.at(-1)}/deep` });
    try {
      await its.remove(pod.uid);
    } finally {
      busy.kill();
    }
    expect(await readFile(`${at.path}/machine/deep/file`, "utf8")).toBe("precious");
    expect(await its.list()).toEqual([]);
    expect(await mountPoints(at.path)).toEqual([]);
  });

  test("a revision's message files go with its other marks, and no other's", async () => {
    await using at = await directories();
    const other = "00000000-0000-4000-8000-000000000001" as RktUuid;
    for (const [revision, id] of [
      [uuid, "one"],
      [other, "two"],
    ] as const) {
      await mkdir(at.its.container(pod.uid, "main"), { recursive: true });
      await writeFile(`${at.its.container(pod.uid, "main")}/${id}`, "");
      await at.its.setMessageFiles(pod.uid, revision, { id, fallbackToLogs: [] });
    }
    expect(await at.its.messageIds(pod.uid)).toEqual(new Set(["one", "two"]));
    await at.its.removeMarkers(pod.uid, uuid);
    expect(await readdir(at.its.container(pod.uid, "main"))).toEqual(["two"]);
    expect(await at.its.messageFiles(pod.uid, uuid)).toBeUndefined();
    expect(await at.its.messageFiles(pod.uid, other)).toEqual({ id: "two", fallbackToLogs: [] });
  });
});
