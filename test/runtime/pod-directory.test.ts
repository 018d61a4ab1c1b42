import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { mount } from "../../src/host/libc.ts";
import { createLog } from "../../src/host/log.ts";
import { mountPoints, unmountBelow } from "../../src/host/mount-table.ts";
import { acceptedHash, serializeAcceptedPod } from "../../src/pod/desired.ts";
import type { PodUid, RktUuid, SpecHash } from "../../src/pod/names.ts";
import type { Failure } from "../../src/pod/observed-pod.ts";
import { PodDirectories } from "../../src/runtime/pod-directory.ts";
import { noTraces, type RevisionRecord } from "../../src/runtime/revision-record.ts";
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
    expect(await at.its.look()).toEqual([]);
    await at.its.create(pod);
    await mkdir(`${at.path}/pods/.hidden`);
    expect((await at.its.look()).map(({ uid }) => uid)).toEqual([pod.uid]);
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
    expect(await at.its.look()).toEqual([]);
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
    expect(await its.look()).toEqual([]);
    expect(await mountPoints(at.path)).toEqual([]);
  });

  test("a revision's message files go with all else that is kept of it, and no other's", async () => {
    await using at = await directories();
    const other = "00000000-0000-4000-8000-000000000001" as RktUuid;
    for (const [revision, id] of [
      [uuid, "one"],
      [other, "two"],
    ] as const) {
      await mkdir(at.its.container(pod.uid, "main"), { recursive: true });
      await writeFile(`${at.its.container(pod.uid, "main")}/${id}`, "");
      await at.its.setRecord(pod.uid, revision, recordOf(id));
      await at.its.markStop(pod.uid, revision, { cause: undefined, hasHooks: false });
      await at.its.mark(pod.uid, revision, "ready");
    }
    expect(await at.its.messageIds(pod.uid)).toEqual(new Set(["one", "two"]));
    await at.its.removeTraces(pod.uid, uuid);
    await at.its.removeTraces(pod.uid, uuid);
    expect(await readdir(at.its.container(pod.uid, "main"))).toEqual(["two"]);
    expect(await at.its.record(pod.uid, uuid)).toBeUndefined();
    expect(await at.its.record(pod.uid, other)).toEqual(recordOf("two"));
    const [look] = await at.its.look();
    expect([...(look?.revisions.keys() ?? [])]).toEqual([other]);
  });

  test("what is known to be good goes along when an edit gives the Pod another uid, and stays until that one is good", async () => {
    await using at = await directories();
    const edited = { ...pod, uid: "edited" as PodUid, specHash: "bbbb" as SpecHash };
    await at.its.create(pod);
    await at.its.create(edited);
    const good = async () => (await at.its.look()).find(({ uid }) => uid === edited.uid)?.good;
    await at.its.inheritGood(edited.uid, [pod.uid]);
    expect(await good()).toBeUndefined();
    await at.its.setGood(pod.uid, pod);
    await at.its.inheritGood(edited.uid, [pod.uid]);
    expect(await good()).toBe(serializeAcceptedPod(pod));
    await at.its.setGood(edited.uid, edited);
    await at.its.inheritGood(edited.uid, [edited.uid, pod.uid]);
    expect(await good()).toBe(serializeAcceptedPod(edited));
  });
});

test("of emptyDir volumes the content goes, not the volumes, and no link leads out of them", async () => {
  await using at = await directories();
  const outside = `${at.its.path(pod.uid)}/outside`;
  const volume = at.its.emptyDir(pod.uid, "scratch");
  await at.its.clearEmptyDirs(pod.uid); // it has none
  await mkdir(`${volume}/a/b`, { recursive: true });
  await mkdir(outside);
  await writeFile(`${outside}/kept`, "");
  await symlink(outside, `${volume}/link`);
  await symlink(outside, `${volume}/a/link`);
  await at.its.clearEmptyDirs(pod.uid);
  expect(await readdir(volume)).toEqual([]);
  expect(await readdir(outside)).toEqual(["kept"]);
});

test("regression: what a pod had mounted in an emptyDir volume was cleared with it", async () => {
  await using at = await directories();
  await symlink(at.path, `${at.path}/link`);
  const its = new PodDirectories(`${at.path}/link`);
  const [inMemory, shared] = [its.emptyDir(pod.uid, "memory"), `${its.emptyDir(pod.uid, "scratch")}/shared`];
  await mkdir(`${at.path}/machine`);
  await writeFile(`${at.path}/machine/precious`, "");
  for (const place of [inMemory, shared]) await mkdir(place, { recursive: true });
  mount("tmpfs", inMemory, "tmpfs", 0, "");
  mount(`${at.path}/machine`, shared, "", MS_BIND, "");
  await using _unmounted = { [Symbol.asyncDispose]: () => unmountBelow(at.path) };
  expect(its.clearEmptyDirs(pod.uid)).rejects.toThrow("/shared is mounted");
  await its.clearEmptyDirs(pod.uid).catch(() => undefined);
  expect(await readdir(`${at.path}/machine`)).toEqual(["precious"]);

  await unmountBelow(shared);
  await writeFile(`${inMemory}/file`, "");
  await its.clearEmptyDirs(pod.uid);
  expect(await readdir(inMemory)).toEqual([]);
});

