// The directory with a real file system under it, and real inotify.

import { expect, test } from "bun:test";
import { mkdir, open, rename, rm, stat, symlink, unlink } from "node:fs/promises";
import { systemClock } from "../../src/host/clock.ts";
import { ManifestDirectory } from "../../src/manifest/directory.ts";
import { type Desired, serializeAcceptedPod } from "../../src/pod/desired.ts";
import type { PodKey } from "../../src/pod/names.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { minimalPod } from "./pod-manifest.ts";
import { namesOf, silent, Watched } from "./watched-directory.ts";

function makePipe(path: string): void {
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
}

test("what is there at the start is there once start() is done", async () => {
  await using watched = await Watched.start(async (path) => {
    await mkdir(path);
    await Bun.write(`${path}/a.yaml`, minimalPod("a"));
    await Bun.write(`${path}/b.json`, JSON.stringify(Bun.YAML.parse(minimalPod("b"))));
  });
  expect(watched.names).toEqual(["a", "b"]);
  expect(watched.directory.desired.unreadable).toBeUndefined();
});

test("added, changed, deleted; and nothing new while nothing changes", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  const before = watched.directory.desired;
  await watched.put("a.yaml", minimalPod("a", "example.com/app:2.0"));
  await waitUntil("the new image", () =>
    watched.directory.desired.pods[0]?.spec.containers[0]?.image.endsWith("2.0"),
  );
  expect(watched.directory.desired.pods[0]?.specHash).not.toBe(before.pods[0]?.specHash as never);
  const changes = watched.history.length;
  await watched.put("a.yaml", minimalPod("a", "example.com/app:2.0")); // the same again, in a new file
  await watched.put("b.yaml", minimalPod("b"));
  await watched.waitForNames("a", "b");
  expect(watched.history.length).toBe(changes + 1);
  await unlink(`${watched.path}/a.yaml`);
  await watched.waitForNames("b");
});

test("a bad edit keeps what was accepted, and tells why; so do a file that grows too big and one that is no text", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  const { pods } = watched.directory.desired;
  for (const [bad, code] of [
    [minimalPod("a").replace("image", "imgae"), "UnknownField"],
    ["a".repeat(10_000_000), "TooLarge"],
    ["", "NotAPod"],
    [new Uint8Array([0x61, 0xff, 0xfe]), "Syntax"],
    [new Uint8Array(1000), "Syntax"],
  ] as const) {
    await Bun.write(`${watched.path}/a.yaml`, bad);
    await waitUntil(code, () => {
      const file = watched.file("a.yaml");
      return file?.state === "rejected" && file.problems.some((problem) => problem.code === code);
    });
    expect(watched.directory.desired.pods).toEqual(pods);
  }
});

test("what was accepted before this process is kept while its file is bad, and goes with its file", async () => {
  await using first = await Watched.start();
  await first.put("a.yaml", minimalPod("a"));
  await first.put("b.yaml", minimalPod("b"));
  await first.waitForNames("a", "b");
  const records = first.directory.desired.pods.map(serializeAcceptedPod);
  const seen = first.directory.desired.pods[0]?.annotations["kubernetes.io/config.seen"];
  await first.directory[Symbol.asyncDispose]();

  await Bun.write(`${first.path}/a.yaml`, "kind: [");
  await unlink(`${first.path}/b.yaml`);
  const open = (accepted: readonly string[]) =>
    new ManifestDirectory({
      path: first.path,
      nodeName: "node1",
      accepted,
      memoryFile: first.memoryFile,
      clock: systemClock,
      log: silent,
      record() {},
      onChange() {},
    });
  {
    await using second = open([...records, "not a record"]);
    expect(namesOf(second.desired)).toEqual(["a", "b"]); // before the first look nothing is missed
    expect(second.desired.unreadable).toBe("not read yet");
    await second.start(new AbortController().signal);
    expect(namesOf(second.desired)).toEqual(["a"]);
    expect(second.desired.files).toMatchObject([{ state: "rejected", problems: [{ code: "Syntax" }] }]);
  }
  await Bun.write(`${first.path}/a.yaml`, minimalPod("a"));
  await using third = open(records);
  await third.start(new AbortController().signal);
  expect(third.desired.pods[0]?.annotations["kubernetes.io/config.seen"]).toBe(seen as string);
});

