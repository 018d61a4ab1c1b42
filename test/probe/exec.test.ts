// exec probes in a real container: they have its user, capabilities and cgroup, and the deadline ends what they have started there.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemTimers } from "../../src/host/clock.ts";
import type { RktUuid } from "../../src/pod/names.ts";
import { createCheck } from "../../src/probe/check.ts";
import type { CheckResult } from "../../src/probe/check-result.ts";
import type { Enter } from "../../src/probe/exec.ts";
import { RktClient } from "../../src/rkt/rkt-client.ts";
import { lines, type Pod, runningPod, scripts } from "../engine/running-pod.ts";
import { waitUntil } from "../wait-until.ts";

const { signal } = new AbortController();
let pod: Pod;
let own: readonly string[];

beforeAll(async () => {
  const isolators = [{ name: "os/linux/capabilities-retain-set", value: { set: ["CAP_KILL"] } }];
  const script = "cat /proc/self/cgroup; echo up; while :; do sleep 1; done";
  pod = await runningPod(scripts({ web: script }, { user: "100", group: "101", isolators }));
  own = await lines(pod, "web", "up");
});
afterAll(() => pod[Symbol.asyncDispose]());

function check(script: string, { timeoutMs = 10_000, uuid = pod.uuid } = {}): Promise<CheckResult> {
  const command = [process.execPath, `${import.meta.dir}/../../src/main.ts`, "rkt"] as const;
  const rkt = new RktClient({ command, options: { dir: `${pod.world.path}/rkt` } });
  const enter: Enter = (...asked) => rkt.enter(...asked);
  const run = createCheck({ enter, timers: systemTimers, version: "1.2.3" });
  const handler = { kind: "exec", command: ["/bin/sh", "-c", script] } as const;
  return run(handler, { uuid: uuid as RktUuid, container: "web", address: "" }, { timeoutMs, signal });
}

/** The pids of what has this word among its arguments, as the machine sees them. */
async function pidsOf(word: string): Promise<readonly string[]> {
  const found = await Bun.$`pgrep -f ${word}`.quiet().nothrow().text();
  return found.split("\n").filter((pid) => pid !== "");
}

test("the exit code decides", async () => {
  expect(await check("exit 0")).toEqual({ kind: "success" });
  expect(await check("echo not yet; exit 3")).toEqual({ kind: "failure", message: "not yet\n" });
});

test("the user, capabilities and cgroup are the container's", async () => {
  const script = "id -u; id -g; grep CapBnd /proc/self/status; cat /proc/self/cgroup; exit 1";
  const result = await check(script);
  if (result.kind !== "failure") throw new Error(`it came to ${JSON.stringify(result)}`);
  const [uid, gid, capabilities, ...cgroups] = result.message.trimEnd().split("\n");
  expect([uid, gid, capabilities]).toEqual(["100", "101", "CapBnd:\t0000000000000020"]);
  expect([...cgroups, "up"]).toEqual([...own]);
});

test("a program that is not there is a failure", async () => {
  expect(await check("exec /nonexistent")).toMatchObject({ kind: "failure" });
});

test("at the deadline what it has started in the container is killed", async () => {
  const word = String(100_000 + Math.floor(Math.random() * 100_000));
  const checking = check(`trap '' TERM; sleep ${word} & sleep ${word}`, { timeoutMs: 2000 });
  await waitUntil("both to run", async () => (await pidsOf(`^sleep ${word}`)).length === 2);
  expect(await checking).toEqual({
    kind: "failure",
    message: `command "/bin/sh -c trap '' TERM; sleep ${word} & sleep ${word}" timed out`,
  });
  await waitUntil("both to be gone", async () => (await pidsOf(`^sleep ${word}`)).length === 0);
});

test("of a pod that is not there says nothing", async () => {
  const uuid = "e3dcc1dd-8349-46c5-9682-6398a1c82e62";
  expect(await check("true", { uuid })).toMatchObject({ kind: "error" });
});
