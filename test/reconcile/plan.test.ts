// What is done next, as tables: a world in which all is well, one thing changed, the actions.

import { describe, expect, test } from "bun:test";
import { noConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash, objectsHash } from "../../src/pod/content-hash.ts";
import { acceptedHash, type ManifestFile, serializeAcceptedPod } from "../../src/pod/desired.ts";
import { type ContentHash, type PodUid, podKey } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import type { Problem } from "../../src/pod/problem.ts";
import { containersStage } from "../../src/pod/stage.ts";
import { type Action, actionId, deliberate } from "../../src/reconcile/action.ts";
import { type Plan, plan } from "../../src/reconcile/plan.ts";
import type { AttemptFailure, World } from "../../src/reconcile/world.ts";
import {
  baseDesired,
  basePod,
  baseRevision,
  baseWorld,
  configMap,
  exited,
  exitedApp,
  firstAttempt,
  nowMs,
} from "./base-world.ts";

const key = podKey("default", "web");
const first = firstAttempt;
/** Beside the Pods themselves. */
type Decision = Omit<Plan, "pods">;
const nothing: Decision = {
  actions: [],
  cancel: [],
  outdated: [],
  recheckAtMs: undefined,
  waiting: new Map(),
};
const starting = new Map([
  [key, [{ kind: "starting", stage: containersStage, failure: undefined } as const]],
]);
const refreshing = new Map([[key, [{ kind: "refresh", failure: undefined } as const]]]);
const running = baseRevision();
const problem: Problem = {
  code: "Syntax",
  file: "/manifests/web.yaml",
  line: 3,
  column: 1,
  field: "",
  message: "bad",
  hint: "",
};
const rejected: ManifestFile = {
  path: "/manifests/web.yaml",
  state: "rejected",
  problems: [problem],
  excerpt: [],
};
const lost = baseDesired({ pods: [], files: [rejected] });
const unreadable = (pods = [basePod()]) => baseDesired({ pods, unreadable: "EIO" });
const none = baseDesired({ pods: [] });

function run(change: Partial<Extract<Action, { kind: "run" }>> = {}): Action {
  const pod = change.pod ?? basePod();
  const objects = objectsHash(pod, noConfigObjects);
  return {
    kind: "run",
    key,
    pod,
    attempt: first,
    objects,
    replaces: [],
    stop: deliberate,
    reason: "added",
    ...change,
  };
}

function decide(world: World): Decision {
  const { pods, ...decision } = plan(world);
  expect(pods).toEqual(world.desired.pods);
  return decision;
}

/** Of a run that goes on with the life of baseRevision(). */
const again = { ...first, restartCount: 1, activeSinceMs: nowMs - 60_000 };

interface Case {
  readonly name: string;
  readonly world: World;
  readonly expected: Decision;
}

/** A world with these revisions of the one pod, which is wanted, and the action. */
function seen(name: string, revisions: readonly Revision[], ...actions: readonly Action[]): Case {
  const waiting = actions.some(({ kind }) => kind === "run") ? starting : new Map();
  return { name, world: baseWorld({ revisions }), expected: { ...nothing, actions, waiting } };
}

function table(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const { name, world, expected } of cases)
      test(name, () => {
        expect(decide(world)).toEqual(expected);
        expect(decide(world)).toEqual(expected);
      });
  });
}

const newer = baseRevision({ number: 2, restartCount: 1 });
const other = baseRevision({ number: 2, hash: "bbbb" });
const stopping = baseRevision({ state: { kind: "stopping" } });
const prepared = baseRevision({ number: 2, state: { kind: "prepared" } });
const dead = baseRevision({ state: exited() });
const deadOther = baseRevision({ hash: "bbbb", state: exited() });
const deadEarlier = baseRevision({ number: 3, state: exited({ agoMs: 60_000 }) });

