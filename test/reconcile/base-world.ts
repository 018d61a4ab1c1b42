// A Pod, a revision and a world in which all is well, to be changed in one thing each.

import { type ConfigObjects, noConfigObjects } from "../../src/pod/config-objects.ts";
import type { Desired } from "../../src/pod/desired.ts";
import {
  type ContentHash,
  type ImageId,
  type PodUid,
  podKey,
  type RktUuid,
  type SpecHash,
} from "../../src/pod/names.ts";
import type { Revision, RevisionState } from "../../src/pod/observed-pod.ts";
import type { Pod, RestartPolicy } from "../../src/pod/pod.ts";
import { containersStage } from "../../src/pod/stage.ts";
import type { Volume } from "../../src/pod/volume.ts";
import type { World } from "../../src/reconcile/plan.ts";
import type { Attempt } from "../../src/reconcile/runtime.ts";
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
}

/** `default/web` with one container, `main`. */
export function basePod(change: PodChange = {}): Pod {
  const { name = "web", restartPolicy = "Always", image = "busybox", command = ["sleep", "1000"] } = change;
  const containers = [{ name: "main", image, command: [...command] }];
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
      containers: containers.map((container) => ({ ...plainContainer, ...container })),
      volumes: change.configMap === undefined ? [] : [configMapVolume(change.configMap)],
      restartPolicy,
    },
    life: plainLife,
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
  /** The last digit of its uuid. */
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
  return {
    uuid: `00000000-0000-4000-8000-00000000000${number}` as RktUuid,
    key: podKey("default", name),
    podUid: (uid ?? `uid-${name}`) as PodUid,
    specHash: hash as SpecHash,
    manifest: `/manifests/${name}.yaml`,
    restartCount: 0,
    backOffMs: 0,
    activeSinceMs: nowMs - 60_000,
    state,
    stage: containersStage,
    networkOf: undefined,
    isPostStarted: true,
    wasReady: false,
    apps: [{ name: "main", imageId: `sha512-${"0".repeat(64)}` as ImageId, state: appState(state) }],
    podIP: "",
    createdAtMs: wallMs - 60_000,
    startedAtMs: state.kind === "prepared" ? undefined : wallMs - 59_000,
    ...change,
  };
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
  return {
    desired: baseDesired(),
    observation: {
      revisions,
      podDirectories: [...new Set(revisions.map(({ podUid }) => podUid))].map((uid) => ({
        uid,
        content,
        accepted: undefined,
        good: undefined,
      })),
    },
    health: new Map(),
    failures: new Map(),
    inFlight: [],
    nowMs,
    ...rest,
  };
}
