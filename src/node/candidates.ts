// Pods that run, with what they asked for and what they use: who may be evicted, and who is over a limit of its own. Pure.

import { podKeyOf } from "../pod/names.ts";
import type { Resource as Amount, Container, Pod } from "../pod/pod.ts";
import { parseQuantity } from "../pod/quantity.ts";
import { type Candidate, formatQuantity } from "./eviction.ts";
import type { LocalExcess } from "./node-pressure.ts";
import { isWrittenUnknown, type PodSample, writtenBy } from "./sample.ts";

/** A Pod for each sample; what is not wanted is left out, as it is being stopped anyway. */
export function candidatesOf(pods: readonly Pod[], samples: readonly PodSample[]): readonly Candidate[] {
  return pairs(pods, samples).map(([pod, sample]) => candidate(pod, sample));
}

/** At most one for each Pod: what it has on the disk that is more than a limit of its own. Memory holds its own limits. */
export function localExcesses(pods: readonly Pod[], samples: readonly PodSample[]): readonly LocalExcess[] {
  return pairs(pods, samples).flatMap(([pod, sample]) => {
    const excess = volumeExcess(pod, sample) ?? podExcess(pod, sample) ?? containerExcess(pod, sample);
    return excess === undefined ? [] : [{ key: podKeyOf(pod), ...excess }];
  });
}

/** Whether what it has on the disk is to be looked at from time to time. */
export function hasLocalLimits(pod: Pod): boolean {
  return limitedVolumes(pod).length > 0 || storageLimits(pod).size > 0;
}

/** The signals and the words are the kubelet's (pkg/kubelet/eviction/eviction_manager.go). */
type Excess = Omit<LocalExcess, "key">;

function volumeExcess(pod: Pod, { volumes }: PodSample): Excess | undefined {
  const over = limitedVolumes(pod).find(({ name, limit }) => (volumes.get(name)?.bytes ?? 0) > limit);
  if (over === undefined) return undefined;
  const message = `Usage of EmptyDir volume "${over.name}" exceeds the limit "${bytesText(over.limit)}".`;
  return { signal: "emptydirfs.limit", message };
}

function podExcess(pod: Pod, sample: PodSample): Excess | undefined {
  const limits = storageLimits(pod);
  const limit = sum(limits.values());
  const used = sum(writtenBy(sample).map(({ bytes }) => bytes));
  if (limits.size === 0 || used <= limit) return undefined;
  const message = `Pod ephemeral local storage usage exceeds the total limit of containers ${bytesText(limit)}.`;
  return { signal: "ephemeralpodfs.limit", message };
}

function containerExcess(pod: Pod, { containers }: PodSample): Excess | undefined {
  const limits = storageLimits(pod);
  for (const { container, written } of containers) {
    const limit = limits.get(container.name);
    if (limit === undefined || (written?.bytes ?? 0) <= limit) continue;
    const message = `Container ${container.name} exceeded its local ephemeral storage limit "${bytesText(limit)}".`;
    return { signal: "ephemeralcontainerfs.limit", message };
  }
  return undefined;
}

function limitedVolumes({ spec }: Pod): readonly { readonly name: string; readonly limit: number }[] {
  return spec.volumes.flatMap((volume) =>
    volume.kind === "emptyDir" && volume.medium === "" && volume.sizeLimit
      ? [{ name: volume.name, limit: volume.sizeLimit }]
      : [],
  );
}

/** By container; as with the kubelet those of the containers proper. */
function storageLimits({ spec }: Pod): ReadonlyMap<string, number> {
  return new Map(
    spec.containers.flatMap(({ name, resources }) => {
      const limit = bytesOf(resources.ephemeralStorage?.limit);
      return limit > 0 ? [[name, limit] as const] : [];
    }),
  );
}

function pairs(pods: readonly Pod[], samples: readonly PodSample[]): readonly (readonly [Pod, PodSample])[] {
  const byUid = new Map(pods.map((pod) => [pod.uid, pod]));
  return samples.flatMap((sample) => {
    const pod = byUid.get(sample.pod.uid);
    return pod === undefined ? [] : [[pod, sample] as const];
  });
}

function candidate(pod: Pod, sample: PodSample): Candidate {
  const trees = writtenBy(sample);
  const isUnknown = trees.length === 0 && isWrittenUnknown(sample);
  // What init containers asked for counts while they run, and then nothing else does.
  const all = [...pod.spec.containers, ...pod.spec.initContainers];
  const running = sample.containers.map(({ container: { name }, memory, written }) => {
    const container = all.find((each) => each.name === name);
    return {
      name,
      memory: { request: requestOf(container, "memory"), used: memory?.workingSetBytes },
      disk: { request: requestOf(container, "ephemeralStorage"), used: written?.bytes },
    };
  });
  return {
    key: podKeyOf(pod),
    uid: pod.uid,
    priority: pod.spec.priority,
    memory: {
      request: sum(running.map(({ memory }) => memory.request)),
      used: sample.memory?.workingSetBytes,
    },
    disk: {
      request: sum(running.map(({ disk }) => disk.request)),
      used: isUnknown ? undefined : sum(trees.map(({ bytes }) => bytes)),
    },
    inodes: isUnknown ? undefined : sum(trees.map(({ inodes = 0 }) => inodes)),
    tasks: sample.tasks,
    containers: running,
  };
}

function requestOf(container: Container | undefined, resource: "memory" | "ephemeralStorage"): number {
  const amount: Amount | undefined = container?.resources[resource];
  return bytesOf(amount?.request);
}

function bytesOf(text = "0"): number {
  const quantity = parseQuantity(text);
  return quantity.problem === undefined ? Number(quantity.milli) / 1000 : 0;
}

function bytesText(bytes: number): string {
  return formatQuantity(bytes, "ephemeral-storage");
}

function sum(amounts: Iterable<number>): number {
  return [...amounts].reduce((total, amount) => total + amount, 0);
}
