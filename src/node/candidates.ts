// Pods that run, with what they asked for and what they use: who may be evicted, and who is over a limit of its own. Pure.

import { podKey } from "../pod/names.ts";
import type { Resource as Amount, Pod } from "../pod/pod.ts";
import { parseQuantity } from "../pod/quantity.ts";
import { type Candidate, formatQuantity } from "./eviction.ts";

import type { LocalExcess } from "./node-pressure.ts";
import type { PodSample } from "./sample.ts";

/** A Pod for each sample; what is not wanted is left out, as it is being stopped anyway. */
export function candidatesOf(pods: readonly Pod[], samples: readonly PodSample[]): readonly Candidate[] {
  return pairs(pods, samples).map(([pod, sample]) => candidate(pod, sample));
}

/** At most one for each Pod: the first of its volumes that holds more than its `sizeLimit`. Memory holds its own limit. */
export function localExcesses(pods: readonly Pod[], samples: readonly PodSample[]): readonly LocalExcess[] {
  return pairs(pods, samples).flatMap(([pod, { volumes }]) => {
    for (const volume of limitedVolumes(pod)) {
      const used = volumes.get(volume.name)?.bytes ?? 0;
      if (used <= volume.sizeLimit) continue;
      const limit = formatQuantity(volume.sizeLimit, "ephemeral-storage");
      const message = `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${limit}".`;
      return [{ key: podKey(pod.namespace, pod.name), signal: "emptydirfs.limit", message }];
    }
    return [];
  });
}

/** Whether what it has on the disk is to be looked at from time to time. */
export function hasLocalLimits(pod: Pod): boolean {
  return limitedVolumes(pod).length > 0;
}

function limitedVolumes({ spec }: Pod): readonly { readonly name: string; readonly sizeLimit: number }[] {
  return spec.volumes.flatMap((volume) =>
    volume.kind === "emptyDir" &&
    volume.medium === "" &&
    volume.sizeLimit !== undefined &&
    volume.sizeLimit > 0
      ? [{ name: volume.name, sizeLimit: volume.sizeLimit }]
      : [],
  );
}

function pairs(pods: readonly Pod[], samples: readonly PodSample[]): readonly (readonly [Pod, PodSample])[] {
  const byUid = new Map(pods.map((pod) => [pod.uid, pod]));
  return samples.flatMap((sample) => {
    const pod = byUid.get(sample.pod.uid);
    return pod === undefined ? [] : [[pod, sample] as const];
  });
}

function candidate(pod: Pod, { memory, tasks, containers, volumes }: PodSample): Candidate {
  const written = containers.flatMap((container) => container.written ?? []);
  const trees = [...written, ...volumes.values()];
  // What init containers asked for counts while they run, and then nothing else does.
  const all = [...pod.spec.containers, ...pod.spec.initContainers];
  const requests = new Map(all.map(({ name, resources }) => [name, bytesOf(resources.memory)]));
  const running = containers.map(({ container }) => container.name);
  return {
    key: podKey(pod.namespace, pod.name),
    uid: pod.uid,
    priority: pod.spec.priority,
    memory: {
      request: running.reduce((sum, name) => sum + (requests.get(name) ?? 0), 0),
      used: memory?.workingSetBytes,
    },
    disk: { request: 0, used: sum(trees.map(({ bytes }) => bytes)) },
    inodes: sum(trees.map(({ inodes = 0 }) => inodes)),
    tasks,
    containers: containers.map(({ container: { name }, ...sample }) => ({
      name,
      memory: { request: requests.get(name) ?? 0, used: sample.memory?.workingSetBytes },
      disk: { request: 0, used: sample.written?.bytes },
    })),
  };
}

function bytesOf(amount: Amount | undefined): number {
  const quantity = parseQuantity(amount?.request ?? "0");
  return quantity.problem === undefined ? Number(quantity.milli) / 1000 : 0;
}

function sum(amounts: readonly number[]): number | undefined {
  return amounts.length === 0 ? undefined : amounts.reduce((total, amount) => total + amount, 0);
}