test("the directory is moved away and made again, slowly: what is not back yet is not missed", async () => {
  const clock = new FakeClock();
  await using watched = await Watched.start(mkdir, { clock });
  const settle = (...names: string[]) =>
    waitUntil(`${names} in place of ${watched.names}`, () => {
      clock.advance(10);
      return Bun.deepEquals(watched.names, names);
    });
  await watched.put("a.yaml", minimalPod("a"));
  await watched.put("c.yaml", minimalPod("c"));
  await settle("a", "c");
  await rename(watched.path, `${watched.path}.away`);
  await waitUntil("not ready", () => watched.directory.desired.unreadable?.includes("is not there"));
  expect(watched.names).toEqual(["a", "c"]);
  await mkdir(watched.path);
  await waitUntil("empty", () => watched.directory.desired.unreadable?.includes("holds no manifest"));
  await watched.put("b.yaml", minimalPod("b"));
  await settle("a", "b", "c");
  expect(watched.directory.desired.unreadable).toContain("still lacks 2 manifests (a.yaml, c.yaml)");
  expect(watched.directory.held as readonly string[]).toEqual(["default/a-node1", "default/c-node1"]);
  await watched.put("c.yaml", minimalPod("c"));
  await waitUntil("a alone to be lacking", () => {
    clock.advance(10);
    return watched.directory.desired.unreadable?.includes("still lacks a manifest (a.yaml)");
  });
  clock.advance(29_000);
  await watched.put("d.yaml", minimalPod("d")); // so it is not done yet
  await settle("a", "b", "c", "d");
  clock.advance(29_000);
  await watched.put("readme", "");
  await Bun.sleep(50); // looks that must not find it quiet
  expect(watched.names).toContain("a");
  clock.advance(31_000);
  await watched.put("readme", "again"); // a hint, in place of the timer of a clock that stands
  await waitUntil("quiet", () => {
    clock.advance(1000);
    return Bun.deepEquals(watched.names, ["b", "c", "d"]);
  });
  expect(watched.directory.desired.unreadable).toBeUndefined();
  expect(watched.directory.held).toEqual([]);
});

test("the directory is moved away and comes back: nothing has happened", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  const { pods } = watched.directory.desired;
  await rename(watched.path, `${watched.path}.away`);
  await waitUntil("not ready", () => watched.directory.desired.unreadable !== undefined);
  await rename(`${watched.path}.away`, watched.path);
  await waitUntil("ready", () => watched.directory.desired.unreadable === undefined);
  expect(watched.directory.desired.pods).toEqual(pods);
  expect(watched.events.map(({ reason }) => reason)).toEqual(["ManifestAccepted", "ManifestsNotReady"]);
});

test("two files that go at once hold the pods until somebody confirms; the last one that goes does not", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.put("b.yaml", minimalPod("b"));
  await watched.put("README", "");
  await watched.waitForNames("a", "b");
  await unlink(`${watched.path}/a.yaml`);
  await unlink(`${watched.path}/b.yaml`);
  const told = await waitUntil("held", () => watched.directory.desired.unreadable);
  expect(told).toBe(
    `${watched.path} holds no manifest any more and lacks 2 manifests (a.yaml, b.yaml). Nothing is deleted: put it back, or, if its pods are to go, confirm that with gantry confirm-delete`,
  );
  expect(watched.names).toEqual(["a", "b"]);
  expect(await watched.directory.confirmDelete()).toEqual({
    deleted: ["default/a-node1" as PodKey, "default/b-node1" as PodKey],
  });
  expect(watched.directory.desired).toMatchObject({ pods: [], unreadable: undefined });
  expect(await watched.directory.confirmDelete()).toEqual({ deleted: [] });

  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  await unlink(`${watched.path}/a.yaml`);
  await watched.waitForNames();
});

