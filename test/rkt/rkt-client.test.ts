// The client against a replay of a real rkt (test/fakes/recorded-rkt.ts): processes are real, answers recorded.

import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { CommandError } from "../../src/host/command.ts";
import { errorChain } from "../../src/host/error.ts";
import type { ImageId, RktUuid } from "../../src/pod/names.ts";
import { RktClient } from "../../src/rkt/rkt-client.ts";
import { RktError } from "../../src/rkt/rkt-error.ts";
import type { FetchProgress } from "../../src/rkt/rkt-image.ts";
import type { RktTimeouts } from "../../src/rkt/rkt-timeouts.ts";
import { RecordedPods } from "../fakes/recorded-pods.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const { signal } = new AbortController();
const busybox = "sha512-afec53855e9208a62afaa5cec03af213bb4afe866566850cd90576d4fd0a21a4" as ImageId;
const unknown = "deadbeef-dead-beef-dead-beefdeadbeef" as RktUuid;
const command = [`${import.meta.dir}/../fakes/recorded-rkt`] as const;

async function replay(answers: Readonly<Record<string, string>> = {}, timeouts: Partial<RktTimeouts> = {}) {
  const dir = await tempDir();
  const answer = (next: typeof answers) => writeFile(`${dir.path}/answers.json`, JSON.stringify(next));
  await answer(answers);
  const rkt = new RktClient({ command, options: { dir: dir.path }, timeouts });
  const prepare = async (...apps: readonly string[]) => {
    await writeFile(`${dir.path}/manifest.json`, manifest(apps.map((name) => ({ name, hasApp: true }))));
    return rkt.prepare(`${dir.path}/manifest.json`, {}, signal);
  };
  const pods = new RecordedPods(dir.path);
  return { rkt, pods, prepare, answer, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

function manifest(apps: readonly { name: string; hasApp: boolean }[]): string {
  return JSON.stringify({
    acVersion: "0.8.11",
    acKind: "PodManifest",
    apps: apps.map(({ name, hasApp }) => ({
      name,
      image: { name: "example.com/busybox", id: busybox },
      ...(hasApp ? { app: { exec: ["/bin/sh"], user: "0", group: "0" } } : {}),
    })),
  });
}

async function failure(promise: Promise<unknown>): Promise<RktError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RktError) return error;
  throw new Error(`expected an RktError, not ${error}`);
}

describe("global options", () => {
  const uuid = "e3dcc1dd-8349-46c5-9682-6398a1c82e62" as RktUuid;

  test("stand before the subcommand, in the kubelet's order, and only those that are set", () => {
    const options = {
      dir: "/var/data",
      systemConfigDir: "/usr/lib/rkt",
      userConfigDir: "/home/rkt",
      localConfigDir: "/etc/rkt",
      insecureOptions: ["image", "ondisk"],
      debug: true,
    };
    expect(
      new RktClient({ command: ["/bin/rkt"], options }).enterArgv(uuid, "web", ["/bin/sh", "-i"]),
    ).toEqual([
      "/bin/rkt",
      "--debug=true",
      "--insecure-options=image,ondisk",
      "--local-config=/etc/rkt",
      "--user-config=/home/rkt",
      "--system-config=/usr/lib/rkt",
      "--dir=/var/data",
      "enter",
      "--app=web",
      uuid,
      "/bin/sh",
      "-i",
    ]);
    const bare = new RktClient({ command: ["/usr/bin/gantry", "rkt"], options: { dir: undefined } });
    expect(bare.runPreparedArgv(uuid, { net: "host" })).toEqual([
      "/usr/bin/gantry",
      "rkt",
      "run-prepared",
      "--net=host",
      uuid,
    ]);
  });

  const options = {
    insecureOptions: ["image", "ondisk"],
    localConfigDir: "/var/rkt/local/data",
    dir: "/var/data",
  };
  const kubelet = new RktClient({ command: ["/bin/rkt/rkt"], options });
  const rest = "--local-config=/var/rkt/local/data --dir=/var/data run-prepared";
  const dns = { dns: ["127.0.0.1"], dnsSearch: ["."], dnsOpt: ["ndots:5"] };
  test.each([
    [
      "host network",
      { net: "host", hostname: "test-hostname" },
      "image,ondisk",
      "--net=host --hostname=test-hostname",
    ],
    [
      "a network, with DNS",
      { net: "rkt.kubernetes.io", hostname: "pod-hostname-foo", ...dns },
      "image,ondisk",
      "--net=rkt.kubernetes.io --dns=127.0.0.1 --dns-search=. --dns-opt=ndots:5 --hostname=pod-hostname-foo",
    ],
    ["privileged", { net: "host", allRun: true }, "image,ondisk,all-run", "--net=host"],
    ["the machine's IPC", { net: "host", ipc: "parent" }, "image,ondisk", "--net=host --ipc=parent"],
  ])("run-prepared as the kubelet's unit has it: %s", (_what, run, insecure, flags) => {
    expect(kubelet.runPreparedArgv(uuid, run).join(" ")).toBe(
      `/bin/rkt/rkt --insecure-options=${insecure} ${rest} ${flags} ${uuid}`,
    );
  });
});

