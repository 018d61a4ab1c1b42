// Makes a revision of one stage of a Pod: its directory, its images, its rkt pod, its record, its unit.
// Invariant: the unit file is written last, so that whatever rkt pod has been made can be found again.

import { rm } from "node:fs/promises";
import type { Clock } from "../host/clock.ts";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { writeFileAtomic } from "../host/files.ts";
import { appUnitName, type ImageId, podKey, podKeyOf, podUnitName, type RktUuid } from "../pod/names.ts";
import type { Reason } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { allContainersOf, isFirstStage, podOfStage } from "../pod/stage.ts";
import { type Attempt, RuntimeError } from "../reconcile/runtime.ts";
import type { AppcPodManifest } from "../rkt/appc.ts";
import type { Ownership } from "../rkt/ownership.ts";
import type { PrepareOptions, RktClient } from "../rkt/rkt-client.ts";
import { RktError } from "../rkt/rkt-error.ts";
import { type PodUnitOptions, podUnitText, type UnitOrder } from "../systemd/pod-unit.ts";
import { acceptPod } from "./accept-pod.ts";
import { hooksOf } from "./hooks.ts";
import type { ImageGarbage } from "./image-garbage.ts";
import type { Images, PodImages } from "./images.ts";
import type { Observer } from "./observe.ts";
import type { PodDirectories } from "./pod-directory.ts";
import type { PodFiles } from "./pod-files.ts";
import type { MessageFiles, RevisionRecord } from "./revision-record.ts";
import { checkWishes, podPrepareOptions, podRun, translatePod } from "./translation.ts";

export interface PrepareParts {
  readonly rkt: RktClient;
  readonly observer: Pick<Observer, "revisions">;
  readonly directories: PodDirectories;
  readonly files: PodFiles;
  readonly images: Images;
  readonly garbage: Pick<ImageGarbage, "noteChange" | "noteDiskFull">;
  readonly unitDir: string;
  /** rkt's `--net` for pods without hostNetwork. */
  readonly network: string;
  /** Both empty: rkt's own. */
  readonly stage1Name: string;
  readonly stage1Path: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly isBuiltin: boolean;
  /** Why a pod cannot have process ids of its own and so is refused; undefined: it is not. */
  readonly missingPids: () => string | undefined;
  readonly removeLeftovers: () => Promise<unknown>;
}

/** What a unit is made with. */
export type UnitParts = Pick<PrepareParts, "rkt" | "isBuiltin" | "network" | "directories">;

/** What all steps know. */
interface Preparation<Parts = PrepareParts> {
  readonly pod: Pod;
  readonly attempt: Attempt;
  /** The Pod as that stage sees it. */
  readonly run: Pod;
  readonly parts: Parts;
  readonly signal: AbortSignal;
}

/** The engine's pods take their network down once their apps have ended; half of that is nobody's to find (CNI's ptp forgets its rules). */
const engineTidySeconds = 30;

/** Throws RuntimeError. */
export async function prepareRevision(
  pod: Pod,
  attempt: Attempt,
  parts: PrepareParts,
  signal: AbortSignal,
): Promise<RktUuid> {
  const { rkt, directories, files, garbage, isBuiltin, stage1Name, stage1Path } = parts;
  const run = podOfStage(pod, attempt.stage);
  const preparation = { pod, attempt, run, parts, signal };
  await checkWishes(pod, { rkt, isBuiltin, missingPids: parts.missingPids() }, signal);
  checkNetwork(attempt, isBuiltin);
  const cannot = (what: string) => (error: unknown) => {
    if (error instanceof RuntimeError) throw error;
    if (isDiskFull(error)) garbage.noteDiskFull();
    return asRuntimeError("CreateContainerError", what)(error);
  };
  await makeDirectory(pod, parts).catch(cannot("make the pod's directory"));
  const { environment, mounts, messages } = await files
    .setUp(pod, attempt.stage)
    .catch(cannot("write the pod's files"));
  using images = await ensureImages(preparation);
  garbage.noteChange();
  const stage1 = { name: stage1Name, path: stage1Path };
  const source = { pod, images: images.byContainer, mounts, environment, attempt, isBuiltin, stage1 };
  const manifest = translatePod(source);
  const options = await podPrepareOptions(run, stage1);
  const uuid = await rktPrepare({ manifest, ...options }, preparation);
  try {
    const preparedMs = parts.clock.nowMs();
    await directories.setRecord(
      pod.uid,
      uuid,
      revisionRecord(manifest, { messages, preparedMs }, preparation),
    );
    await writeUnit(uuid, preparedMs, preparation);
  } catch (error) {
    await rkt.remove(uuid, signal).catch(() => undefined);
    await directories.removeTraces(pod.uid, uuid).catch(() => undefined);
    throw new RuntimeError("CreateContainerError", `Cannot write the pod's unit: ${errorChain(error)}`);
  }
  return uuid;
}

function isDiskFull(error: unknown): boolean {
  return error instanceof RktError ? error.isDiskFull : hasErrorCode(error, "ENOSPC", "EDQUOT");
}

