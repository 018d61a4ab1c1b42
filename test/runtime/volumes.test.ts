// A pod's volumes on a real machine: in memory what belongs there, of the right group, and up to date in place.

import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import type { ConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash } from "../../src/pod/content-hash.ts";
import type { Pod } from "../../src/pod/pod.ts";
import type { ProjectedSource, Volume } from "../../src/pod/volume.ts";
import { machineActs } from "../../src/runtime/machine-acts.ts";
import { PodDirectories } from "../../src/runtime/pod-directory.ts";
import { refreshVolumes, setUpVolumes } from "../../src/runtime/volumes.ts";
import { basePod } from "../reconcile/base-world.ts";
import { tempDir } from "../temp-dir.ts";

const machine = { hostIP: "192.0.2.1", cpuMilli: 1000, memoryBytes: 2 ** 30 };
const secretValue = "hunter2-0fd7";

const source: ProjectedSource = {
  kind: "configMap",
  name: "settings",
  items: undefined,
  optional: false,
  defaultMode: 0o644,
};
const secretSource: ProjectedSource = { ...source, kind: "secret", name: "keys", defaultMode: 0o600 };
const settings: Volume = { name: "settings", kind: "projected", sources: [source], isSecret: false };
const keys: Volume = { name: "keys", kind: "projected", sources: [secretSource], isSecret: true };
const memory = (sizeLimit: number | undefined): Volume => ({
  name: "m",
  kind: "emptyDir",
  medium: "Memory",
  sizeLimit,
});
const disk: Volume = { name: "d", kind: "emptyDir", medium: "", sizeLimit: undefined };

function objects(greeting: string): ConfigObjects {
  const entry = (key: string, text: string) => new Map([[key, new TextEncoder().encode(text)]]);
  return {
    configMaps: new Map([
      ["default/settings", { namespace: "default", name: "settings", data: entry("greeting", greeting) }],
    ]),
    secrets: new Map([
      [
        "default/keys",
        { namespace: "default", name: "keys", type: "Opaque", data: entry("token", secretValue) },
      ],
    ]),
  };
}

/** A pod with these volumes, its directory made. */
async function world(volumes: readonly Volume[], fsGroup?: number) {
  const dir = await tempDir();
  const directories = new PodDirectories(dir.path);
  const base = basePod();
  const securityContext = { ...base.spec.securityContext, fsGroup };
  const pod: Pod = { ...base, spec: { ...base.spec, volumes, securityContext } };
  await directories.create(pod);
  return {
    dir: dir.path,
    pod,
    directories,
    context: (greeting = "hello") => ({
      directories,
      acts: machineActs,
      objects: objects(greeting),
      machine,
      wallMs: 0,
    }),
    async [Symbol.asyncDispose]() {
      await directories.remove(pod.uid);
      await dir[Symbol.asyncDispose]();
    },
  };
}

async function fileSystem(path: string): Promise<string> {
  return (await Bun.$`stat -f -c %T ${path}`.text()).trim();
}

describe("an emptyDir", () => {
  test("is open to every user of the pod's, and keeps what is in it", async () => {
    await using it = await world([disk, memory(undefined)]);
    const paths = await setUpVolumes(it.pod, it.context());
    for (const path of paths.values()) {
      expect((await stat(path)).mode & 0o7777).toBe(0o777);
      await writeFile(`${path}/file`, "kept");
    }
    expect(await setUpVolumes(it.pod, it.context())).toEqual(paths);
    for (const path of paths.values()) expect(await readFile(`${path}/file`, "utf8")).toBe("kept");
  });

  test("is of the pod's fsGroup, and so is what is made in it", async () => {
    await using it = await world([disk, memory(undefined)], 4242);
    for (const path of (await setUpVolumes(it.pod, it.context())).values()) {
      const { mode, gid } = await stat(path);
      expect([mode & 0o7777, gid]).toEqual([0o2777, 4242]);
      await mkdir(`${path}/made`);
      expect((await stat(`${path}/made`)).gid).toBe(4242);
    }
  });

  test("in memory is no larger than its sizeLimit, also when that is changed", async () => {
    const MiB = 1024 ** 2;
    await using it = await world([memory(2 * MiB)]);
    const path = (await setUpVolumes(it.pod, it.context())).get("m") ?? "";
    expect(await fileSystem(path)).toBe("tmpfs");
    await writeFile(`${path}/fits`, Buffer.alloc(MiB));
    await expect(writeFile(`${path}/more`, Buffer.alloc(2 * MiB))).rejects.toMatchObject({ code: "ENOSPC" });
    const larger = { ...it.pod, spec: { ...it.pod.spec, volumes: [memory(4 * MiB)] } };
    await setUpVolumes(larger, it.context());
    await writeFile(`${path}/more`, Buffer.alloc(2 * MiB));
    expect((await readdir(path)).sort()).toEqual(["fits", "more"]);
  });
});

