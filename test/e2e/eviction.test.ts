// A machine that is short of something: who goes, in which order, what is told of it, and that all come back.

import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import type { Node, Pod } from "kubernetes-types/core/v1.d.ts";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine } from "./machine.ts";

/** Holds so many MiB of memory. */
function holder(name: string, image: string, mebibytes: number, priority = 0): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
spec:
  hostNetwork: true
  priority: ${priority}
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command:
        - /bin/sh
        - -c
        - head -c ${mebibytes * 1024 * 1024} /dev/zero | tail -c ${mebibytes * 1024 * 1024} | sleep 1000
`;
}

interface ListedEvent {
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

async function events(machine: Machine): Promise<readonly ListedEvent[]> {
  const response = await machine.get("/events");
  return ((await response.json()) as { items: readonly ListedEvent[] }).items;
}

const isEvicted = (pod: Pod) => pod.status?.phase === "Failed" && pod.status.reason === "Evicted";

async function memoryPressure(machine: Machine): Promise<string | undefined> {
  const node = (await (await machine.get("/node")).json()) as Node;
  const condition = node.status?.conditions?.find(({ type }) => type === "MemoryPressure");
  return condition && `${condition.status} ${condition.reason}`;
}

test("short of memory: the largest of the least important goes first, a new agent starts none, and without the threshold all come back", async () => {
  await using machine = await Machine.create({ isConfined: true });
  await machine.startAgent();
  expect(await memoryPressure(machine)).toBe("False KubeletHasSufficientMemory");
  const pods: readonly [name: string, mebibytes: number, priority: number][] = [
    ["small", 2, 0],
    ["large", 30, 0],
    ["important", 60, 1000],
    ["critical", 60, 2_000_000_000],
  ];
  for (const [name, mebibytes, priority] of pods)
    await machine.write(`${name}.yaml`, holder(name, machine.image, mebibytes, priority));
  for (const [name] of pods) await machine.waitForReady(name);

  // A reload is enough for the threshold to count.
  const config = `${machine.path}/config.yaml`;
  const flags = [`--config=${config}`];
  await machine.stopAgent();
  await writeFile(config, "");
  await machine.startAgent("/readyz", flags);
  await writeFile(config, 'evictionHard: ["memory.available<999Gi"]\n');
  process.kill(machine.agentPid, "SIGHUP");
  for (const [name] of pods) await machine.waitForPod(name, "evicted", isEvicted, 60_000);
  expect(await memoryPressure(machine)).toBe("True KubeletHasInsufficientMemory");
  const told = await events(machine);
  const evicted = told.filter(({ reason }) => reason === "Evicted");
  expect(evicted.map(({ involvedObject }) => involvedObject?.name)).toEqual(
    ["large", "small", "important", "critical"].map((name) => `${name}-node`),
  );
  for (const { message } of evicted)
    expect(message).toMatch(
      /^The node was low on resource: memory\. Threshold quantity: 999Gi, available: \d+Ki\. Container main was using \d+Ki?, request is 0, has larger consumption of memory\.$/,
    );
  expect(told.map(({ reason }) => reason)).toContain("NodeHasInsufficientMemory");
  expect(told.find(({ reason }) => reason === "EvictionThresholdMet")?.message).toBe(
    "Attempting to reclaim memory",
  );
  expect(await (await machine.get("/metrics")).text()).toContain(
    'kubelet_evictions{eviction_signal="memory.available"} 4\n',
  );
  await waitUntil("the last to have ended", async () => (await machine.runningUnits()).size === 0);

  // Under the same pressure a new agent starts none of them.
  await machine.stopAgent("SIGKILL");
  await machine.startAgent("/readyz", flags);
  await waitUntil("a look at the machine", async () => (await machine.pods()).every(isEvicted));
  expect((await machine.runningUnits()).size).toBe(0);

  await writeFile(config, "");
  process.kill(machine.agentPid, "SIGHUP");
  for (const [name] of pods) await machine.waitForPod(name, "back", isReady, 30_000);
  expect(await memoryPressure(machine)).toBe("False KubeletHasSufficientMemory");
}, 120_000);

test("regression: what came back had emptied volumes, and its init containers were not run", async () => {
  await using machine = await Machine.create();
  const config = `${machine.path}/config.yaml`;
  await writeFile(config, "");
  await machine.startAgent("/readyz", [`--config=${config}`]);
  const container = (name: string, script: string) => `- name: ${name}
      image: ${machine.image}
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
      volumeMounts: [{name: data, mountPath: /data}]`;
  await machine.write(
    "web.yaml",
    `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
  initContainers:
    ${container("fill", "echo filled >/data/file")}
  containers:
    ${container("main", "cat /data/file || exit 1; exec sleep 1000")}
  volumes:
    - {name: data, emptyDir: {}}
`,
  );
  await machine.waitForReady("web");
  await writeFile(config, 'evictionHard: ["memory.available<999Gi"]\n');
  process.kill(machine.agentPid, "SIGHUP");
  await machine.waitForPod("web", "evicted", isEvicted, 60_000);
  await waitUntil("its end", async () => (await machine.runningUnits()).size === 0);
  await writeFile(config, "");
  process.kill(machine.agentPid, "SIGHUP");
  const back = await machine.waitForPod("web", "back", isReady, 30_000);
  await waitUntil("its line", async () => (await machine.logs("web")) === "filled\n");
  expect(back.status?.containerStatuses?.[0]?.restartCount).toBe(1);
}, 120_000);
