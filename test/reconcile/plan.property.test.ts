// What holds of every plan, whatever the world is.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { podKey } from "../../src/pod/names.ts";
import { isLive, type Revision } from "../../src/pod/observed-pod.ts";
import type { Pod, PodSpec } from "../../src/pod/pod.ts";
import { type Stage, serializeStage, stagesOf } from "../../src/pod/stage.ts";
import { type Action, type ActionOf, BusyPods } from "../../src/reconcile/action.ts";
import { plan } from "../../src/reconcile/plan.ts";
import type { World } from "../../src/reconcile/world.ts";
import { world } from "./any-world.ts";

const runs = { numRuns: 500 };
const holds = (title: string, check: (it: World) => void) =>
  test(title, () => {
    fc.assert(fc.property(world, check), runs);
  });

describe("a plan", () => {
  holds("is the same when it is made twice, and changes nothing that it is made of", (it) => {
    const before = structuredClone(it);
    expect(plan(it)).toEqual(plan(it));
    expect(it).toEqual(before);
  });

  holds("has at most one action a pod, and none for a pod that has one in flight", (it) => {
    const busy = new BusyPods(it.inFlight);
    for (const action of plan(it).actions) {
      expect(busy.isBusy(action)).toBe(false);
      busy.take(action);
    }
  });

  holds("touches only what is in the world", (it) => {
    const known = new Set(it.observation.revisions);
    for (const action of plan(it).actions) {
      for (const touched of touchedBy(action)) expect(known.has(touched)).toBe(true);
      if (action.kind === "removePodDirectory")
        expect(it.observation.podDirectories.map(({ uid }) => uid)).toContain(action.uid);
    }
  });

  holds(
    "replaces and removes nothing, and stops nothing without a cause, where the directory is unreadable",
    (it) => {
      const { actions } = plan({ ...it, desired: { ...it.desired, unreadable: "EIO" } });
      for (const action of actions) {
        if (action.kind === "run") expect(action.replaces).toEqual([]);
        else if (action.kind === "stop") expect(action.stop.cause).toBeDefined();
        else expect(action.kind).toBeOneOf(["postStart", "markReady"]);
      }
    },
  );

  holds("touches nothing of a rejected file that is not known to be wanted otherwise", (it) => {
    const wanted = new Set(it.desired.pods.map(({ namespace, name }) => podKey(namespace, name)));
    const rejected = new Set(
      it.desired.files.flatMap(({ path, state }) => (state === "rejected" ? [path] : [])),
    );
    for (const touched of plan(it).actions.flatMap(touchedBy))
      expect(wanted.has(touched.key) || !rejected.has(touched.manifest)).toBe(true);
  });

  holds("stops nothing that runs as written without a cause, but a second one and what is over", (it) => {
    const { actions, pods } = plan(it);
    for (const { revisions, stop, reason, key } of stops(actions)) {
      if (stop.cause !== undefined || reason === "completed") continue;
      const pod = pods.find(({ namespace, name }) => podKey(namespace, name) === key);
      const left = it.observation.revisions.filter((one) => one.key === key && !revisions.includes(one));
      for (const stopped of revisions.filter((one) => pod && isUpAsWritten(one, pod)))
        expect(left.some((one) => pod && isUpAsWritten(one, pod) && stageOf(one) === stageOf(stopped))).toBe(
          true,
        );
    }
  });

  holds("replaces nothing that runs as it is to run", (it) => {
    const { actions } = plan(it);
    for (const { pod, replaces } of starts(actions))
      expect(replaces.filter((one) => isUpAsWritten(one, pod))).toEqual([]);
  });

  holds("starts no stage that is live, and none beside another version", (it) => {
    for (const { key, pod, attempt, replaces } of starts(plan(it).actions))
      for (const other of it.observation.revisions.filter((one) => one.key === key && isLive(one))) {
        if (replaces.includes(other)) continue;
        expect(other.specHash).toBe(pod.specHash);
        expect(stageOf(other)).not.toBe(serializeStage(attempt.stage));
      }
  });

  holds(
    "starts no stage before the init containers that come before it have succeeded in this boot",
    (it) => {
      for (const { key, pod, attempt, replaces } of starts(plan(it).actions)) {
        const mine = it.observation.revisions.filter(
          (one) => one.key === key && one.specHash === pod.specHash,
        );
        const isReached = mine.some((one) => one.stage.kind === "containers" && hasRunInThisBoot(one));
        if (isReached && replaces.length === 0) continue;
        for (const before of stagesBefore(pod.spec, attempt.stage))
          if (before.kind === "init")
            expect(
              mine.some(
                (one) =>
                  serializeStage(one.stage) === serializeStage(before) &&
                  hasRunInThisBoot(one) &&
                  one.apps.every(({ state }) => state.kind === "exited" && state.exitCode === 0),
              ),
            ).toBe(true);
      }
    },
  );

  holds("lets a network be shared only with a live revision of the same pod", (it) => {
    for (const { key, attempt } of starts(plan(it).actions)) {
      if (attempt.networkOf === undefined) continue;
      const owner = it.observation.revisions.find(({ uuid }) => uuid === attempt.networkOf);
      expect(owner).toMatchObject({ key, networkOf: undefined, state: { kind: "running" } });
    }
  });

  holds("starts nothing that is evicted, and nothing whose deadline is over", (it) => {
    for (const { key, pod, attempt } of starts(plan(it).actions)) {
      expect(it.evict.has(key)).toBe(false);
      const { activeDeadlineSeconds } = pod.spec;
      if (activeDeadlineSeconds !== undefined && attempt.activeSinceMs !== undefined)
        expect(attempt.activeSinceMs + activeDeadlineSeconds * 1000).toBeGreaterThan(it.nowMs);
    }
  });

  holds("runs another version than the wanted one only where a rollback is asked for, and says so", (it) => {
    const { pods, waiting } = plan(it);
    for (const [index, wanted] of it.desired.pods.entries()) {
      const told = waiting.get(podKey(wanted.namespace, wanted.name)) ?? [];
      const isOther = pods[index]?.specHash !== wanted.specHash;
      expect(told.some(({ kind }) => kind === "rolledBack")).toBe(isOther);
      if (isOther) expect(wanted.life.rollbackAfterMs).toBeDefined();
    }
  });

  holds("says of every wanted pod of which nothing runs why, or it is over", (it) => {
    const { waiting, pods } = plan({ ...it, failures: new Map(), inFlight: [] });
    for (const { namespace, name, specHash, spec } of pods) {
      const key = podKey(namespace, name);
      const mine = it.observation.revisions.filter((one) => one.key === key);
      if (mine.some(isLive) || waiting.has(key)) continue;
      expect(spec.restartPolicy).not.toBe("Always");
      expect(mine.some((one) => one.specHash === specHash && one.state.kind === "exited")).toBe(true);
    }
  });
});

