// Worlds as they may be found, made by fast-check: whatever an agent, a person, a crash or a reboot may have left.

import fc from "fast-check";
import { noConfigObjects } from "../../src/pod/config-objects.ts";
import type { PodKey } from "../../src/pod/names.ts";
import { podKey } from "../../src/pod/names.ts";
import type { Failure, Reason, Revision, RevisionState } from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { containersStage, type Stage } from "../../src/pod/stage.ts";
import { actionId } from "../../src/reconcile/action.ts";
import { plan } from "../../src/reconcile/plan.ts";
import type { AttemptFailure, World } from "../../src/reconcile/world.ts";
import { plainProbe } from "../plain-pod.ts";
import {
  baseDesired,
  basePod,
  baseRevision,
  configMap,
  exited,
  exitedApp,
  init,
  nowMs,
  sidecar,
  uuidOf,
} from "./base-world.ts";

const names = ["job", "db", "web"] as const;
const hashes = ["aaaa", "bbbb"] as const;
const endsWell = ["sh", "-c", "exit 0"];

const life = fc.constantFrom(
  { restartPolicy: "Always", command: ["sleep", "1000"] } as const,
  { restartPolicy: "OnFailure", command: endsWell } as const,
  { restartPolicy: "Never", command: ["sh", "-c", "exit 3"] } as const,
);

/** Whatever happens to it, it comes to rest: one that never ends, or one that its policy lets end. */
const restingPod = fc
  .record({
    name: fc.constantFrom(...names),
    specHash: fc.constantFrom(...hashes),
    uid: fc.constantFrom("one", "two"),
    configMap: fc.constantFrom("settings", undefined),
    life,
    initContainers: fc.subarray([
      { name: "first", command: endsWell },
      { name: "beside", isSidecar: true },
      { name: "second", command: endsWell },
      { name: "also", isSidecar: true, postStart: { kind: "sleep", seconds: 1 } as const },
    ]),
    hostNetwork: fc.boolean(),
    activeDeadlineSeconds: fc.constantFrom(undefined, undefined, 60),
    rollbackAfterMs: fc.constantFrom(undefined, 30_000),
    readinessProbe: fc.constantFrom(undefined, undefined, plainProbe),
    comesAfterOthers: fc.boolean(),
  })
  .map(({ life: lived, uid, name, hostNetwork, activeDeadlineSeconds, ...more }) => ({
    comesAfterOthers: more.comesAfterOthers,
    pod: basePod({
      ...more,
      ...lived,
      name,
      uid: `${uid}-${name}`,
      container: { readinessProbe: more.readinessProbe },
      spec: { hostNetwork, activeDeadlineSeconds },
      life: { rollbackAfterMs: more.rollbackAfterMs },
    }),
  }));

/** Some wait for those before them that can be waited for: that become Ready, or are done. */
const pods = fc
  .uniqueArray(restingPod, { selector: ({ pod }) => pod.name, maxLength: 3 })
  .map((made): readonly Pod[] =>
    made.map(({ pod, comesAfterOthers }, index) => {
      const others = made.slice(0, index).filter((other) => canBeAwaited(other.pod));
      const after = comesAfterOthers
        ? others.map(({ pod: { namespace, name } }) => podKey(namespace, name))
        : [];
      return { ...pod, life: { ...pod.life, after } };
    }),
  );

function canBeAwaited({ spec }: Pod): boolean {
  return (
    spec.restartPolicy !== "Never" &&
    spec.activeDeadlineSeconds === undefined &&
    spec.containers.every(({ readinessProbe }) => readinessProbe === undefined)
  );
}

const killed = fc.constantFrom<Reason | undefined>(
  undefined,
  undefined,
  undefined,
  "Unhealthy",
  "SandboxChanged",
  "Evicted",
  "DeadlineExceeded",
  "RolledBack",
);

const state = fc.oneof(
  fc.constantFrom<RevisionState>({ kind: "prepared" }, { kind: "running" }),
  fc
    .record({
      // No pod is prepared, started and over within a step of the clock; the longest ago is before this boot.
      agoMs: fc.oneof(fc.integer({ min: 10, max: 700_000 }), fc.constant(nowMs + 5000)),
      isStopped: fc.boolean(),
      isInterrupted: fc.boolean(),
      ranForMs: fc.nat(700_000),
      killed,
    })
    .map(({ killed: reason, ...change }) =>
      exited({ ...change, killed: reason && !change.isStopped ? { reason, message: "" } : undefined }),
    ),
);

