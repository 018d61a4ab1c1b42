// A pod of several runs: init containers end before what comes after them, sidecars stay, and all have one network.

import { expect, test } from "bun:test";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { networkState } from "../engine/network/networked-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine, type MachineOptions, run, uuidOf } from "./machine.ts";

interface Scripts {
  readonly setUp?: string;
  readonly main?: string;
  readonly restartPolicy?: string;
}

/** The sidecar serves what the init container has written; the container tells what it got from there, and what it gets at its end. */
function manifest(machine: Machine, { setUp, main, restartPolicy = "Always" }: Scripts = {}): string {
  const container = (name: string, script: string) => `name: ${name}
      image: ${machine.image}
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
      volumeMounts: [{name: www, mountPath: /www}, {name: story, mountPath: /story}]
`;
  const ask = "wget -qO- http://127.0.0.1:80/greeting";
  const last = `trap '${ask} >>/story/end; echo main >>/story/end; exit 0' TERM`;
  const tell = `until ${ask}; do sleep 0.1; done; mkdir /srv; echo main >/srv/hello; httpd -p 81 -h /srv`;
  return `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {gantry.io/restart-backoff: 1s}
spec:
  terminationGracePeriodSeconds: 5
  restartPolicy: ${restartPolicy}
  initContainers:
    - ${container("set-up", setUp ?? "echo set-up >>/story/begin; echo hello >/www/greeting")}
    - ${container("proxy", "trap 'echo proxy >>/story/end; exit 0' TERM; echo proxy >>/story/begin; httpd -f -p 80 -h /www & wait")}
      restartPolicy: Always
      startupProbe: {tcpSocket: {port: 80}, periodSeconds: 1}
  containers:
    - ${container("main", main ?? `${last}; echo main >>/story/begin; ${tell}; while :; do sleep 0.05; done`)}
      ports: [{containerPort: 81, hostPort: 8181}]
  volumes:
    - {name: www, emptyDir: {}}
    - {name: story, hostPath: {path: ${machine.path}/story}}
`;
}

/** `exit code` of what has ended, else what it is. */
function states({ status }: Pod): Record<string, string> {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return Object.fromEntries(
    all.map(({ name, state }) => [
      name,
      state?.terminated ? `exit ${state.terminated.exitCode}` : state?.running ? "runs" : "waits",
    ]),
  );
}

async function create(options: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.create(options);
  await mkdir(`${machine.path}/story`);
  await machine.startAgent();
  return machine;
}

/** Resolves once it has so many lines. */
const story = (machine: Machine, part: "begin" | "end", count: number) =>
  waitUntil(`${count} lines of the story`, async () => {
    const told = (await readFile(`${machine.path}/story/${part}`, "utf8")).trimEnd().split("\n");
    return told.length >= count && told;
  });
const hello = (port: number) =>
  fetch(`http://127.0.0.1:${port}/hello`, { signal: AbortSignal.timeout(1000) }).then(
    (response) => response.text(),
    () => undefined,
  );
const runs = { "set-up": "exit 0", proxy: "runs", main: "runs" };

test.each([false, true])(
  "stages begin in order and end in the reverse one, in one network, and nothing is left (confined: %p)",
  async (isConfined) => {
    const before = await networkState();
    await using machine = await create({ isConfined });
    await machine.write("web.yaml", manifest(machine));
    const pod = await machine.waitForReady("web");
    expect(states(pod)).toEqual(runs);
    expect(await story(machine, "begin", 3)).toEqual(["set-up", "proxy", "main"]);
    await waitUntil(
      "what the sidecar said",
      async () => (await machine.logs("web", "?container=main")) === "hello\n",
    );
    // The port of the container leads to the network that the sidecar has set up.
    expect(await waitUntil("the host port", () => hello(8181))).toBe("main\n");
    expect((await machine.runningUnits()).size).toBe(2);

    await machine.remove("web.yaml");
    await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0, 20_000);
    expect(await story(machine, "end", 3)).toEqual(["hello", "main", "proxy"]);
    expect(await networkState()).toEqual(before);
  },
);

test("a container that crashes restarts alone, and a sidecar that ends takes those in its network along", async () => {
  await using machine = await create();
  await machine.write("web.yaml", manifest(machine));
  const first = await machine.waitForReady("web");
  await story(machine, "begin", 3);
  const units = [...(await machine.runningUnits()).keys()];
  const sidecar = units.find((unit) => unit !== `gantry-${uuidOf(first)}.service`) ?? "";

  await run("systemctl", "kill", "--signal=KILL", `gantry-${uuidOf(first)}-main.service`);
  const second = await machine.waitForPod(
    "web",
    "restarted",
    (pod) => uuidOf(pod) !== uuidOf(first) && isReady(pod),
  );
  expect((await machine.runningUnits()).has(sidecar)).toBe(true);
  expect(second.status?.podIP).toBe(first.status?.podIP);
  expect(await story(machine, "begin", 4)).toEqual(["set-up", "proxy", "main", "main"]);

  await run("systemctl", "kill", "--signal=KILL", sidecar.replace(".service", "-proxy.service"));
  const third = await machine.waitForPod(
    "web",
    "restarted",
    (pod) => uuidOf(pod) !== uuidOf(second) && isReady(pod),
  );
  expect(states(third)).toEqual(runs);
  expect((await machine.runningUnits()).has(sidecar)).toBe(false);
  expect(await story(machine, "begin", 6)).toEqual(["set-up", "proxy", "main", "main", "proxy", "main"]);
  const ended = third.status?.containerStatuses?.[0]?.lastState?.terminated;
  expect(ended).toMatchObject({
    exitCode: 137,
    reason: "Error",
    message: expect.stringContaining("network"),
  });
});

test("an edit of an init container runs all again, and one that fails is tried again", async () => {
  await using machine = await create();
  await machine.write("web.yaml", manifest(machine));
  await machine.waitForReady("web");
  await machine.write(
    "web.yaml",
    manifest(machine, { setUp: "echo tried >>/story/begin; test -e /story/may-pass" }),
  );
  await machine.waitForPod(
    "web",
    "tried again",
    ({ status }) => (status?.initContainerStatuses?.[0]?.restartCount ?? 0) >= 1,
  );
  expect((await machine.pod("web"))?.status?.phase).toBe("Pending");
  await writeFile(`${machine.path}/story/may-pass`, "");
  await machine.waitForReady("web");
  await waitUntil("the containers to have begun again", async () => {
    const begun = await story(machine, "begin", 6);
    const once = begun.filter((what, index) => what !== begun[index - 1]);
    return Bun.deepEquals(once, ["set-up", "proxy", "main", "tried", "proxy", "main"]);
  });
});

test("with the policy Never a failed init container is the pod's failure, and nothing more is run", async () => {
  await using machine = await create();
  await machine.write("web.yaml", manifest(machine, { setUp: "exit 4", restartPolicy: "Never" }));
  const pod = await machine.waitForPod("web", "failed", ({ status }) => status?.phase === "Failed");
  expect(states(pod)).toEqual({ "set-up": "exit 4", proxy: "waits", main: "waits" });
});