test("a directory that is gone is confirmed, and stays so for the next agent", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  await rm(watched.path, { recursive: true });
  await waitUntil("held", () => watched.directory.desired.unreadable);
  expect(await watched.directory.confirmDelete()).toEqual({ deleted: ["default/a-node1" as PodKey] });
  expect(watched.directory.desired).toMatchObject({ pods: [], unreadable: undefined });
  await using next = watched.another();
  await next.start(new AbortController().signal);
  expect(next.desired.unreadable).toBeUndefined();
});

test("what nobody can see cannot be confirmed", async () => {
  await using watched = await Watched.start(async (path) => {
    await symlink(path, path); // ELOOP
  });
  const told = { refusal: expect.stringContaining("cannot be read: ELOOP") };
  expect(await watched.directory.confirmDelete()).toEqual(told);
});

test("the next agent knows that the directory was away", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.put("b.yaml", minimalPod("b"));
  await watched.waitForNames("a", "b");
  const accepted = watched.directory.desired.pods.map(serializeAcceptedPod);
  const ready = await stat(watched.memoryFile);
  await rename(watched.path, `${watched.path}.away`);
  await waitUntil("held", () => watched.directory.desired.unreadable);
  expect((await stat(watched.memoryFile)).ino).not.toBe(ready.ino);
  await watched.directory[Symbol.asyncDispose]();

  await mkdir(watched.path);
  await Bun.write(`${watched.path}/a.yaml`, minimalPod("a"));
  await using next = watched.another(accepted);
  await next.start(new AbortController().signal);
  expect(namesOf(next.desired)).toEqual(["a", "b"]);
  expect(next.desired.unreadable).toContain("still lacks a manifest (b.yaml)");
  expect(await next.confirmDelete()).toEqual({ deleted: ["default/b-node1" as PodKey] });
});

test("the memory is written only when something has changed, and can be lost or broken", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  const { ino } = await stat(watched.memoryFile);
  await watched.put("b.yaml", minimalPod("b"));
  await watched.waitForNames("a", "b");
  expect((await stat(watched.memoryFile)).ino).toBe(ino);
  const accepted = watched.directory.desired.pods.map(serializeAcceptedPod);
  await watched.directory[Symbol.asyncDispose]();
  for (const broken of ["{", "[]", "", `{"path":"/elsewhere","device":"none","isReady":false}`]) {
    await Bun.write(watched.memoryFile, broken);
    await using next = watched.another(accepted);
    await next.start(new AbortController().signal);
    expect(next.desired).toMatchObject({ unreadable: undefined, pods: [{}, {}] });
  }
});

test("the directory is missing at the start, and appears", async () => {
  await using watched = await Watched.start(async () => undefined);
  expect(watched.directory.desired.unreadable).toBe(`${watched.path} is not there`);
  await mkdir(watched.path);
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  expect(watched.directory.desired.unreadable).toBeUndefined();
});

test("the directory is a link, and is led elsewhere", async () => {
  await using watched = await Watched.start(async (path) => {
    for (const name of ["one", "two"]) {
      await mkdir(`${path}.${name}`);
      await Bun.write(`${path}.${name}/${name}.yaml`, minimalPod(name));
    }
    await symlink(`${path}.one`, path);
  });
  expect(watched.names).toEqual(["one"]);
  await symlink(`${watched.path}.two`, `${watched.path}.new`);
  await rename(`${watched.path}.new`, watched.path);
  await watched.waitForNames("two");
  await Bun.write(`${watched.path}.two/more.yaml`, minimalPod("more"));
  await watched.waitForNames("more", "two");
});

test("files behind a ..data link change together", async () => {
  await using watched = await Watched.start(async (path) => {
    for (const version of ["1.0", "2.0"]) {
      await mkdir(`${path}/..${version}`, { recursive: true });
      for (const name of ["a", "b"]) {
        await Bun.write(`${path}/..${version}/${name}.yaml`, minimalPod(name, `example.com/app:${version}`));
      }
    }
    await symlink("..1.0", `${path}/..data`);
    for (const name of ["a", "b"]) await symlink(`..data/${name}.yaml`, `${path}/${name}.yaml`);
  });
  await symlink("..2.0", `${watched.path}/..new`);
  await rename(`${watched.path}/..new`, `${watched.path}/..data`);
  const images = ({ pods }: Desired) => pods.map(({ spec }) => spec.containers[0]?.image.slice(-3));
  await waitUntil("2.0", () => Bun.deepEquals(images(watched.directory.desired), ["2.0", "2.0"]));
  expect(watched.history.map(images)).not.toContainEqual(["1.0", "2.0"]);
  expect(watched.history.every(({ pods }) => pods.length === 2)).toBe(true);
});