describe("images", () => {
  test("version, list, manifest, fetch", async () => {
    await using fake = await replay();
    expect(await fake.rkt.version(signal)).toEqual({ rkt: "1.30.0", appc: "0.8.11" });
    expect((await fake.rkt.listImages(signal)).map(({ id, name }) => [id, name])).toEqual([
      [busybox, "example.com/busybox"],
    ]);
    expect((await fake.rkt.imageManifest(busybox, signal)).name).toBe("example.com/busybox");
    expect(await fake.rkt.fetch("docker://busybox:latest", { pullPolicy: "new" }, signal)).toBe(busybox);
  });

  test("an unknown image is not found", async () => {
    await using fake = await replay({ fetch: "10-fly/034" });
    const id = `sha512-${"0".repeat(64)}` as ImageId;
    expect((await failure(fake.rkt.imageManifest(id, signal))).isNotFound).toBe(true);
    const never = await failure(fake.rkt.fetch("example.com/foo", { pullPolicy: "never" }, signal));
    expect(never.isNotFound).toBe(true);
  });

  test.each([
    ["10-fly/027", "no such host"],
    ["10-fly/025", "no such file or directory"],
    ["10-fly/026", "fetch: "],
    ["10-fly/029", "signature verification for docker images is not supported"],
    ["10-fly/020", "busybox.aci.asc"],
  ])("a failed fetch says what rkt said: %s", async (recorded, text) => {
    await using fake = await replay({ fetch: recorded });
    const error = await failure(fake.rkt.fetch("docker://busybox:latest", {}, signal));
    expect(errorChain(error)).toStartWith("rkt cannot fetch image docker://busybox:latest: exit code 254: ");
    expect(error.stderrTail).toContain(text);
    expect({ ...error }).toMatchObject({
      isNotFound: false,
      isBusy: false,
      isTimeout: false,
      isPanic: false,
    });
  });

  test.each([
    ["10-fly/027", true], // no such host
    ["10-fly/031", true], // connection refused
    ["10-fly/025", false], // no such file
    ["10-fly/029", false], // not allowed
  ])("whether the registry was reached is told apart: %s", async (recorded, isUnreachable) => {
    await using fake = await replay({ fetch: recorded });
    expect((await failure(fake.rkt.fetch("docker://busybox:latest", {}, signal))).isUnreachable).toBe(
      isUnreachable,
    );
  });

  test.each([
    ["Unexpected HTTP code: 503, URL: https://quay.io/v2/", true, false],
    ["Unexpected HTTP code: 429, URL: https://quay.io/v2/", true, false],
    ["Unexpected HTTP code: 404, URL: https://quay.io/v2/", false, false],
    ["unexpected EOF", true, false],
    ['Get "https://quay.io/v2/": read: connection reset by peer', true, false],
    ["layer sha256:0123: the server stalls (timeout)", true, false],
    ["manifest of quay.io/timeout/eof:1: access denied (HTTP status code: 403)", false, false],
    ["manifest of quay.io/no such host: not found (HTTP status code: 404)", false, false],
    ["write /var/lib/rkt/tmp/x: no space left on device", false, true],
  ])("what went wrong is told apart by rkt's words: %s", async (stderr, isUnreachable, isDiskFull) => {
    const command = ["/bin/sh", "-c", `echo 'fetch: ${stderr}' >&2; exit 254`] as const;
    const error = await failure(new RktClient({ command, options: {} }).fetch("x", {}, signal));
    expect(error).toMatchObject({ isUnreachable, isDiskFull });
  });

  test("progress is told as it comes, and is no part of an error's text", async () => {
    const script =
      "echo fetch: PROGRESS 1 40 >&2; echo fetch: PROGRESS 40 40 >&2; echo fetch: broken >&2; exit 254";
    const rkt = new RktClient({ command: ["/bin/sh", "-c", script], options: {} });
    const progress: FetchProgress[] = [];
    const error = await failure(rkt.fetch("x", { onProgress: (one) => progress.push(one) }, signal));
    expect(progress).toEqual([
      { doneBytes: 1, totalBytes: 40 },
      { doneBytes: 40, totalBytes: 40 },
    ]);
    expect(errorChain(error)).toBe("rkt cannot fetch image x: exit code 254: fetch: broken");
  });

  test("a fetch may have a user configuration of its own", async () => {
    const command = ["/bin/sh", "-c", 'echo "$*" >&2; exit 254', "rkt"] as const;
    const options = { userConfigDir: "/home/rkt", dir: "/var/data" };
    const rkt = new RktClient({ command, options });
    const { stderrTail } = await failure(rkt.fetch("x", { userConfigDir: "/run/one" }, signal));
    expect(stderrTail).toBe("--user-config=/run/one --dir=/var/data fetch --full x");
    expect((await failure(rkt.fetch("x", {}, signal))).stderrTail).toStartWith("--user-config=/home/rkt ");
  });

  test("a fetch that prints half an id is an error", async () => {
    await using fake = await replay({ fetch: "10-fly/021" });
    expect(errorChain(await failure(fake.rkt.fetch("x", {}, signal)))).toContain("not a full image id");
  });

  test("rkt exits 0 whatever image rm did", async () => {
    await using fake = await replay({ "image rm": "10-fly/221" });
    expect(await fake.rkt.removeImage(busybox, signal)).toBe(true);
    await fake.answer({ "image rm": "10-fly/222" });
    expect(await fake.rkt.removeImage(busybox, signal)).toBe(false);
    await fake.answer({ "image rm": "10-fly/227" });
    expect(errorChain(await failure(fake.rkt.removeImage(busybox, signal)))).toContain("ACIdentifier");
  });
});

