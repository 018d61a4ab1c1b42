// What holds of every world, generated: of a plan by itself, and of plans carried out on the runtime in memory.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { noConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash } from "../../src/pod/content-hash.ts";
import { type PodKey, podKey } from "../../src/pod/names.ts";
import { isLive, type Revision, type RevisionState } from "../../src/pod/observed-pod.ts";
import { type Action, actionId, isForSamePod } from "../../src/reconcile/action.ts";
import { adoptUids } from "../../src/reconcile/adopt-uid.ts";
import { execute } from "../../src/reconcile/execute.ts";
import { type AttemptFailure, plan, type World } from "../../src/reconcile/plan.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryRuntime } from "../fakes/memory-runtime.ts";
import { baseDesired, basePod, baseRevision, configMap, exited, exitedApp, nowMs } from "./base-world.ts";

const names = ["web", "db", "job"] as const;
const hashes = ["aaaa", "bbbb"] as const;
const { signal } = new AbortController();

/** Whatever happens to it, it comes to rest: one that never ends, or one that its policy lets end. */
const restingPod = fc
  .record({
    name: fc.constantFrom(...names),
    specHash: fc.constantFrom(...hashes),
    uid: fc.constantFrom("one", "two"),
    configMap: fc.constantFrom("settings", undefined),
    life: fc.constantFrom(
      { restartPolicy: "Always", command: ["sleep", "1000"] } as const,
      { restartPolicy: "OnFailure", command: ["sh", "-c", "exit 0"] } as const,
      { restartPolicy: "Never", command: ["sh", "-c", "exit 3"] } as const,
    ),
  })
  .map(({ life, uid, name, ...pod }) => basePod({ ...pod, ...life, name, uid: `${uid}-${name}` }));

const pods = fc.uniqueArray(restingPod, { selector: ({ name }) => name, maxLength: 3 });

const state = fc.oneof(
  fc.constantFrom<RevisionState>({ kind: "prepared" }, { kind: "running" }),
  fc
    .record({
      agoMs: fc.integer({ min: 10, max: 700_000 }), // no pod is prepared, started and over within a step of the clock
      isStopped: fc.boolean(),
      ranForMs: fc.nat(700_000),
    })
    .map(exited),
);

const revision = fc
  .record({
    name: fc.constantFrom(...names, "gone"),
    uid: fc.constantFrom("one", "two"),
    hash: fc.constantFrom(...hashes),
    state,
    restartCount: fc.nat(9),
    backOffMs: fc.constantFrom(0, 10_000, 160_000, 300_000),
    exitCode: fc.constantFrom(0, 3, undefined),
  })
  .map(({ exitCode, uid, name, ...change }) => {
    const made = baseRevision({ ...change, name, uid: `${uid}-${name}` });
    const apps = made.apps.map((app) => ({ ...app, state: exitedApp(exitCode) }));
    return change.state.kind === "exited" ? { ...made, apps } : made;
  });

const revisions = fc
  .array(revision, { maxLength: 8 })
  .map((all) => all.map((one, index): Revision => ({ ...one, uuid: baseRevision({ number: index }).uuid })));

const objects = fc.constantFrom(noConfigObjects, configMap("settings", "a"), configMap("settings", "b"));

const desired = fc
  .record({ pods, objects, isReadable: fc.boolean(), rejected: fc.subarray([...names, "gone"]) })
  .map(({ isReadable, rejected, ...wanted }) =>
    baseDesired({
      ...wanted,
      files: rejected.map((name) => ({ path: `/manifests/${name}.yaml`, state: "rejected", problems: [] })),
      unreadable: isReadable ? undefined : "EIO",
    }),
  );

