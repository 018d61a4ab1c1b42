// Hooks as a person sees them: a script that runs when a container has started, and one that runs before it is told to end.

import { expect, test } from "bun:test";
import { mkdir, readFile } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine } from "./machine.ts";

interface Hooks {
  readonly postStart?: string;
  readonly preStop?: string;
}

/** All that happens is told in a file of the machine's. */
function manifest(name: string, machine: Machine, { postStart = "true", preStop = "true" }: Hooks): string {
  const exec = (script: string) => `{exec: {command: [/bin/sh, -c, ${JSON.stringify(script)}]}}`;
  const script = "trap 'echo told >>/story/lines; exit 0' TERM; while :; do sleep 0.05; done";
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  annotations: {gantry.io/restart-backoff: 1s}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 5
  containers:
    - name: main
      image: ${machine.image}
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
      lifecycle:
        postStart: ${exec(postStart)}
        preStop: ${exec(preStop)}
      volumeMounts: [{name: story, mountPath: /story}]
  volumes:
    - {name: story, hostPath: {path: ${machine.path}/story}}
`;
}

async function create(): Promise<Machine> {
  const machine = await Machine.create();
  await mkdir(`${machine.path}/story`);
  await machine.startAgent();
  return machine;
}

const tell = (line: string) => `echo ${line} >>/story/lines`;
const lines = async (machine: Machine) =>
  (await readFile(`${machine.path}/story/lines`, "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => line !== "");
const untilTold = (machine: Machine, wanted: readonly string[]) =>
  waitUntil(wanted.join(", "), async () => Bun.deepEquals(await lines(machine), wanted)).catch(async () => {
    expect(await lines(machine)).toEqual([...wanted]);
  });

test("a pod is not Ready before its postStart hook has run, and an edited hook restarts nothing and is the one that runs", async () => {
  await using machine = await create();
  await machine.write(
    "web.yaml",
    manifest("web", machine, { postStart: `sleep 0.5; ${tell("started")}`, preStop: tell("old") }),
  );
  await machine.waitForReady("web");
  expect(await lines(machine)).toEqual(["started"]);
  const units = await machine.runningUnits();

  await machine.write(
    "web.yaml",
    manifest("web", machine, { postStart: tell("again"), preStop: tell("new") }),
  );
  await waitUntil("the edit to be kept", async () => {
    const kept = await Bun.$`cat ${machine.path}/state/pods/*/manifest.json`.quiet().text();
    return kept.includes("echo new");
  });
  expect(await machine.runningUnits()).toEqual(units);
  await machine.remove("web.yaml");
  await untilTold(machine, ["started", "new", "told"]);
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
});

test("regression: a postStart hook that hangs could not be mended by an edit", async () => {
  await using machine = await create();
  await machine.write("web.yaml", manifest("web", machine, { postStart: `${tell("hangs")}; sleep 1000` }));
  await untilTold(machine, ["hangs"]);
  const units = await machine.runningUnits();
  expect(isReady((await machine.pod("web")) ?? {})).toBe(false);
  await machine.write("web.yaml", manifest("web", machine, { postStart: tell("mended") }));
  await machine.waitForReady("web");
  expect(await lines(machine)).toEqual(["hangs", "mended"]);
  expect(await machine.runningUnits()).toEqual(units);
});

test("a pod whose manifest went away while no agent ran ends by its hook too", async () => {
  await using machine = await create();
  await machine.write("web.yaml", manifest("web", machine, { preStop: tell("hook") }));
  await machine.write("other.yaml", manifest("other", machine, {}));
  await machine.waitForReady("web");
  await machine.waitForReady("other");
  await machine.stopAgent("SIGKILL");
  await machine.remove("web.yaml");
  await machine.startAgent();
  await untilTold(machine, ["hook", "told"]);
});

test("an edit ends the old by its hook before the new begins", async () => {
  await using machine = await create();
  const text = manifest("web", machine, { postStart: tell("begun"), preStop: `sleep 0.3; ${tell("hook")}` });
  await machine.write("web.yaml", text);
  await machine.waitForReady("web");
  await machine.write(
    "web.yaml",
    text.replace("terminationGracePeriodSeconds: 5", "terminationGracePeriodSeconds: 6"),
  );
  await untilTold(machine, ["begun", "hook", "told", "begun"]);
});

test("a postStart hook that fails is the container's end, and it is started again with back-off", async () => {
  await using machine = await create();
  const once = "test -e /story/lines && exit 0; echo secret; echo failed >>/story/lines; exit 3";
  await machine.write("web.yaml", manifest("web", machine, { postStart: once }));
  const pod = await machine.waitForPod(
    "web",
    "restarted",
    (it) => isReady(it) && it.status?.containerStatuses?.[0]?.restartCount === 1,
  );
  const message =
    `PostStartHook failed: Exec lifecycle hook ([/bin/sh -c ${once}]) for Container "main" in Pod "default/web-node" ` +
    "failed - error: command exited with 3";
  expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.message).toBe(message);
  const events = await (await machine.get("/events")).text();
  expect(events).toContain("FailedPostStartHook");
  expect(await lines(machine)).toEqual(["failed", "told"]);
});
