// How a pod manifest says that the pod is ours and what it was made for. Pure.
// Invariant: nothing here that a real kubelet on the same machine would take for its own (rkt.kubernetes.io/managed-by-kubelet).

import {
  isPodUid,
  isRktUuid,
  type PodKey,
  type PodUid,
  podKey,
  type RktUuid,
  type SpecHash,
} from "../pod/names.ts";
import { containersStage, parseStage, type Stage, serializeStage } from "../pod/stage.ts";
import { type AppcNameValue, type AppcPodManifest, engineAnnotations } from "./appc.ts";

export interface Ownership {
  readonly podUid: PodUid;
  readonly key: PodKey;
  readonly specHash: SpecHash;
  /** Absolute path of the manifest file. */
  readonly manifest: string;
  readonly restartCount: number;
  readonly backOffMs: number;
  readonly stage: Stage;
  /** The pod whose network namespace it runs in. */
  readonly networkOf: RktUuid | undefined;
}

export interface OwnedPod {
  readonly uid: PodUid;
  readonly namespace: string;
  readonly name: string;
  readonly specHash: SpecHash;
  readonly manifest: string;
  readonly restartCount: number;
  readonly backOffMs: number;
  readonly stage: Stage;
  readonly networkOf: RktUuid | undefined;
  /** The built-in engine stops each app with it. */
  readonly graceSeconds: number;
}

const stageName = "gantry.io/stage";
const networkOfName = "gantry.io/network-of";
const managedBy = { name: "gantry.io/managed-by", value: "gantry" };

export function ownershipAnnotations(pod: OwnedPod): readonly AppcNameValue[] {
  return [
    managedBy,
    { name: "io.kubernetes.pod.uid", value: pod.uid },
    { name: "io.kubernetes.pod.name", value: pod.name },
    { name: "io.kubernetes.pod.namespace", value: pod.namespace },
    // What the kubelet calls the pod itself, among its containers.
    { name: "io.kubernetes.container.name", value: "POD" },
    { name: "rkt.kubernetes.io/restart-count", value: String(pod.restartCount) },
    { name: "gantry.io/spec-hash", value: pod.specHash },
    { name: "gantry.io/manifest", value: pod.manifest },
    { name: "gantry.io/back-off-ms", value: String(pod.backOffMs) },
    { name: stageName, value: serializeStage(pod.stage) },
    ...(pod.networkOf === undefined ? [] : [{ name: networkOfName, value: pod.networkOf }]),
    { name: engineAnnotations.gracePeriod, value: String(pod.graceSeconds) },
  ];
}

/** Undefined for a pod that is not ours, and for one that does not say all that we write. */
export function ownershipOf(manifest: AppcPodManifest): Ownership | undefined {
  const annotations = new Map((manifest.annotations ?? []).map(({ name, value }) => [name, value]));
  if (annotations.get(managedBy.name) !== managedBy.value) return undefined;
  const podUid = annotations.get("io.kubernetes.pod.uid");
  const name = annotations.get("io.kubernetes.pod.name");
  const namespace = annotations.get("io.kubernetes.pod.namespace");
  const specHash = annotations.get("gantry.io/spec-hash");
  const file = annotations.get("gantry.io/manifest");
  const restartCount = wholeNumber(annotations.get("rkt.kubernetes.io/restart-count"));
  const backOffMs = wholeNumber(annotations.get("gantry.io/back-off-ms"));
  if (!podUid || !isPodUid(podUid) || !name || !namespace || !specHash || !file) return undefined;
  // A pod of an earlier gantry has neither: all its containers were one run, in a network of its own.
  const stage = parseStage(annotations.get(stageName) ?? serializeStage(containersStage));
  const networkOf = annotations.get(networkOfName);
  if (restartCount === undefined || backOffMs === undefined || stage === undefined) return undefined;
  if (networkOf !== undefined && !isRktUuid(networkOf)) return undefined;
  return {
    podUid,
    key: podKey(namespace, name),
    specHash: specHash as SpecHash,
    manifest: file,
    restartCount,
    backOffMs,
    stage,
    networkOf,
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
