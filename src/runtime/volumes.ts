// The host paths behind a pod's volumes.
// Invariants: what is made here is made by us alone, before the pod; the values of Secrets are in memory only (tmpfs).

import { chmod, chown, mkdir } from "node:fs/promises";
import { errorChain } from "../host/error.ts";
import { contentHash } from "../pod/content-hash.ts";
import type { Pod } from "../pod/pod.ts";
import type { Volume } from "../pod/volume.ts";
import { RuntimeError } from "../reconcile/runtime.ts";
import type { Surroundings } from "./environment.ts";
import type { MachineActs } from "./machine-acts.ts";
import { writePayload } from "./payload.ts";
import type { PodDirectories } from "./pod-directory.ts";
import { projectedFiles } from "./projected-files.ts";

export interface VolumeContext extends Surroundings {
  readonly directories: PodDirectories;
  readonly acts: MachineActs;
  readonly wallMs: number;
}

/** Makes what is missing; the host path of each volume by name. Throws RuntimeError (FailedMount). */
export async function setUpVolumes(pod: Pod, context: VolumeContext): Promise<ReadonlyMap<string, string>> {
  return rememberingContent(pod, context, async () => {
    const paths = new Map<string, string>();
    for (const volume of pod.spec.volumes)
      paths.set(volume.name, await setUp(volume, () => setUpVolume(pod, volume, context)));
    return paths;
  });
}

/** Brings projected volumes up to date, all that can be; the others are the pod's own affair. Throws RuntimeError (FailedMount). */
export async function refreshVolumes(pod: Pod, context: VolumeContext): Promise<void> {
  await rememberingContent(pod, context, async () => {
    const projected = pod.spec.volumes.filter(({ kind }) => kind === "projected");
    const results = await Promise.allSettled(
      projected.map((volume) => setUp(volume, () => setUpVolume(pod, volume, context))),
    );
    for (const result of results) if (result.status === "rejected") throw result.reason;
  });
}

async function setUp<T>({ name }: Volume, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    const message = `MountVolume.SetUp failed for volume ${JSON.stringify(name)} : ${errorChain(error)}`;
    throw new RuntimeError("FailedMount", message);
  }
}

async function rememberingContent<T>(
  pod: Pod,
  { directories, objects }: VolumeContext,
  write: () => Promise<T>,
): Promise<T> {
  const content = contentHash(pod, objects);
  const isSame = (await directories.content(pod.uid)) === content;
  if (!isSame) await directories.setContent(pod.uid, undefined);
  const result = await write();
  if (!isSame) await directories.setContent(pod.uid, content);
  return result;
}

async function setUpVolume(pod: Pod, volume: Volume, context: VolumeContext): Promise<string> {
  switch (volume.kind) {
    case "hostPath":
      await context.acts.checkHostPath(volume.path, volume.type);
      return volume.path;
    case "emptyDir": {
      const path = context.directories.emptyDir(pod.uid, volume.name);
      await mkdir(path, { recursive: true });
      if (volume.medium === "Memory") await context.acts.mountMemory(path, volume.sizeLimit ?? null);
      const { fsGroup } = pod.spec.securityContext;
      await chown(path, 0, fsGroup ?? 0);
      // Any user of the pod's may write; with an fsGroup what they make in it is that group's.
      await chmod(path, fsGroup === undefined ? 0o777 : 0o2777);
      return path;
    }
    case "projected": {
      const path = context.directories.projected(pod.uid, volume.name);
      const files = projectedFiles(pod, volume.sources, context);
      await mkdir(path, { recursive: true });
      if (volume.isSecret) await context.acts.mountForSecrets(path);
      const gid = pod.spec.securityContext.fsGroup;
      await writePayload(path, files, { gid, wallMs: context.wallMs });
      return path;
    }
    default:
      return volume satisfies never;
  }
}
