// What `rkt prepare` and systemd would be given for a stage of a Pod, made by the same code as the real ones, in a directory that is
// removed again. Invariant: nothing is fetched, mounted or kept, and no value of a Secret is told.

import { mkdtemp, rm } from "node:fs/promises";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { ConfigObjects } from "../pod/config-objects.ts";
import type { ImageId, RktUuid } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import { allContainersOf, podOfStage, type Stage } from "../pod/stage.ts";
import type { Attempt } from "../reconcile/runtime.ts";
import type { AppcPodManifest } from "../rkt/appc.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import type { Image } from "./images.ts";
import type { MachineActs } from "./machine-acts.ts";
import { PodDirectories } from "./pod-directory.ts";
import { PodFiles } from "./pod-files.ts";
import { unitText } from "./prepare-revision.ts";
import { checkWishes, translatePod } from "./translation.ts";

export interface PreviewParts {
  readonly rkt: RktClient;
  readonly isBuiltin: boolean;
  readonly stateDir: string;
  readonly runDir: string;
  readonly network: string;
  readonly stage1Name: string;
  readonly stage1Path: string;
  readonly objects: ConfigObjects;
  readonly hostIP: () => string;
  readonly missingPids: () => string | undefined;
  /** What the store has of a name in a manifest; undefined: nothing. */
  readonly findImage: (image: string) => ImageId | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PreviewedRevision {
  readonly unit: string;
  readonly manifest: AppcPodManifest;
  /** What is not known before the images are fetched; one line each. */
  readonly unknown: readonly string[];
}

/** Of what is known only once there is an rkt pod. */
const nobodysUuid = "00000000-0000-0000-0000-000000000000" as RktUuid;
const nobodysImage = `sha512-${"0".repeat(64)}` as ImageId;

/** `pod` is whole. Throws RuntimeError where the Pod could not be prepared, as far as that is known without its images. */
export async function previewRevision(
  pod: Pod,
  stage: Stage,
  parts: PreviewParts,
  signal: AbortSignal,
): Promise<PreviewedRevision> {
  const { rkt, isBuiltin, stateDir, runDir, stage1Name, stage1Path, clock } = parts;
  await checkWishes(pod, { rkt, isBuiltin, missingPids: parts.missingPids() }, signal);
  const scratch = await mkdtemp(`${runDir}/plan.`);
  try {
    const directories = new PodDirectories(scratch);
    await directories.create(pod);
    const objects = withoutSecrets(parts.objects);
    const files = new PodFiles({ ...parts, directories, acts: noActs, objects: () => objects });
    const { environment, mounts } = await files.setUp(pod, stage);
    const { images, unknown } = await imagesOf(pod, parts, signal);
    const attempt: Attempt = {
      ...{ restartCount: 0, backOffMs: 0, stage, networkOf: undefined, activeSinceMs: undefined },
      ...{ after: [], before: [] },
    };
    const stage1 = { name: stage1Name, path: stage1Path };
    const manifest = translatePod({ pod, images, mounts, environment, attempt, isBuiltin, stage1 });
    const unit = await unitText(
      { uuid: nobodysUuid, preparedMs: clock.nowMs(), order: { after: [], before: [] } },
      { pod, attempt, run: podOfStage(pod, stage), parts: { ...parts, directories }, signal },
    );
    // As if it had been made where it will be.
    const settled = (text: string) => text.replaceAll(`${scratch}/`, `${stateDir}/`);
    return { unit: settled(unit), manifest: JSON.parse(settled(JSON.stringify(manifest))), unknown };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const noActs: MachineActs = {
  checkHostPath: async () => undefined,
  mountForSecrets: async () => undefined,
  mountMemory: async () => undefined,
  mountSubPath: async () => undefined,
  unmountBelow: async () => undefined,
};

/** In place of each value, where it is from. */
function withoutSecrets(objects: ConfigObjects): ConfigObjects {
  const secrets = [...objects.secrets].map(([key, secret]) => {
    const shown = [...secret.data.keys()].map(
      (name) => [name, Buffer.from(`(key ${name} of the Secret ${secret.name})`)] as const,
    );
    return [key, { ...secret, data: new Map(shown) }] as const;
  });
  return { ...objects, secrets: new Map(secrets) };
}

async function imagesOf(
  pod: Pod,
  { rkt, findImage }: PreviewParts,
  signal: AbortSignal,
): Promise<{ readonly images: ReadonlyMap<string, Image>; readonly unknown: readonly string[] }> {
  const unknown: string[] = [];
  const images = new Map<string, Image>();
  for (const { name, image } of allContainersOf(pod.spec)) {
    const id = findImage(image);
    if (id !== undefined) {
      images.set(name, { id, manifest: await rkt.imageManifest(id, signal) });
      continue;
    }
    unknown.push(
      `image ${JSON.stringify(image)} is not in the store: what it brings (program, user, variables, mount points) is not known`,
    );
    images.set(name, { id: nobodysImage, manifest: unknownImage });
  }
  return { images, unknown };
}

const unknownImage: Image["manifest"] = {
  acKind: "ImageManifest",
  acVersion: "0.8.11",
  name: "unknown",
  app: { exec: ["(of the image)"], user: "0", group: "0" },
};