test("a file written in pieces counts when it is whole", async () => {
  const clock = new FakeClock(); // no stall of the machine makes the file look finished
  await using watched = await Watched.start(mkdir, { clock });
  const text = `${minimalPod("a")}    - name: second\n      image: example.com/second:1.0\n`;
  const file = await open(`${watched.path}/a.yaml`, "w");
  for (let at = 0; at < text.length; at += 4) {
    await file.write(text.slice(at, at + 4));
    clock.advance(40);
    await Bun.sleep(5); // the writer's pace: more than one look falls in between
  }
  await file.close();
  await waitUntil("the file to count", () => {
    clock.advance(10);
    return watched.names.length === 1;
  });
  expect(watched.directory.desired.pods[0]?.spec.containers).toHaveLength(2);
  expect(watched.history.flatMap(({ files }) => files.map(({ state }) => state))).toEqual(["accepted"]);
});

test("a file that is gone for a moment while an editor saves is not missed", async () => {
  const clock = new FakeClock();
  await using watched = await Watched.start(
    async (path) => {
      await mkdir(path);
      await Bun.write(`${path}/a.yaml`, minimalPod("a"));
    },
    { clock },
  );
  for (let version = 0; version < 10; version++) {
    const text = minimalPod("a", `example.com/app:${version}`);
    await waitUntil("the version before", () => {
      clock.advance(10);
      return watched.directory.desired.pods[0]?.spec.containers[0]?.image.endsWith(
        version ? `:${version - 1}` : ":1.0",
      );
    });
    await unlink(`${watched.path}/a.yaml`);
    clock.advance(40);
    await Bun.sleep(5);
    await watched.put("a.yaml", text);
  }
  expect(watched.history.slice(1).filter(({ pods }) => pods.length === 0)).toEqual([]);
});

test("500 files at once", async () => {
  await using watched = await Watched.start();
  const names = Array.from({ length: 500 }, (_, index) => `p${index}`).sort();
  await Promise.all(names.map((name) => watched.put(`${name}.yaml`, minimalPod(name))));
  await watched.waitForNames(...names);
  await Promise.all(names.slice(1).map((name) => unlink(`${watched.path}/${name}.yaml`)));
  await watched.waitForNames("p0");
}, 20_000);

test("what is no manifest is skipped, listed with the reason, and never opened", async () => {
  await using watched = await Watched.start(async (path) => {
    await mkdir(`${path}/directory.yaml`, { recursive: true });
    for (const name of [
      ".hidden.yaml",
      "a.yaml~",
      "#a.yaml#",
      ".a.yaml.swp",
      "4913",
      "a.yaml.bak",
      "a.yaml.dpkg-dist",
      "a.yaml.rpmnew",
      "a.yaml.ucf-old",
      "README",
      "a.yml.txt",
    ]) {
      await Bun.write(`${path}/${name}`, minimalPod("a"));
    }
    makePipe(`${path}/pipe.yaml`);
    await symlink("nowhere", `${path}/dangling.yaml`);
    await symlink("circle.yaml", `${path}/circle.yaml`);
    await symlink("/dev/zero", `${path}/zero.yaml`);
    await Bun.write(`${path}/real.yml`, minimalPod("real"));
  });
  const found = watched.directory.desired.files.map((file) => [
    file.path.slice(watched.path.length + 1),
    file.state === "skipped" ? file.reason : file.state,
  ]);
  expect(Object.fromEntries(found)).toEqual({
    "#a.yaml#": "an editor's leftover",
    ".a.yaml.swp": "a dot-file",
    ".hidden.yaml": "a dot-file",
    "4913": "an editor's leftover",
    README: "its name does not end in .yaml, .yml or .json",
    "a.yaml.bak": "an editor's leftover",
    "a.yaml.dpkg-dist": "a package manager's leftover",
    "a.yaml.rpmnew": "a package manager's leftover",
    "a.yaml.ucf-old": "a package manager's leftover",
    "a.yaml~": "an editor's leftover",
    "a.yml.txt": "its name does not end in .yaml, .yml or .json",
    "circle.yaml": "a link that leads nowhere",
    "dangling.yaml": "a link that leads nowhere",
    "directory.yaml": "a directory",
    "pipe.yaml": "a named pipe",
    "real.yml": "accepted",
    "zero.yaml": "a device",
  });
});