describe("a projected volume", () => {
  test("is written, and brought up to date in place; what it was made from is remembered", async () => {
    await using it = await world([settings]);
    const path = (await setUpVolumes(it.pod, it.context("hello"))).get("settings");
    expect(await readFile(`${path}/greeting`, "utf8")).toBe("hello");
    expect(await it.directories.content(it.pod.uid)).toBe(contentHash(it.pod, objects("hello")));
    await refreshVolumes(it.pod, it.context("good day"));
    expect(await readFile(`${path}/greeting`, "utf8")).toBe("good day");
    expect(await it.directories.content(it.pod.uid)).toBe(contentHash(it.pod, objects("good day")));
  });

  test("that cannot be brought up to date keeps what it holds, the others get theirs, and nothing is remembered", async () => {
    const gone: Volume = { ...settings, name: "gone", sources: [{ ...source, name: "gone" }] };
    await using it = await world([settings]);
    const path = (await setUpVolumes(it.pod, it.context("hello"))).get("settings");
    const asked = { ...it.pod, spec: { ...it.pod.spec, volumes: [gone, settings] } };
    await expect(refreshVolumes(asked, it.context("good day"))).rejects.toMatchObject({
      reason: "FailedMount",
      message: 'MountVolume.SetUp failed for volume "gone" : configmap "gone" not found',
    });
    expect(await readFile(`${path}/greeting`, "utf8")).toBe("good day");
    expect(await it.directories.content(it.pod.uid)).toBeUndefined();
  });

  test("of a Secret is in memory only, for root alone, and gone with the pod", async () => {
    await using it = await world([keys, settings]);
    const paths = await setUpVolumes(it.pod, it.context());
    const path = paths.get("keys") ?? "";
    expect(await fileSystem(path)).toBe("tmpfs");
    expect(path).not.toBe(paths.get("settings") ?? "");
    const mounted = await Bun.$`findmnt -n -o TARGET,OPTIONS -M ${path}`.text();
    expect(mounted).toContain("nosuid,nodev");
    const { mode, uid, gid } = await stat(`${path}/token`);
    expect([mode & 0o7777, uid, gid]).toEqual([0o600, 0, 0]);
    expect(await readFile(`${path}/token`, "utf8")).toBe(secretValue);
    // Without the tmpfs there is nothing of it in the pod's directory.
    const elsewhere =
      await Bun.$`grep -rl ${secretValue} ${it.dir} --exclude-dir=kubernetes.io~projected`.nothrow();
    expect(elsewhere.stdout.toString()).toBe("");
    await it.directories.remove(it.pod.uid);
    expect(await it.directories.look()).toEqual([]);
  });

  test("is readable to the pod's fsGroup", async () => {
    await using it = await world([keys], 4242);
    const path = (await setUpVolumes(it.pod, it.context())).get("keys");
    const { mode, gid } = await stat(`${path}/token`);
    expect([mode & 0o7777, gid]).toEqual([0o640, 4242]);
  });

  test("of the downward API follows a label that is edited", async () => {
    const field = { kind: "field", fieldPath: "metadata.labels['tier']" } as const;
    const items = [{ path: "tier", mode: undefined, source: field }];
    const sources = [{ kind: "downwardAPI", items, defaultMode: 0o644 } as const];
    await using it = await world([{ name: "self", kind: "projected", sources, isSecret: false }]);
    const path = (await setUpVolumes({ ...it.pod, labels: { tier: "front" } }, it.context())).get("self");
    expect(await readFile(`${path}/tier`, "utf8")).toBe("front");
    const edited = { ...it.pod, labels: { tier: "back" } };
    expect(contentHash(edited, objects(""))).not.toBe(await it.directories.content(it.pod.uid));
    await refreshVolumes(edited, it.context());
    expect(await readFile(`${path}/tier`, "utf8")).toBe("back");
  });
});

test("a hostPath that is not what it should be is told in the kubelet's words", async () => {
  const path = "/proc/self/status";
  await using it = await world([{ name: "data", kind: "hostPath", path, type: "Directory" }]);
  await expect(setUpVolumes(it.pod, it.context())).rejects.toMatchObject({
    reason: "FailedMount",
    message: `MountVolume.SetUp failed for volume "data" : hostPath type check failed: ${path} is not a directory`,
  });
});
