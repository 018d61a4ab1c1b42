// The agent drives a real rkt's output: every state and failure that was recorded, end to end.

import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RecordedPods } from "../fakes/recorded-pods.ts";
import { recording } from "../fakes/recording.ts";
import { busProxy } from "../faults/bus-proxy.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";
import { manifest } from "./manifest.ts";

const rktPath = join(import.meta.dir, "../fakes/recorded-rkt");
const image = "example.com/busybox:1.35.0";

interface RktMachine {
  readonly machine: Machine;
  /** What rkt answers from now on, by the start of its arguments. */
  answer(answers: Readonly<Record<string, string>>): Promise<void>;
  readonly pods: RecordedPods;
}

async function rktMachine(): Promise<RktMachine> {
  const machine = await Machine.create({ rktPath, flags: ["--rkt-dir=/tmp/recorded-rkt"] });
  await run("rm", "-rf", "/tmp/recorded-rkt");
  const pods = new RecordedPods("/tmp/recorded-rkt");
  return {
    machine,
    pods,
    answer: async (answers) => {
      await Bun.write("/tmp/recorded-rkt/answers.json", JSON.stringify(answers));
    },
  };
}

test("two apps share a console: each has its own log, running, adopted and dead", async () => {
  const { machine } = await rktMachine();
  await using _ = machine;
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image, scripts: { main: "x", side: "y" } }));
  const before = await machine.waitForReady("web");
  const uuid = uuidOf(before);
  const console = recording("25-host-plain/128").stdout;
  const expected = console.split("\n").flatMap((line) => /\]: (.*?)\r?$/.exec(line)?.[1] ?? []);
  for (const app of ["main", "side"]) {
    await waitUntil(`the lines of ${app}`, async () => {
      const lines = (await machine.logs("web", `?container=${app}`)).trimEnd().split("\n");
      return lines.length >= expected.length && expect(lines).toEqual(expected) === undefined;
    });
    expect((await machine.logs("web", `?container=${app}&tailLines=1`)).trimEnd()).toBe(
      expected.at(-1) ?? "",
    );
  }

  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  expect(uuidOf(await machine.waitForReady("web"))).toBe(uuid);

  await machine.remove("web.yaml");
  await waitUntil("the pod to be gone", async () => (await machine.pods()).length === 0);
});

test("a foreign pod that makes `list --format=json` panic does not hide ours, and is left alone", async () => {
  const { machine, pods } = await rktMachine();
  await using _ = machine;
  const foreign = "00000000-1111-4222-8333-444444444444";
  const noApp = {
    acVersion: "0.8.11",
    acKind: "PodManifest",
    apps: [{ name: "x", image: { id: "sha512-0" } }],
  };
  pods.add(foreign, JSON.stringify(noApp), { step: "prepared", createdMs: Date.now() });
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image }));
  await machine.waitForReady("web");
  await machine.remove("web.yaml");
  await waitUntil("ours to be removed", () => pods.all().length === 1);
  expect(pods.all()[0]?.uuid).toBe(foreign);
});

test("a foreign pod whose manifest rkt cannot print does not hide ours, and is left alone", async () => {
  const { machine, pods, answer } = await rktMachine();
  await using _ = machine;
  const foreign = "00000000-1111-4222-8333-444444444444";
  const empty = { acVersion: "0.8.11", acKind: "PodManifest", apps: [] };
  pods.add(foreign, JSON.stringify(empty), { step: "prepared", createdMs: Date.now() });
  await answer({ "cat-manifest": "10-fly/027" });
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image }));
  await machine.waitForReady("web");
  await machine.remove("web.yaml");
  await waitUntil("ours to be removed", () => pods.all().length === 1);
  expect(pods.all()[0]?.uuid).toBe(foreign);
  expect(machine.log.split("taken for somebody else's")).toHaveLength(2);
});

test("what comes after a sidecar cannot join its network: that is told, where it has one", async () => {
  const { machine } = await rktMachine();
  await using _ = machine;
  await machine.startAgent();
  const withSidecar = (name: string) =>
    manifest(name, { image }).replace(
      "  containers:",
      `  initContainers: [{name: proxy, image: ${image}, command: [x], restartPolicy: Always}]\n  containers:`,
    );
  await machine.write("host.yaml", withSidecar("host"));
  await machine.waitForReady("host");
  await machine.write("own.yaml", withSidecar("own").replace("  hostNetwork: true\n", ""));
  const own = await machine.waitForPod(
    "own",
    "refused",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CreateContainerError",
  );
  expect(own.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain(
    "sidecars need the built-in engine, or hostNetwork",
  );
});

test("a failed prepare is shown with rkt's words, and what it aborted hides nothing", async () => {
  const { machine, answer } = await rktMachine();
  await using _ = machine;
  await machine.startAgent();
  await machine.write("good.yaml", manifest("good", { image }));
  await machine.waitForReady("good");
  await answer({ prepare: "10-fly/091" });
  await machine.write("bad.yaml", manifest("bad", { image }));
  const bad = await machine.waitForPod(
    "bad",
    "failing",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CreateContainerError",
  );
  const { message } = bad.status?.containerStatuses?.[0]?.state?.waiting ?? {};
  expect(message).toContain(
    recording("10-fly/091")
      .stderr.replace(/^prepare: /, "")
      .trim()
      .slice(0, 40),
  );
  await machine.waitForReady("good");
});

test.each([
  ["refused for its signature", "10-fly/020"],
  ["no ACI", "10-fly/026"],
  ["without a network", "10-fly/027"],
])("an image that rkt cannot fetch (%s): ErrImagePull with rkt's words", async (_what, name) => {
  const { machine, answer } = await rktMachine();
  await using _ = machine;
  await answer({ fetch: name });
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: "example.com/other:1" }));
  const pod = await machine.waitForPod("web", "failing", (it) =>
    ["ErrImagePull", "ImagePullBackOff"].includes(
      it.status?.containerStatuses?.[0]?.state?.waiting?.reason ?? "",
    ),
  );
  const { message } = pod.status?.containerStatuses?.[0]?.state?.waiting ?? {};
  expect(message).toContain(
    recording(name)
      .stderr.trim()
      .split("\n")
      .at(-1)
      ?.replace(/^fetch: /, "")
      .slice(0, 40) ?? "",
  );
});