test("a manifest that becomes a pipe, or a link whose target vanishes, is skipped and its pod stays", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  makePipe(`${watched.path}.pipe`);
  await rename(`${watched.path}.pipe`, `${watched.path}/a.yaml`);
  await watched.waitForState("a.yaml", "skipped");
  expect(watched.names).toEqual(["a"]);
});

test("two files with one name: both are told, the first one's pod stays, and moving it is no conflict", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("web"));
  await watched.waitForNames("web");
  await watched.put("b.yaml", minimalPod("web", "example.com/app:2.0"));
  for (const [name, other] of [
    ["a.yaml", "b.yaml"],
    ["b.yaml", "a.yaml"],
  ] as const) {
    const file = await watched.waitForState(name, "rejected");
    expect(file).toMatchObject({
      problems: [{ code: "Conflict", line: 4, message: expect.stringContaining(`${watched.path}/${other}`) }],
    });
  }
  expect(watched.directory.desired.pods).toMatchObject([{ source: { file: `${watched.path}/a.yaml` } }]);
  await unlink(`${watched.path}/a.yaml`);
  await waitUntil("b to take over", () => watched.file("b.yaml")?.state === "accepted");
  await rename(`${watched.path}/b.yaml`, `${watched.path}/c.yaml`);
  await watched.waitForState("c.yaml", "accepted");
  expect(watched.history.slice(1).every(({ pods }) => pods.length === 1)).toBe(true);
});

test("a single file: changed, bad, and deleted", async () => {
  await using watched = await Watched.start((path) => Bun.write(path, minimalPod("a")));
  expect(watched.names).toEqual(["a"]);
  await rename(await watched.writeAside("new", minimalPod("b")), watched.path);
  await watched.waitForNames("b");
  await Bun.write(watched.path, "kind: [");
  await waitUntil("rejected", () => watched.directory.desired.files[0]?.state === "rejected");
  expect(watched.names).toEqual(["b"]);
  await unlink(watched.path);
  await watched.waitForNames();
});

test("a file where the directory was removes nothing, until it is a manifest itself and that is confirmed", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  await rename(watched.path, `${watched.path}.away`);
  await Bun.write(watched.path, "oops");
  await waitUntil("oops", () => watched.directory.desired.files.some(({ path }) => path === watched.path));
  expect(watched.names).toEqual(["a"]);
  expect(watched.directory.desired.unreadable).toContain("is a file now, and no directory");
  await Bun.write(watched.path, minimalPod("single"));
  await watched.waitForNames("a", "single");
  expect(await watched.directory.confirmDelete()).toEqual({ deleted: ["default/a-node1" as PodKey] });
  expect(watched.names).toEqual(["single"]);
});

test("the directory is removed with all that is in it: its pods stay", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", minimalPod("a"));
  await watched.waitForNames("a");
  await rm(watched.path, { recursive: true });
  await waitUntil("unreadable", () => watched.directory.desired.unreadable !== undefined);
  expect(watched.names).toEqual(["a"]);
});

test("it ends with its signal and with its disposal, also while it waits", async () => {
  await using temp = await tempDir();
  for (const end of ["signal", "dispose"] as const) {
    const directory = new ManifestDirectory({
      path: temp.path,
      nodeName: "n",
      accepted: [],
      memoryFile: `${temp.path}.memory`,
      clock: systemClock,
      log: silent,
      record() {},
      onChange() {},
    });
    const controller = new AbortController();
    await directory.start(controller.signal);
    if (end === "signal") controller.abort();
    await directory[Symbol.asyncDispose]();
  }
});
