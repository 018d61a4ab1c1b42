// A Pod, a revision and a world in which all is well, to be changed in one thing each.

import { type ConfigObjects, noConfigObjects } from "../../src/pod/config-objects.ts";
import { acceptedHash, type Desired, serializeAcceptedPod } from "../../src/pod/desired.ts";
import {
  type ContentHash,
  type ImageId,
  type PodUid,
  podKey,
  type RktUuid,
  type SpecHash,
} from "../../src/pod/names.ts";
import type { Revision, RevisionState } from "../../src/pod/observed-pod.ts";
import type { Container, LifeSettings, Pod, PodSpec, RestartPolicy } from "../../src/pod/pod.ts";
import { containersStage, type Stage } from "../../src/pod/stage.ts";
import type { Volume } from "../../src/pod/volume.ts";
import type { Attempt } from "../../src/reconcile/runtime.ts";
import type { World } from "../../src/reconcile/world.ts";
import { plainContainer, plainLife, plainPodSpec } from "../plain-pod.ts";

export const nowMs = 10_000_000;
export const wallMs = Date.UTC(2026, 0, 1, 12);

interface PodChange {
  readonly name?: string;
  readonly uid?: string;
  readonly specHash?: string;
  readonly file?: string;
  readonly restartPolicy?: RestartPolicy;
  readonly image?: string;
  readonly command?: readonly string[];
  /** A ConfigMap of that name is mounted. */
  readonly configMap?: string | undefined;
  readonly initContainers?: readonly (Partial<Container> & { name: string; isSidecar?: boolean })[];
  /** Of the container. */
  readonly container?: Partial<Container>;
  readonly spec?: Partial<PodSpec>;
  readonly life?: Partial<LifeSettings>;
}

/** `default/web` with one container, `main`. */
export function basePod(change: PodChange = {}): Pod {
  const { name = "web", restartPolicy = "Always", image = "busybox", command = ["sleep", "1000"] } = change;
  const containers = [{ name: "main", image, command: [...command] }];
  const initContainers = (change.initContainers ?? []).map((container) => ({
    ...plainContainer,
    image: "busybox",
    isSidecar: false,
    ...container,
  }));
  return {
    uid: (change.uid ?? `uid-${name}`) as PodUid,
    namespace: "default",
    name,
    labels: {},
    annotations: {},
    specHash: (change.specHash ?? "aaaa") as SpecHash,
    source: { file: change.file ?? `/manifests/${name}.yaml`, document: 0 },
    spec: {
      ...plainPodSpec,
      initContainers,
      containers: containers.map((container) => ({ ...plainContainer, ...container, ...change.container })),
      volumes: change.configMap === undefined ? [] : [configMapVolume(change.configMap)],
      restartPolicy,
      ...change.spec,
    },
    life: { ...plainLife, ...change.life },
    wire: {
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name, namespace: "default", labels: { app: name } },
      spec: { containers, restartPolicy },
    },
  };
}

export function configMapVolume(name: string): Volume {
  const source = { kind: "configMap", name, items: undefined, optional: false, defaultMode: 0o644 } as const;
  return { name: "config", kind: "projected", sources: [source], isSecret: false };
}

/** A ConfigMap in namespace `default` with one key. */
export function configMap(name: string, value: string): ConfigObjects {
  const data = new Map([["key", new TextEncoder().encode(value)]]);
  return {
    ...noConfigObjects,
    configMaps: new Map([[`default/${name}`, { namespace: "default", name, data }]]),
  };
}

type RevisionChange = Partial<Omit<Revision, "uuid" | "specHash" | "podUid">> & {
  readonly name?: string;
  /** The last digits of its uuid. */
  readonly number?: number;
  readonly uid?: string;
  readonly hash?: string;
};