describe("a pod's life", () => {
  test("prepared, running, stopped, removed", async () => {
    await using fake = await replay();
    expect(await fake.rkt.listPods(signal)).toEqual([]);
    const uuid = await fake.prepare("web", "db");
    expect(await fake.rkt.catManifest(uuid, signal)).toMatchObject({
      apps: [{ name: "web" }, { name: "db" }],
    });
    expect(await fake.rkt.status(uuid, signal)).toMatchObject({ uuid, state: "prepared" });

    const unit = Bun.spawn([...fake.rkt.runPreparedArgv(uuid, { net: "host" })], { stdout: "pipe" });
    await waitUntil("running", async () => (await fake.rkt.status(uuid, signal)).state === "running");
    expect(await failure(fake.rkt.remove(uuid, signal))).toMatchObject({ isBusy: true, isNotFound: false });
    await fake.rkt.stop(uuid, { force: false }, signal);
    expect(await unit.exited).toBe(0);
    expect(await new Response(unit.stdout).text()).toStartWith("[ 2484.902173] web[6]: started 6\r\n");

    expect((await fake.rkt.status(uuid, signal)).apps.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ["web", 0],
      ["db", 0],
    ]);
    await fake.rkt.stop(uuid, { force: false }, signal); // `already stopped`
    await fake.rkt.remove(uuid, signal);
    expect(await fake.rkt.listPods(signal)).toEqual([]);
  });

  test("stop and remove of what is not there are done; looking at it is an error", async () => {
    await using fake = await replay();
    await fake.rkt.remove(unknown, signal);
    await fake.rkt.stop(unknown, { force: true }, signal);
    expect((await failure(fake.rkt.status(unknown, signal))).isNotFound).toBe(true);
    expect((await failure(fake.rkt.catManifest(unknown, signal))).isNotFound).toBe(true);
  });

  test("stop of a pod that was never run is an error", async () => {
    await using fake = await replay();
    const uuid = await fake.prepare("web");
    expect((await failure(fake.rkt.stop(uuid, { force: false }, signal))).stderrTail).toContain(
      "is not running",
    );
  });
});