describe("a look at the directories", () => {
  const only = async (at: Awaited<ReturnType<typeof directories>>) =>
    (await at.its.look()).find(({ uid }) => uid === pod.uid);
  const traces = async (at: Awaited<ReturnType<typeof directories>>) => (await only(at))?.revisions.get(uuid);

  test("tells what is accepted and what is good, as they change", async () => {
    await using at = await directories();
    await at.its.create(pod);
    expect(await only(at)).toMatchObject({
      content: undefined,
      accepted: acceptedHash(serializeAcceptedPod(pod)),
      good: undefined,
    });
    const edited = { ...pod, wire: { changed: true } };
    await at.its.create(edited);
    await at.its.setGood(pod.uid, edited);
    expect(await only(at)).toMatchObject({
      accepted: acceptedHash(serializeAcceptedPod(edited)),
      good: serializeAcceptedPod(edited),
    });
  });

  test("tells all marks of a revision", async () => {
    await using at = await directories();
    await at.its.create(pod);
    expect(await traces(at)).toBeUndefined();
    await at.its.setRecord(pod.uid, uuid, recordOf("one"));
    expect(await traces(at)).toEqual({ ...noTraces, record: recordOf("one") });
    await at.its.setStarted(pod.uid, uuid, 12_340);
    await at.its.mark(pod.uid, uuid, "post-started");
    await at.its.mark(pod.uid, uuid, "ready");
    const cause: Failure = { reason: "Unhealthy", message: "Liveness probe failed" };
    await at.its.markStop(pod.uid, uuid, { cause, hasHooks: true });
    await at.its.markStop(pod.uid, uuid, { cause: undefined, hasHooks: false });
    await writeFile(at.its.finishedFile(pod.uid, uuid), "12.3 boot success exited 0 end\n");
    await utimes(at.its.finishedFile(pod.uid, uuid), 1000, 1000);
    expect(await traces(at)).toEqual({
      record: recordOf("one"),
      startedMs: 12_340,
      finished: { text: "12.3 boot success exited 0 end\n", writtenAtMs: 1_000_000 },
      stopped: { message: "", hasHooks: false },
      killed: { ...cause, hasHooks: true },
      isPostStarted: true,
      wasReady: true,
    });
    await at.its.unmarkStop(pod.uid, uuid);
    expect(await traces(at)).toMatchObject({ stopped: undefined, killed: undefined, wasReady: true });
  });

  test("regression: of a full disk, why a revision was ended was lost with the marker's content", async () => {
    await using at = await directories();
    await at.its.create(pod);
    await writeFile(`${at.its.path(pod.uid)}/killed-Evicted-${uuid}`, "");
    expect((await traces(at))?.killed).toEqual({ reason: "Evicted", message: "", hasHooks: false });
  });

  test("an end that cannot be read is not absent", async () => {
    await using at = await directories();
    await mkdir(at.its.finishedFile(pod.uid, uuid), { recursive: true });
    expect(at.its.look()).rejects.toMatchObject({ code: "EISDIR" });
  });

  test("what nobody of ours has written keeps it from nothing", async () => {
    await using at = await directories();
    await at.its.create(pod);
    await writeFile(`${at.its.path(pod.uid)}/attempt-${uuid}`, "{");
    await writeFile(`${at.its.path(pod.uid)}/finished-by-hand`, "");
    await writeFile(`${at.path}/pods/file`, "");
    expect((await at.its.look()).map(({ uid }) => uid as string).sort()).toEqual(["file", pod.uid].sort());
    expect(await traces(at)).toEqual(noTraces);
  });

  test("a record of an earlier gantry, which kept only the message files", async () => {
    await using at = await directories();
    await at.its.create(pod);
    await writeFile(`${at.its.path(pod.uid)}/attempt-${uuid}`, '{"id":"one","fallbackToLogs":["main"]}');
    expect((await traces(at))?.record).toEqual({ ...recordOf("one"), fallbackToLogs: ["main"] });
  });
});

function recordOf(id: string): RevisionRecord {
  return {
    id,
    fallbackToLogs: [],
    mark: undefined,
    start: undefined,
    apps: [],
    hasPostStart: false,
    preStop: {},
  };
}