table("a wanted pod", [
  seen("that runs as written: everything is good; do nothing", [running]),
  seen("of which nothing is there is run", [], run()),
  seen("that runs otherwise is replaced", [other], run({ replaces: [other], reason: "changed" })),
  seen(
    "of which what is to be replaced is already stopping: its end is waited for by the run",
    [baseRevision({ hash: "bbbb", state: { kind: "stopping" } })],
    run({ replaces: [baseRevision({ hash: "bbbb", state: { kind: "stopping" } })], reason: "changed" }),
  ),
  seen("that is stopping by somebody else's hand: its end will wake us", [stopping]),
  seen("that runs twice keeps the newest", [running, newer], {
    kind: "stop",
    key,
    revisions: [running],
    stop: deliberate,
    reason: "superseded",
  }),
  seen("that runs both as written and otherwise keeps what is as written", [other, running], {
    kind: "stop",
    key,
    revisions: [other],
    stop: deliberate,
    reason: "superseded",
  }),
  seen("that runs: a revision that was never started is removed", [running, prepared], {
    kind: "remove",
    key,
    revision: prepared,
    reason: "neverStarted",
  }),
  seen("that runs keeps its last dead revision", [newer, dead]),
  seen("that runs keeps only its last dead revision", [baseRevision({ number: 9 }), deadEarlier, dead], {
    kind: "remove",
    key,
    revision: deadEarlier,
    reason: "superseded",
  }),
  seen(
    "that crashed for the first time is run again at once",
    [dead],
    run({
      attempt: again,
      reason: "ended",
    }),
  ),
  seen("that crashed and was edited since starts afresh", [deadOther], run({ reason: "changed" })),
  seen(
    "whose edit was taken back after the old revision was stopped starts afresh",
    [baseRevision({ restartCount: 4, backOffMs: 80_000, state: exited({ isStopped: true }) })],
    run(),
  ),
]);

describe("a ConfigMap that a running pod has mounted", () => {
  const pod = basePod({ configMap: "settings" });
  const desired = baseDesired({ pods: [pod], objects: configMap("settings", "new") });
  const content = contentHash(pod, desired.objects) ?? ("" as ContentHash);
  const accepted = acceptedHash(serializeAcceptedPod(pod));
  const refresh: Action = { kind: "refresh", key, pod, content, accepted, reason: "changed" };

  test("as it was when the volume was written: nothing to do", () => {
    expect(decide(baseWorld({ desired, content }))).toEqual(nothing);
  });

  test("that has changed since: the volume is refreshed, and nothing restarted", () => {
    const old = contentHash(pod, configMap("settings", "old"));
    expect(decide(baseWorld({ desired, content: old }))).toEqual({
      ...nothing,
      actions: [refresh],
      waiting: refreshing,
    });
  });

  test("of which it is not known what was written: the volume is refreshed", () => {
    expect(plan(baseWorld({ desired })).actions).toEqual([refresh]);
  });

  test("cannot be written: the back-off is waited for, and told; another change is tried at once", () => {
    const failure = { reason: "FailedMount", message: "no space left" } as const;
    const failures = new Map([[actionId(refresh), { failure, count: 1, retryAtMs: nowMs + 10_000 }]]);
    expect(decide(baseWorld({ desired, failures }))).toEqual({
      ...nothing,
      recheckAtMs: nowMs + 10_000,
      waiting: new Map([[key, [{ kind: "refresh", failure }]]]),
    });
    const newer = { ...desired, objects: configMap("settings", "newer") };
    expect(plan(baseWorld({ desired: newer, failures })).actions).toMatchObject([{ kind: "refresh" }]);
  });

  test.each([
    ["that has ended for good", [baseRevision({ state: exited({ isStopped: false }) })], "Never"],
    ["that is stopping", [stopping], "Always"],
  ] as const)("but by a pod %s: nothing to do", (_name, revisions, restartPolicy) => {
    const pods = [basePod({ configMap: "settings", restartPolicy })];
    expect(plan(baseWorld({ desired: { ...desired, pods }, revisions })).actions).toEqual([]);
  });

  test("but the directory is unreadable: it may be old, nothing is written", () => {
    expect(plan(baseWorld({ desired: { ...desired, unreadable: "EIO" } })).actions).toEqual([]);
  });
});