/** The revisions that an action ends or removes. */
function touchedBy(action: Action): readonly Revision[] {
  switch (action.kind) {
    case "run":
      return action.replaces;
    case "stop":
      return action.revisions;
    case "remove":
      return [action.revision];
    case "postStart":
    case "markReady":
    case "refresh":
    case "removePodDirectory":
      return [];
    default:
      return action satisfies never;
  }
}

function starts(actions: readonly Action[]): readonly ActionOf<"run">[] {
  return actions.filter((action) => action.kind === "run");
}

function stops(actions: readonly Action[]): readonly ActionOf<"stop">[] {
  return actions.filter((action) => action.kind === "stop");
}

function stagesBefore(spec: PodSpec, stage: Stage): readonly Stage[] {
  const stages = stagesOf(spec);
  return stages.slice(0, stages.map(serializeStage).indexOf(serializeStage(stage)));
}

function isUpAsWritten(revision: Revision, { specHash, spec }: Pod): boolean {
  return (
    revision.state.kind === "running" &&
    revision.specHash === specHash &&
    stagesOf(spec).map(serializeStage).includes(stageOf(revision))
  );
}

function stageOf({ stage }: Revision): string {
  return serializeStage(stage);
}

function hasRunInThisBoot({ state }: Revision): boolean {
  return state.kind === "exited" ? state.finishedMs > 0 : state.kind === "running";
}