test("a pod that exits 5 and one whose program is missing (203): their codes are in the status", async () => {
  const { machine, answer } = await rktMachine();
  await using _ = machine;
  await answer({ "run-prepared": "25-host-plain/119" });
  await machine.startAgent();
  await machine.write("five.yaml", manifest("five", { image, restartPolicy: "Never" }));
  const five = await machine.waitForPod("five", "Failed", (pod) => pod.status?.phase === "Failed");
  expect(five.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
    exitCode: 5,
    reason: "Error",
  });
  await answer({ "run-prepared": "25-host-plain/123" });
  await machine.write("none.yaml", manifest("none", { image, restartPolicy: "Never" }));
  const none = await machine.waitForPod("none", "Failed", (pod) => pod.status?.phase === "Failed");
  expect(none.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ reason: "StartError" });
});

test("a list that fails or prints garbage removes nothing; the agent says so, and goes on when rkt works again", async () => {
  const { machine, answer, pods } = await rktMachine();
  await using _ = machine;
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image }));
  await machine.waitForReady("web");
  const units = await machine.runningUnits();
  for (const garbage of ["10-fly/027", "00-general/006", "10-fly/166"]) {
    await answer({ list: garbage });
    await machine.write(
      "more.yaml",
      manifest("more", { image, labels: { answer: garbage.replace("/", "-") } }),
    );
    await waitUntil("the agent to say so", async () =>
      (await (await machine.get("/readyz")).text()).includes("reconcile"),
    );
    for (const [unit, invocation] of units) expect((await machine.runningUnits()).get(unit)).toBe(invocation);
    expect((await machine.pod("web"))?.status?.phase).toBe("Running");
    await answer({});
    await waitUntil("the agent to be well", async () => (await machine.get("/readyz")).ok, 60_000);
  }
  await machine.waitForReady("more");
  expect((await machine.runningUnits()).size).toBe(2);
  expect(pods.all().filter(({ state }) => state === "running")).toHaveLength(2);
}, 120_000);

describe("what is too old is refused at the start, in one line", () => {
  async function refusal(options: Parameters<typeof Machine.create>[0]): Promise<readonly string[]> {
    await using machine = await Machine.create(options);
    const agent = await machine.spawnAgent();
    expect(await agent.exited).toBe(1);
    await waitUntil("its last words", () => machine.log.includes("Cannot run"));
    const lines = machine.log
      .trimEnd()
      .split("\n")
      .filter((line) => !/^\S+ info /.test(line));
    return lines.map((line) => line.replace(/^\S+Z /, ""));
  }

  test("an rkt", async () => {
    await using dir = await tempDir();
    const { stdout } = recording("00-general/001");
    const old = stdout.replace("rkt Version: 1.30.0", "rkt Version: 1.12.0");
    await writeFile(`${dir.path}/rkt`, `#!/bin/sh\ncat <<'END'\n${old}END\n`, { mode: 0o755 });
    expect(await refusal({ rktPath: `${dir.path}/rkt` })).toEqual([
      'error Cannot run error="rkt 1.12.0 is too old, at least 1.13.0 is needed"',
    ]);
  });

  test.each([
    ["the engine", "builtin", "246", 247],
    ["a real rkt", rktPath, "218", 219],
  ])("a systemd for %s", async (_what, path, major, minimum) => {
    await using dir = await tempDir();
    const version = (await run("systemctl", "show", "--value", "-p", "Version")).trim();
    const old = major + version.slice(major.length);
    using _ = await busProxy(`${dir.path}/bus`, { instead: [version, old] });
    const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${dir.path}/bus` };
    expect(await refusal({ rktPath: path, env, flags: ["--rkt-dir=/tmp/recorded-rkt"] })).toEqual([
      `error Cannot run error=${JSON.stringify(`systemd version(${old}) is too old, requires at least ${minimum}`)}`,
    ]);
  });
});
