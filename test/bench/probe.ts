// What a probe by `exec` costs: all that is done for it, by whomever, of which the agent itself is the least.

import { readFile } from "node:fs/promises";
import { Machine } from "../e2e/machine.ts";
import { benchPod } from "./bench-pod.ts";
import type { Figure } from "./figure.ts";
import { repeat } from "./rounds.ts";

const podCount = 10;
const seconds = 10;
const probe = '      readinessProbe: {exec: {command: ["true"]}, periodSeconds: 1}\n';

export async function probeFigures(): Promise<readonly Figure[]> {
  const floor = await cpuOfProbes(false);
  const what = "a probe by exec, agent as installed; floor: agent that may do all itself";
  return [{ what, unit: "ms of CPU", samples: await cpuOfProbes(true), floor }];
}

async function cpuOfProbes(isConfined: boolean): Promise<readonly number[]> {
  await using machine = await Machine.create({ isConfined });
  await machine.startAgent();
  const script = "exec sleep 100000";
  const names = Array.from({ length: podCount }, (_, index) => `probed-${index}`);
  for (const name of names)
    await machine.write(`${name}.yaml`, benchPod({ name, image: machine.image, script, more: probe }));
  for (const name of names) await machine.waitForReady(name);
  return await repeat(3, async () => {
    const before = [await cpuMs(), await probes(machine)] as const;
    await Bun.sleep(seconds * 1000);
    return ((await cpuMs()) - before[0]) / ((await probes(machine)) - before[1]);
  });
}

async function probes(machine: Machine): Promise<number> {
  const metrics = await (await machine.get("/metrics")).text();
  const counts = [...metrics.matchAll(/^prober_probe_total\{.*\} (\d+)$/gm)].map(([, count]) =>
    Number(count),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Of everything in this systemd. */
async function cpuMs(): Promise<number> {
  const nanoseconds = await readFile("/sys/fs/cgroup/cpuacct/cpuacct.usage", "utf8").catch(() => undefined);
  if (nanoseconds !== undefined) return Number(nanoseconds) / 1_000_000;
  const stat = await readFile("/sys/fs/cgroup/cpu.stat", "utf8");
  return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / 1000;
}