describe("a crash back-off", () => {
  const crashed = baseRevision({ restartCount: 3, backOffMs: 20_000, state: exited({ agoMs: 39_999 }) });
  const world = baseWorld({ revisions: [crashed] });

  test("counts from the end and is told", () => {
    expect(decide(world)).toEqual({
      ...nothing,
      recheckAtMs: nowMs + 1,
      waiting: new Map([
        [key, [{ kind: "restart", stage: containersStage, backOffMs: 40_000, untilMs: nowMs + 1 }]],
      ]),
    });
  });

  test("over: it is run, and the revision remembers what was waited for", () => {
    expect(plan({ ...world, nowMs: nowMs + 1 }).actions).toEqual([
      run({ attempt: { ...again, restartCount: 4, backOffMs: 40_000 }, reason: "ended" }),
    ]);
  });

  const crashedBefore = baseRevision({
    restartCount: 3,
    backOffMs: 20_000,
    activeSinceMs: -60_000,
    state: exited({ finishedMs: -7000 }),
  });

  test("is kept over a reboot, and then counts from the boot", () => {
    const decided = decide(baseWorld({ revisions: [crashedBefore], nowMs: 39_999 }));
    expect(decided).toEqual({
      ...nothing,
      recheckAtMs: 40_000,
      waiting: new Map([
        [key, [{ kind: "restart", stage: containersStage, backOffMs: 40_000, untilMs: 40_000 }]],
      ]),
    });
  });

  test("is not waited for by what a reboot ended, which keeps it for its next crash", () => {
    const cutOff = { ...crashedBefore, state: exited({ finishedMs: -7000, isInterrupted: true }) };
    expect(decide(baseWorld({ revisions: [cutOff], nowMs: 5000 })).actions).toMatchObject([
      { attempt: { restartCount: 4, backOffMs: 20_000, activeSinceMs: -60_000 } },
    ]);
  });

  test("holds up no removal", () => {
    const { actions, recheckAtMs } = plan(baseWorld({ revisions: [crashed, deadEarlier] }));
    expect(actions).toEqual([{ kind: "remove", key, revision: deadEarlier, reason: "superseded" }]);
    expect(recheckAtMs).toBe(nowMs + 1);
  });
});

describe("restartPolicy", () => {
  const worldOf = (restartPolicy: "Always" | "OnFailure" | "Never", exitCode: number | undefined) => {
    const apps = running.apps.map((app) => ({ ...app, state: exitedApp(exitCode) }));
    const revisions = [baseRevision({ state: exited(), apps })];
    return baseWorld({ desired: baseDesired({ pods: [basePod({ restartPolicy })] }), revisions });
  };
  test.each([
    ["Always", 0, 1],
    ["Always", 1, 1],
    ["OnFailure", 0, 0],
    ["OnFailure", 1, 1],
    ["OnFailure", undefined, 1],
    ["Never", 0, 0],
    ["Never", 1, 0],
  ] as const)("%s after exit code %p: %d runs", (restartPolicy, exitCode, runs) => {
    expect(plan(worldOf(restartPolicy, exitCode)).actions).toHaveLength(runs);
  });

  test("Never, but edited since: it is run", () => {
    const pod = basePod({ restartPolicy: "Never", specHash: "cccc" });
    const world = baseWorld({ desired: baseDesired({ pods: [pod] }), revisions: [dead] });
    expect(plan(world).actions).toEqual([run({ pod, reason: "changed" })]);
  });
});

function unwanted(
  name: string,
  change: Parameters<typeof baseWorld>[0],
  ...actions: readonly Action[]
): Case {
  return { name, world: baseWorld({ desired: none, ...change }), expected: { ...nothing, actions } };
}