/** Any world, with failures and actions in flight of what an earlier plan asked for. */
const world = fc
  .record({
    desired,
    revisions,
    failing: fc.nat(7),
    flying: fc.nat(7),
    retryInMs: fc.integer({ min: -5, max: 5 }),
  })
  .map((it): World => {
    const observation = {
      revisions: it.revisions,
      podDirectories: it.revisions.map(({ podUid }) => ({
        uid: podUid,
        content: undefined,
        accepted: undefined,
        good: undefined,
      })),
    };
    const calm = {
      desired: it.desired,
      observation,
      health: new Map(),
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

describe("a plan", () => {
  test("is the same when it is made twice, and changes nothing that it is made of", () => {
    fc.assert(
      fc.property(world, (it) => {
        const before = structuredClone(it);
        expect(plan(it)).toEqual(plan(it));
        expect(it).toEqual(before);
      }),
    );
  });

  test("has at most one action a pod, and none for a pod that has one in flight", () => {
    fc.assert(
      fc.property(world, (it) => {
        const { actions } = plan(it);
        for (const [index, action] of actions.entries())
          for (const other of [...it.inFlight, ...actions.slice(0, index)])
            expect(isForSamePod(action, other)).toBe(false);
      }),
    );
  });

  test("touches only what is in the world", () => {
    fc.assert(
      fc.property(world, (it) => {
        const known = new Set(it.observation.revisions);
        for (const action of plan(it).actions) {
          for (const touched of touchedBy(action)) expect(known.has(touched)).toBe(true);
          if (action.kind === "removePodDirectory")
            expect(it.observation.podDirectories.map(({ uid }) => uid)).toContain(action.uid);
        }
      }),
    );
  });

  test("stops and removes nothing when the directory could not be read", () => {
    fc.assert(
      fc.property(world, (it) => {
        const { actions, cancel } = plan({ ...it, desired: { ...it.desired, unreadable: "EIO" } });
        expect(actions.flatMap(touchedBy)).toEqual([]);
        expect(actions.filter(({ kind }) => kind !== "run")).toEqual([]);
        expect(cancel).toEqual([]);
      }),
    );
  });

  test("touches nothing of a rejected file that is not known to be wanted otherwise", () => {
    fc.assert(
      fc.property(world, (it) => {
        const wanted = new Set(it.desired.pods.map(({ namespace, name }) => podKey(namespace, name)));
        const rejected = new Set(
          it.desired.files.flatMap(({ path, state: verdict }) => (verdict === "rejected" ? [path] : [])),
        );
        for (const touched of plan(it).actions.flatMap(touchedBy))
          expect(wanted.has(touched.key) || !rejected.has(touched.manifest)).toBe(true);
      }),
    );
  });

  test("stops nothing that runs as written but a second one", () => {
    fc.assert(
      fc.property(world, (it) => {
        const stopped = plan(it)
          .actions.filter(({ kind }) => kind !== "remove")
          .flatMap(touchedBy);
        for (const pod of it.desired.pods) {
          const asWritten = it.observation.revisions.filter(
            ({ key, specHash, state: { kind } }) =>
              key === podKey(pod.namespace, pod.name) && specHash === pod.specHash && kind === "running",
          );
          const left = asWritten.filter((candidate) => !stopped.includes(candidate));
          expect(left.length).toBeGreaterThanOrEqual(Math.min(1, asWritten.length));
        }
      }),
    );
  });
});

describe("plans carried out", () => {
  test("come to rest, with each wanted pod as written and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(desired, revisions, async (wanted, there) => {
        const clock = new FakeClock();
        clock.advance(nowMs - clock.nowMs());
        const runtime = new MemoryRuntime(clock, there);
        refuseSecondStart(runtime);
        await converge({ runtime, clock, desired: { ...wanted, files: [], unreadable: undefined } });

        const live = runtime.revisions.filter(isLive).map(({ key, specHash }) => `${key} ${specHash}`);
        const lasting = wanted.pods.filter(({ spec }) => spec.restartPolicy === "Always");
        expectAllIn(lasting.map(keyAndHash), live);
        expectAllIn(live, wanted.pods.map(keyAndHash));
        for (const ofKey of Map.groupBy(runtime.revisions, ({ key }) => key).values()) {
          expect(ofKey.filter(isLive).length).toBeLessThanOrEqual(1);
          expect(ofKey.filter(({ state: { kind } }) => kind === "exited").length).toBeLessThanOrEqual(1);
        }
        const { podDirectories } = await runtime.observe(signal);
        const uids = runtime.revisions.map(({ podUid }) => podUid);
        expectAllIn(
          podDirectories.map(({ uid }) => uid),
          uids,
        );
        for (const pod of wanted.pods.filter((it) => live.includes(keyAndHash(it)))) {
          const key = podKey(pod.namespace, pod.name);
          const running = runtime.revisions.find((revision) => revision.key === key && isLive(revision));
          const written = podDirectories.find(({ uid }) => uid === running?.podUid)?.content;
          expect(written).toBe(contentHash(pod, wanted.objects));
        }
      }),
      { numRuns: 200 },
    );
  });

  test("come to the same rest when any step may fail and the agent forgets everything", async () => {
    await fc.assert(
      fc.asyncProperty(desired, revisions, fc.infiniteStream(fc.nat(3)), async (wanted, there, dice) => {
        const clock = new FakeClock();
        clock.advance(nowMs - clock.nowMs());
        const runtime = new MemoryRuntime(clock, there);
        const mayFail = () => {
          if (dice.next().value === 0) throw new Error("bad luck");
        };
        for (const operation of ["prepare", "refresh", "stop", "remove", "removePodDirectory"] as const)
          runtime.faults.set(operation, mayFail);
        refuseSecondStart(runtime, mayFail);
        const readable = { ...wanted, files: [], unreadable: undefined };
        await converge({ runtime, clock, desired: readable, passesMax: 30 });
        runtime.faults.clear();
        refuseSecondStart(runtime);
        await converge({ runtime, clock, desired: readable });
        const live = runtime.revisions.filter(isLive).map(({ key, specHash }) => `${key} ${specHash}`);
        expect(live.length).toBe(new Set(live).size);
        expectAllIn(live, wanted.pods.map(keyAndHash));
      }),
      { numRuns: 200 },
    );
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
    case "refresh":
    case "removePodDirectory":
      return [];
    default:
      return action satisfies never;
  }
}

/** Plans and acts until there is nothing to do, now or later. What fails is tried again by the next pass. */
async function converge(options: {
  runtime: MemoryRuntime;
  clock: FakeClock;
  desired: World["desired"];
  passesMax?: number;
}): Promise<void> {
  const { runtime, clock, passesMax } = options;
  runtime.objects = options.desired.objects;
  for (let pass = 0; pass < (passesMax ?? 100); pass++) {
    const observation = await runtime.observe(signal);
    const desiredNow = adoptUids(options.desired, observation.revisions);
    const { actions, recheckAtMs } = plan({
      desired: desiredNow,
      observation,
      health: new Map(),
      failures: new Map(),
      inFlight: [],
      nowMs: clock.nowMs(),
    });
    if (actions.length === 0 && recheckAtMs === undefined) return;
    for (const action of actions)
      await execute(action, runtime, signal).catch((error: unknown) => {
        if (String(error).includes("second start")) throw error;
      });
    if (actions.length === 0 && recheckAtMs !== undefined) clock.advance(recheckAtMs - clock.nowMs());
  }
  if (passesMax === undefined) throw new Error("no rest after 100 passes");
}

/** Never two live revisions of one pod: a start beside another fails the test. */
function refuseSecondStart(runtime: MemoryRuntime, before: () => void = () => undefined): void {
  runtime.faults.set("start", (key) => {
    if (runtime.revisions.some((other) => other.key === (key as PodKey) && isLive(other)))
      throw new Error(`second start of ${key}`);
    before();
  });
}

function keyAndHash({ namespace, name, specHash }: World["desired"]["pods"][number]): string {
  return `${podKey(namespace, name)} ${specHash}`;
}

function expectAllIn<T>(part: readonly T[], whole: readonly T[]): void {
  expect(part.filter((item) => !whole.includes(item))).toEqual([]);
}