function checkNetwork({ networkOf }: Attempt, isBuiltin: boolean): void {
  if (networkOf === undefined || isBuiltin) return;
  throw new RuntimeError(
    "CreateContainerError",
    "rkt cannot start a pod in the network of another: sidecars need the built-in engine, or hostNetwork",
  );
}

/** With what is known to be good of the Pod, also where an edit has given it another uid. */
async function makeDirectory(pod: Pod, { directories, observer }: PrepareParts): Promise<void> {
  await acceptPod(pod, { directories, observer });
  const key = podKeyOf(pod);
  const ofPod = observer.revisions
    .filter((revision) => revision.key === key)
    .sort((a, b) => b.activeSinceMs - a.activeSinceMs);
  await directories.inheritGood(pod.uid, [...new Set(ofPod.map(({ podUid }) => podUid))]);
}

/** With the first stage those of all the others come too. */
function ensureImages({ pod, run, attempt, parts, signal }: Preparation): Promise<PodImages> {
  const containers = isFirstStage(pod.spec, attempt.stage) ? allContainersOf(pod.spec) : run.spec.containers;
  return parts.images.ensure({ ...pod, spec: { ...pod.spec, containers } }, signal);
}

async function rktPrepare(
  { manifest, ...options }: PrepareOptions & { readonly manifest: AppcPodManifest },
  { pod, parts, signal }: Preparation,
): Promise<RktUuid> {
  const { directories, rkt, images, garbage } = parts;
  const file = `${directories.path(pod.uid)}/pod-manifest.json`;
  try {
    await writeFileAtomic(file, JSON.stringify(manifest), 0o600);
    return await rkt.prepare(file, options, signal);
  } catch (error) {
    images.forget();
    if (isDiskFull(error)) garbage.noteDiskFull();
    await parts.removeLeftovers().catch(() => undefined); // the next agent does, then
    throw new RuntimeError("CreateContainerError", `Cannot prepare the pod: ${errorChain(error)}`);
  } finally {
    await rm(file, { force: true });
  }
}

function revisionRecord(
  { apps }: AppcPodManifest,
  { messages, preparedMs }: { readonly messages: MessageFiles; readonly preparedMs: number },
  { pod, run, attempt, parts: { bootId, clock } }: Preparation,
): RevisionRecord {
  const { activeSinceMs = preparedMs } = attempt;
  return {
    ...messages,
    mark: markOf(pod, attempt),
    start: { bootId, preparedMs, preparedAtMs: clock.wallMs(), activeSinceMs },
    apps: (apps ?? []).map(({ name, image }) => ({ name, imageId: image.id as ImageId })),
    hasPostStart: hooksOf(run.spec.containers, "postStart").size > 0,
    preStop: Object.fromEntries(hooksOf(run.spec.containers, "preStop")),
  };
}

function markOf(
  { uid, namespace, name, specHash, source }: Pod,
  { restartCount, backOffMs, stage, networkOf }: Attempt,
): Ownership {
  const key = podKey(namespace, name);
  return { podUid: uid, key, specHash, manifest: source.file, restartCount, backOffMs, stage, networkOf };
}

async function writeUnit(uuid: RktUuid, preparedMs: number, preparation: Preparation): Promise<void> {
  const order = unitOrder(preparation.attempt, preparation.parts);
  const text = await unitText({ uuid, preparedMs, order }, preparation);
  await writeFileAtomic(`${preparation.parts.unitDir}/${podUnitName(uuid)}`, text);
}

/** The unit of one stage of a Pod, which `run` is as that stage sees it. */
export async function unitText(
  { uuid, preparedMs, order }: Pick<PodUnitOptions, "uuid" | "preparedMs" | "order">,
  { pod, attempt, run, parts, signal }: Preparation<UnitParts>,
): Promise<string> {
  const { hostNetwork, terminationGracePeriodSeconds } = pod.spec;
  const { restartCount, backOffMs, stage, networkOf } = attempt;
  return podUnitText({
    uuid,
    pod: { uid: pod.uid, name: pod.name, namespace: pod.namespace, hostNetwork },
    ...{ restartCount, backOffMs, preparedMs, stage, networkOf, order },
    specHash: pod.specHash,
    manifest: pod.source.file,
    ...(await podRun(run, { ...parts, uuid, networkOf, order }, signal)),
    finishedFile: parts.directories.finishedFile(pod.uid, uuid),
    graceSeconds: terminationGracePeriodSeconds,
    tidySeconds: parts.isBuiltin ? engineTidySeconds : undefined,
  });
}

/** The engine's apps are units of their own, which end before their pod's: what comes before an end must come before theirs. */
function unitOrder({ after, before }: Attempt, { observer, isBuiltin }: PrepareParts): UnitOrder {
  const unitsOf = (uuid: RktUuid) => {
    const apps = isBuiltin ? observer.revisions.find((revision) => revision.uuid === uuid)?.apps : undefined;
    return [podUnitName(uuid), ...(apps ?? []).map(({ name }) => appUnitName(uuid, name))];
  };
  return { after: after.flatMap(unitsOf), before: before.flatMap(unitsOf) };
}

export function asRuntimeError(reason: Reason, what: string): (error: unknown) => never {
  return (error) => {
    throw new RuntimeError(reason, `Cannot ${what}: ${errorChain(error)}`);
  };
}