const deadOnly = { revisions: [dead, prepared] };
const directory = {
  revisions: [],
  podDirectories: [{ uid: "uid-web" as PodUid, content: undefined, accepted: undefined, good: undefined }],
};

table("a pod that is not wanted any more", [
  unwanted(
    "is stopped",
    {},
    { kind: "stop", key, revisions: [running], stop: deliberate, reason: "deleted" },
  ),
  unwanted("is removed only once nothing of it runs", { revisions: [stopping, deadEarlier] }),
  unwanted("that is dead is removed", deadOnly, {
    kind: "remove",
    key,
    revision: prepared,
    reason: "deleted",
  }),
  {
    name: "of which only the directory is left loses that",
    world: { ...baseWorld({ desired: none }), observation: directory },
    expected: {
      ...nothing,
      actions: [{ kind: "removePodDirectory", uid: "uid-web" as PodUid, reason: "garbage" }],
    },
  },
]);

table("where it is not certain what is wanted", [
  unwanted("an unreadable directory removes nothing that runs", { desired: unreadable([]) }),
  unwanted("an unreadable directory removes nothing that is dead", { desired: unreadable([]), ...deadOnly }),
  unwanted("an unreadable directory removes no second one", {
    desired: unreadable(),
    revisions: [running, newer],
  }),
  unwanted("an unreadable directory replaces nothing", { desired: unreadable(), revisions: [other] }),
  {
    name: "an unreadable directory lets a dead pod be restarted as it was known",
    world: baseWorld({ desired: unreadable(), revisions: [dead] }),
    expected: {
      ...nothing,
      actions: [run({ attempt: again, reason: "ended" })],
      waiting: starting,
    },
  },
  {
    name: "an unreadable directory removes no pod directory",
    world: { ...baseWorld({ desired: unreadable([]) }), observation: directory },
    expected: nothing,
  },
  unwanted("a rejected file of which nothing is known any more stops nothing", { desired: lost }),
  unwanted("a rejected file of which nothing is known any more removes nothing", {
    desired: lost,
    ...deadOnly,
  }),
  unwanted(
    "a rejected file holds only its own pods",
    { desired: lost, revisions: [baseRevision({ manifest: "/manifests/other.yaml" })] },
    {
      kind: "stop",
      key,
      revisions: [baseRevision({ manifest: "/manifests/other.yaml" })],
      stop: deliberate,
      reason: "deleted",
    },
  ),
]);