/** A running revision of basePod(). */
export function baseRevision({
  name = "web",
  number = 1,
  uid,
  hash = "aaaa",
  ...change
}: RevisionChange = {}): Revision {
  const state = change.state ?? { kind: "running" };
  const { activeSinceMs = nowMs - 60_000 } = change;
  return {
    uuid: uuidOf(number),
    key: podKey("default", name),
    podUid: (uid ?? `uid-${name}`) as PodUid,
    specHash: hash as SpecHash,
    manifest: `/manifests/${name}.yaml`,
    restartCount: 0,
    backOffMs: 0,
    activeSinceMs,
    startedMs: state.kind === "prepared" || activeSinceMs <= 0 ? undefined : activeSinceMs,
    state,
    stage: containersStage,
    networkOf: undefined,
    isPostStarted: true,
    wasReady: state.kind !== "prepared",
    apps: [
      { name: nameOf(change.stage), imageId: `sha512-${"0".repeat(64)}` as ImageId, state: appState(state) },
    ],
    podIP: "",
    createdAtMs: wallMs - 60_000,
    startedAtMs: state.kind === "prepared" ? undefined : wallMs - 59_000,
    ...change,
  };
}

export function uuidOf(number: number): RktUuid {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}` as RktUuid;
}

export const init = (container: string): Stage => ({ kind: "init", container });
export const sidecar = (container: string): Stage => ({ kind: "sidecar", container });

function nameOf(stage: Stage = containersStage): string {
  return stage.kind === "containers" ? "main" : stage.container;
}

function appState({ kind }: RevisionState): Revision["apps"][number]["state"] {
  if (kind === "prepared") return { kind: "created" };
  return kind === "exited" ? exitedApp(1) : { kind: "running" };
}

export function exitedApp(exitCode: number | undefined) {
  return { kind: "exited", exitCode, finishedAtMs: wallMs - 1000, message: "" } as const;
}

/** Of the first start of a Pod without init containers. */
export const firstAttempt: Attempt = {
  restartCount: 0,
  backOffMs: 0,
  stage: containersStage,
  networkOf: undefined,
  activeSinceMs: undefined,
  after: [],
  before: [],
};

/** Ended by itself `agoMs` ago. */
export function exited(
  change: Partial<Extract<RevisionState, { kind: "exited" }>> & { agoMs?: number } = {},
) {
  const { agoMs = 1000, ...rest } = change;
  return {
    kind: "exited",
    finishedAtMs: wallMs - agoMs,
    finishedMs: nowMs - agoMs,
    ranForMs: 58_000,
    isStopped: false,
    isInterrupted: false,
    killed: undefined,
    failure: undefined,
    ...rest,
  } as const;
}

export function baseDesired(change: Partial<Desired> = {}): Desired {
  const pods = change.pods ?? [basePod()];
  return {
    pods,
    files: pods.map((pod) => ({
      path: pod.source.file,
      state: "accepted",
      pods: [podKey(pod.namespace, pod.name)],
    })),
    objects: noConfigObjects,
    unreadable: undefined,
    ...change,
  };
}

/** One pod that runs as written; `content` is what every pod's volumes were written from. */
export function baseWorld(
  change: Partial<Omit<World, "observation">> & {
    revisions?: readonly Revision[];
    content?: ContentHash | undefined;
  } = {},
): World {
  const { revisions = [baseRevision()], content, ...rest } = change;
  const desired = change.desired ?? baseDesired();
  const accepted = new Map(
    [...desired.pods, ...(change.good?.values() ?? [])].map(
      (pod) => [pod.uid, acceptedHash(serializeAcceptedPod(pod))] as const,
    ),
  );
  return {
    desired,
    observation: {
      revisions,
      podDirectories: [...new Set(revisions.map(({ podUid }) => podUid))].map((uid) => ({
        uid,
        content,
        accepted: accepted.get(uid),
        good: undefined,
      })),
    },
    good: new Map(),
    health: new Map(),
    evict: new Map(),
    isDiskShort: false,
    failures: new Map(),
    inFlight: [],
    nowMs,
    ...rest,
  };
}