const stage = fc.constantFrom<Stage>(
  containersStage,
  containersStage,
  init("first"),
  init("second"),
  sidecar("beside"),
  sidecar("also"),
);

const revision = fc
  .record({
    name: fc.constantFrom(...names, "gone"),
    uid: fc.constantFrom("one", "two"),
    hash: fc.constantFrom(...hashes),
    stage,
    state,
    restartCount: fc.nat(9),
    backOffMs: fc.constantFrom(0, 10_000, 160_000, 300_000),
    activeSinceMs: fc.constantFrom(-20_000, nowMs - 800_000, nowMs - 1000),
    startedMs: fc.constantFrom(undefined, nowMs - 700_000, nowMs - 900),
    isPostStarted: fc.boolean(),
    wasReady: fc.boolean(),
    networkOf: fc.constantFrom(undefined, undefined, uuidOf(0), uuidOf(1)),
    exitCode: fc.constantFrom(0, 3, undefined),
  })
  .map(({ exitCode, uid, name, ...change }) => {
    const made = baseRevision({ ...change, name, uid: `${uid}-${name}` });
    const apps = made.apps.map((app) => ({ ...app, state: exitedApp(exitCode) }));
    return change.state.kind === "exited" ? { ...made, apps } : made;
  });

export const revisions = fc
  .array(revision, { maxLength: 8 })
  .map((all) => all.map((one, index): Revision => ({ ...one, uuid: uuidOf(index) })));

const objects = fc.constantFrom(noConfigObjects, configMap("settings", "a"), configMap("settings", "b"));

export const desired = fc
  .record({ pods, objects, isReadable: fc.boolean(), rejected: fc.subarray([...names, "gone"]) })
  .map(({ isReadable, rejected, ...wanted }) =>
    baseDesired({
      ...wanted,
      files: rejected.map((name) => ({
        path: `/manifests/${name}.yaml`,
        state: "rejected",
        problems: [],
        excerpt: [],
      })),
      unreadable: isReadable ? undefined : "EIO",
    }),
  );

const pressure: Failure = { reason: "Evicted", message: "The node was low on resource: memory" };

export const evict = fc
  .subarray(names.map((name) => podKey("default", name)))
  .map((keys): ReadonlyMap<PodKey, Failure> => new Map(keys.map((key) => [key, pressure])));

/** Any world, with failures and actions in flight of what an earlier plan asked for. */
export const world = fc
  .record({
    desired,
    revisions,
    /** Of which Pods another version was Ready before. */
    good: fc.subarray([...names]),
    unhealthy: fc.subarray([0, 1, 2, 3]),
    evict,
    isDiskShort: fc.boolean(),
    failing: fc.nat(7),
    flying: fc.nat(7),
    retryInMs: fc.integer({ min: -5, max: 5 }),
  })
  .map((it): World => {
    const unhealthy = { isStarted: true, isReady: false, unhealthy: { message: "", graceSeconds: 1 } };
    const calm: World = {
      desired: it.desired,
      observation: {
        revisions: it.revisions,
        podDirectories: it.revisions.map(({ podUid }) => ({
          uid: podUid,
          content: undefined,
          accepted: undefined,
          good: undefined,
        })),
      },
      good: new Map(
        it.desired.pods
          .filter(({ name }) => it.good.some((good) => good === name))
          .map((pod) => [pod.uid, basePod({ name: pod.name, specHash: "cccc", uid: "good" })]),
      ),
      health: new Map(it.unhealthy.map((index) => [uuidOf(index), new Map([["main", unhealthy]])])),
      evict: it.evict,
      isDiskShort: it.isDiskShort,
      failures: new Map(),
      inFlight: [],
      nowMs,
    };
    const asked = plan(calm).actions;
    const chosen = (mask: number) => asked.filter((_action, index) => mask & (1 << index));
    const failure: AttemptFailure = {
      failure: { reason: "ErrImagePull", message: "" },
      count: 1,
      retryAtMs: nowMs + it.retryInMs,
    };
    const failures = new Map(chosen(it.failing).map((action) => [actionId(action), failure]));
    return { ...calm, failures, inFlight: chosen(it.flying) };
  });