describe("what failed", () => {
  const failure = { reason: "ErrImagePull", message: "no such image" } as const;
  const failed = (retryAtMs: number, count = 2): AttemptFailure => ({ failure, count, retryAtMs });
  const failures = (action: Action, attempt: AttemptFailure) => new Map([[actionId(action), attempt]]);

  test("waits for its back-off and tells why", () => {
    const world = baseWorld({ revisions: [], failures: failures(run(), failed(nowMs + 5000)) });
    expect(decide(world)).toEqual({
      ...nothing,
      recheckAtMs: nowMs + 5000,
      waiting: new Map([
        [key, [{ kind: "retry", stage: containersStage, failure, count: 2, untilMs: nowMs + 5000 }]],
      ]),
    });
  });

  test("is told by its own words first, then by those for waiting, if it has such", () => {
    const backOff = { reason: "ImagePullBackOff", message: "Back-off pulling image" } as const;
    const told = (count: number) => {
      const attempt = { ...failed(nowMs + 5000, count), backOff };
      return plan(baseWorld({ revisions: [], failures: failures(run(), attempt) })).waiting.get(key)?.[0];
    };
    expect([told(1), told(2)]).toMatchObject([{ failure }, { failure: backOff }]);
  });

  test("is tried again when that is over, and still tells why", () => {
    const world = baseWorld({ revisions: [], failures: failures(run(), failed(nowMs)) });
    expect(decide(world)).toEqual({
      ...nothing,
      actions: [run()],
      waiting: new Map([[key, [{ kind: "starting", stage: containersStage, failure }]]]),
    });
  });

  test("is tried again at once when a ConfigMap that it needs is another", () => {
    const pod = basePod({ configMap: "settings" });
    const desired = baseDesired({ pods: [pod] });
    const world = baseWorld({
      desired,
      revisions: [],
      failures: failures(run({ pod }), failed(nowMs + 5000)),
    });
    expect(plan(world).actions).toEqual([]);
    const added = { ...desired, objects: configMap("settings", "a") };
    expect(plan({ ...world, desired: added }).actions).toMatchObject([{ kind: "run" }]);
    const other = { ...desired, objects: configMap("other", "a") };
    expect(plan({ ...world, desired: other }).actions).toEqual([]);
  });

  test("leaves the old revision running when a change cannot be prepared", () => {
    const change = run({ replaces: [other], reason: "changed" });
    const world = baseWorld({ revisions: [other], failures: failures(change, failed(nowMs + 5000)) });
    expect(plan(world).actions).toEqual([]);
  });

  test("is forgotten by an edit", () => {
    const pod = basePod({ specHash: "cccc" });
    const desired = baseDesired({ pods: [pod] });
    const world = baseWorld({ desired, revisions: [], failures: failures(run(), failed(nowMs + 5000)) });
    expect(plan(world).actions).toEqual([run({ pod })]);
  });

  test("a removal holds up no restart", () => {
    const removal: Action = { kind: "remove", key, revision: prepared, reason: "neverStarted" };
    const world = baseWorld({
      revisions: [dead, prepared],
      failures: failures(removal, failed(nowMs + 5000)),
    });
    expect(plan(world).actions).toEqual([run({ attempt: again, reason: "ended" })]);
  });

  test("comes after what never did", () => {
    const pods = [basePod(), basePod({ name: "db" })];
    const world = baseWorld({
      desired: baseDesired({ pods }),
      revisions: [],
      failures: failures(run(), failed(nowMs)),
    });
    expect(plan(world).actions).toMatchObject([{ key: "default/db" }, { key: "default/web" }]);
  });
});

describe("what is in flight", () => {
  test("keeps its pod from a second action, and only its pod", () => {
    const pods = [basePod(), basePod({ name: "db" })];
    const world = baseWorld({ desired: baseDesired({ pods }), revisions: [], inFlight: [run()] });
    expect(plan(world)).toMatchObject({ actions: [{ key: "default/db" }], cancel: [] });
  });

  test("keeps the directory of its pod", () => {
    const world = { ...baseWorld({ desired: none, inFlight: [run()] }), observation: directory };
    expect(plan(world).actions).toEqual([]);
  });

  test("as the removal of a directory keeps a pod of that uid from being run", () => {
    const removal: Action = { kind: "removePodDirectory", uid: basePod().uid, reason: "garbage" };
    expect(plan(baseWorld({ revisions: [], inFlight: [removal] })).actions).toEqual([]);
  });

  const old = run({ pod: basePod({ specHash: "bbbb", uid: "before-the-edit" }) });
  test.each([
    ["is outdated when the pod was edited", baseDesired(), { cancel: [], outdated: [old] }],
    ["is cancelled when the pod was deleted", none, { cancel: [old], outdated: [] }],
    ["goes on when the directory became unreadable", unreadable([]), { cancel: [], outdated: [] }],
    ["goes on when its file was rejected", lost, { cancel: [], outdated: [] }],
  ])("%s", (_name, desired, ends) => {
    expect(plan(baseWorld({ desired, revisions: [], inFlight: [old] }))).toMatchObject({
      actions: [],
      ...ends,
    });
  });

  test("is cancelled when the pod was edited and is evicted", () => {
    const evict = new Map([[key, { reason: "Evicted", message: "memory" } as const]]);
    expect(plan(baseWorld({ evict, revisions: [], inFlight: [old] }))).toMatchObject({
      cancel: [old],
      outdated: [],
    });
  });
});