describe("listPods", () => {
  test("has also the pods that rkt's JSON leaves out: a failed prepare; gc removes it", async () => {
    await using fake = await replay();
    const uuid = await fake.prepare("web");
    await fake.answer({ prepare: "10-fly/079" });
    const error = await failure(fake.prepare("web"));
    expect(error.stderrTail).toBe("prepare: error setting up stage0: no image IDs found");
    await fake.answer({});
    const pods = await fake.rkt.listPods(signal);
    expect(pods.map((pod) => pod.state).sort()).toEqual(["aborted prepare", "prepared"]);
    expect(pods.find((pod) => pod.uuid === uuid)?.apps).toHaveLength(1);
    await fake.rkt.gc({ graceMs: 30 * 60_000, expirePreparedMs: 24 * 3600_000 }, signal);
    expect((await fake.rkt.listPods(signal)).map((pod) => pod.uuid)).toEqual([uuid]);
  });

  test("survives rkt's panic over somebody's app without `app` section: each other pod is described by itself", async () => {
    await using fake = await replay();
    const uuid = await fake.prepare("web");
    const foreign = randomUUID() as RktUuid;
    fake.pods.add(foreign, manifest([{ name: "x", hasApp: false }]), {
      step: "prepared",
      createdMs: Date.now(),
    });
    expect((await failure(fake.rkt.status(foreign, signal))).isPanic).toBe(true);
    const pods = new Map((await fake.rkt.listPods(signal)).map((pod) => [pod.uuid, pod]));
    expect(pods.get(uuid)).toEqual(await fake.rkt.status(uuid, signal));
    expect(pods.get(foreign)).toMatchObject({ state: "prepared", apps: [] });
    expect(pods.size).toBe(2);
  });

  test.each([
    ["the JSON list fails", { "list --format=json": "00-general/006" }],
    ["the plain list fails as well", { "list --format=json": "10-fly/095", "list --full": "00-general/006" }],
    [
      "the plain list leaves pods out, too",
      { "list --format=json": "10-fly/095", "list --full": "10-fly/105" },
    ],
  ])("is an error when %s", async (_what, answers) => {
    await using fake = await replay(answers);
    expect((await failure(fake.rkt.listPods(signal))).operation).toBe("list pods");
  });

  test("is an error when one pod cannot be looked at", async () => {
    await using fake = await replay(
      { "list --format=json": "10-fly/095", "status --format=json": "hang" },
      { readMs: 500 },
    );
    await fake.prepare("web");
    expect((await failure(fake.rkt.listPods(signal))).isTimeout).toBe(true);
  });
});

describe("a call that does not end", () => {
  test("ends at its timeout", async () => {
    await using fake = await replay({ prepare: "hang" }, { prepareMs: 300 });
    const error = await failure(fake.prepare("web"));
    expect(error.isTimeout).toBe(true);
    expect(await waitUntil("aborted", async () => (await fake.rkt.listPods(signal))[0]?.state)).toBe(
      "aborted prepare",
    );
  });

  test("ends when it is aborted", async () => {
    await using fake = await replay({ list: "hang" });
    const controller = new AbortController();
    const listing = failure(fake.rkt.listPods(controller.signal));
    controller.abort();
    expect((await listing).cause).toMatchObject({ isCanceled: true });
  });

  test("a program that is not there", async () => {
    const rkt = new RktClient({ command: ["/nonexistent/rkt"], options: {} });
    const error = await failure(rkt.version(signal));
    expect(error.cause).toBeInstanceOf(CommandError);
    expect(errorChain(error)).toStartWith("rkt cannot tell its version: /nonexistent/rkt: no such program");
  });
});

test("usage on stdout is no answer", async () => {
  await using fake = await replay({ prepare: "00-general/057" });
  const error = await failure(fake.prepare("web"));
  expect(errorChain(error)).toContain("must provide at least one image or specify the pod manifest");
});
