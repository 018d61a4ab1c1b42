// What holds of plans carried out on the runtime in memory, whatever was found and whatever fails.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { contentHash } from "../../src/pod/content-hash.ts";
import { acceptedHash, type Desired, serializeAcceptedPod } from "../../src/pod/desired.ts";
import { type PodKey, podKey } from "../../src/pod/names.ts";
import { type Failure, isLive, type Revision, type RevisionState } from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { serializeStage, stagesOf } from "../../src/pod/stage.ts";
import { type ActionId, actionId } from "../../src/reconcile/action.ts";
import { adoptUids } from "../../src/reconcile/adopt-uid.ts";
import { execute } from "../../src/reconcile/execute.ts";
import { type Plan, plan } from "../../src/reconcile/plan.ts";
import { RuntimeError } from "../../src/reconcile/runtime.ts";
import type { AttemptFailure } from "../../src/reconcile/world.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryRuntime } from "../fakes/memory-runtime.ts";
import { desired, evict, revisions } from "./any-world.ts";
import { nowMs } from "./base-world.ts";

const { signal } = new AbortController();
const operations = ["prepare", "start", "postStart", "markReady", "refresh", "stop", "remove"] as const;

describe("plans carried out", () => {
  test("come to rest, with each wanted pod as written and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(desired, revisions, async (wanted, there) => {
        const machine = new Machine(readable(wanted), there);
        await machine.converge();
        await machine.expectRest();
      }),
      { numRuns: 200 },
    );
  });

  test("come to rest when any step may fail, hooks too, and the agent forgets everything", async () => {
    await fc.assert(
      fc.asyncProperty(desired, revisions, fc.infiniteStream(fc.nat(3)), async (wanted, there, dice) => {
        const machine = new Machine(readable(wanted), there);
        for (const operation of [...operations, "removePodDirectory"] as const)
          machine.runtime.faults.set(operation, () => {
            if (dice.next().value !== 0) return;
            throw operation === "postStart"
              ? new RuntimeError("FailedPostStartHook", "bad luck")
              : new Error("bad luck");
          });
        await machine.passes(30);
        machine.runtime.faults.clear();
        await machine.converge();
        await machine.expectRest();
      }),
      { numRuns: 200 },
    );
  });

  test("come to rest under pressure without what is evicted, and with it when that is over", async () => {
    await fc.assert(
      fc.asyncProperty(
        desired,
        revisions,
        evict,
        fc.boolean(),
        async (wanted, there, evicted, isDiskShort) => {
          const machine = new Machine(readable(wanted), there);
          await machine.converge();
          machine.evict = evicted;
          machine.isDiskShort = isDiskShort;
          await machine.converge();
          for (const { key } of machine.runtime.revisions.filter(isLive))
            expect(evicted.has(key)).toBe(false);
          machine.evict = new Map();
          machine.isDiskShort = false;
          await machine.converge();
          await machine.expectRest();
        },
      ),
    );
  });

  test("come to rest after a change of mind in the midst", async () => {
    await fc.assert(
      fc.asyncProperty(desired, desired, revisions, fc.nat(10), async (first, second, there, passes) => {
        const machine = new Machine(readable(first), there);
        await machine.passes(passes);
        // A hash means one spec.
        const pods = second.pods.map((pod) => {
          const same = first.pods.find((one) => one.name === pod.name && one.specHash === pod.specHash);
          return { ...(same ?? pod), uid: pod.uid, life: { ...pod.life, after: [] } };
        });
        machine.want(readable({ ...second, pods }));
        await machine.converge();
        await machine.expectRest();
      }),
      { numRuns: 200 },
    );
  });
});

function evictedAtMs(state: RevisionState): number | undefined {
  return state.kind === "exited" && state.killed?.reason === "Evicted" ? state.finishedMs : undefined;
}

function readable(wanted: Desired): Desired {
  return { ...wanted, files: [], unreadable: undefined };
}

/** A machine and an agent that remembers of earlier passes only which hooks failed. */
class Machine {
  readonly #clock = new FakeClock();
  readonly runtime: MemoryRuntime;
  evict: ReadonlyMap<PodKey, Failure> = new Map();
  isDiskShort = false;
  #desired: Desired;
  #hooks = new Map<ActionId, AttemptFailure>();
  readonly #known = new Map<string, Pod>();
  readonly #found: ReadonlySet<Revision["uuid"]>;
  /** Whose init containers had been run when they were started. */
  readonly #checked = new Set<Revision["uuid"]>();

  constructor(wanted: Desired, there: readonly Revision[]) {
    this.#clock.advance(nowMs - this.#clock.nowMs());
    this.runtime = new MemoryRuntime(this.#clock, there);
    this.#found = new Set(there.map(({ uuid }) => uuid));
    this.#desired = wanted;
    this.want(wanted);
  }

  want(wanted: Desired): void {
    this.#desired = wanted;
    this.runtime.objects = wanted.objects;
  }

  /** Plans and acts until there is nothing to do, now or later. */
  async converge(): Promise<void> {
    for (let pass = 0; pass < 150; pass++) {
      if (!(await this.#pass())) continue;
      const inits = this.runtime.revisions.filter((one) => isLive(one) && one.stage.kind === "init");
      if (inits.length === 0) return;
      for (const { uuid } of inits) this.runtime.exit(uuid, 0);
    }
    throw new Error("no rest after 150 passes");
  }

  async passes(count: number): Promise<void> {
    for (let pass = 0; pass < count; pass++) await this.#pass();
  }

  async plan(): Promise<Plan> {
    const observation = await this.runtime.observe(signal);
    const wanted = adoptUids(this.#desired, observation.revisions);
    for (const pod of wanted.pods) this.#known.set(serializeAcceptedPod(pod), pod);
    return plan({
      desired: wanted,
      observation,
      good: new Map(
        observation.podDirectories.flatMap(({ uid, good }) => {
          const pod = this.#known.get(good ?? "");
          return pod ? [[uid, pod] as const] : [];
        }),
      ),
      health: new Map(),
      evict: this.evict,
      isDiskShort: this.isDiskShort,
      failures: this.#hooks,
      inFlight: [],
      nowMs: this.#clock.nowMs(),
    });
  }

  /** Whether it was at rest. */
  async #pass(): Promise<boolean> {
    const { actions, recheckAtMs } = await this.plan();
    for (const action of actions) {
      try {
        await execute(action, { runtime: this.runtime, record: () => undefined, signal, swapSignal: signal });
      } catch (error) {
        if (error instanceof RuntimeError && error.reason === "FailedPostStartHook") {
          const { reason, message } = error;
          const failure: AttemptFailure = { failure: { reason, message }, count: 1, retryAtMs: 0 };
          this.#hooks.set(actionId(action), failure);
        }
      }
      this.#check();
      this.#clock.advance(10);
    }
    if (actions.length > 0) return false;
    if (recheckAtMs === undefined) return true;
    this.#clock.advance(Math.max(0, recheckAtMs - this.#clock.nowMs()));
    return false;
  }

  /** What must hold at every moment of what was made here. */
  #check(): void {
    const made = this.runtime.revisions.filter(({ uuid }) => !this.#found.has(uuid));
    for (const one of made.filter(isLive)) {
      const others = this.runtime.revisions.filter((other) => other !== one && other.key === one.key);
      for (const other of others.filter(isLive)) {
        expect(serializeStage(other.stage)).not.toBe(serializeStage(one.stage));
        expect(other.specHash).toBe(one.specHash);
      }
      if (one.stage.kind !== "containers" || this.#checked.has(one.uuid)) continue;
      this.#checked.add(one.uuid);
      const ofLife = others.filter((other) => other.activeSinceMs === one.activeSinceMs);
      const wasThere = others.some(
        ({ uuid, stage, specHash }) =>
          this.#found.has(uuid) && stage.kind === "containers" && specHash === one.specHash,
      );
      const pod = [...this.#known.values()].find(
        ({ specHash, uid }) => specHash === one.specHash && uid === one.podUid,
      );
      // Its volumes are empty since.
      const evictedMs = Math.max(0, ...ofLife.flatMap(({ state }) => evictedAtMs(state) ?? []));
      const isDone = ({ state }: Revision) => state.kind === "exited" && state.finishedMs > evictedMs;
      for (const before of pod && !wasThere ? stagesOf(pod.spec) : [])
        if (before.kind === "init")
          expect(
            ofLife.some((other) => serializeStage(other.stage) === serializeStage(before) && isDone(other)),
          ).toBe(true);
    }
  }

  async expectRest(): Promise<void> {
    const { actions, waiting, pods } = await this.plan();
    expect(actions).toEqual([]);
    const live = this.runtime.revisions.filter(isLive);
    for (const pod of pods) {
      const key = podKey(pod.namespace, pod.name);
      const ofPod = live.filter((one) => one.key === key && one.stage.kind !== "init");
      const told = waiting.get(key)?.map(({ kind }) => kind) ?? [];
      // What is back may come after what is not wanted any more.
      if (told.includes("rolledBack") && told.includes("after")) continue;
      expect(told.filter((kind) => kind !== "failed" && kind !== "rolledBack")).toEqual([]);
      const isLasting = pod.spec.restartPolicy === "Always" && pod.spec.activeDeadlineSeconds === undefined;
      const lasting = stagesOf(pod.spec).filter(({ kind }) => kind !== "init");
      // What was found running runs on, whatever the manifest says that it does.
      const isFound = ofPod.some(({ uuid, stage }) => this.#found.has(uuid) && stage.kind === "containers");
      const stages = ofPod.map(({ stage }) => serializeStage(stage)).sort();
      expect(stages).toEqual(isLasting || isFound ? lasting.map(serializeStage).sort() : []);
    }
    await this.#expectTidy(pods, live);
  }

  async #expectTidy(pods: readonly Pod[], live: readonly Revision[]): Promise<void> {
    const versions = new Map(pods.map((pod) => [podKey(pod.namespace, pod.name), pod]));
    for (const { key, specHash, isPostStarted, networkOf } of live) {
      expect(versions.get(key)?.specHash).toBe(specHash);
      expect(isPostStarted).toBe(true);
      if (networkOf !== undefined) expect(live.map(({ uuid }) => uuid)).toContain(networkOf);
    }
    for (const { key, state } of this.runtime.revisions) {
      expect(versions.has(key)).toBe(true);
      expect(state.kind).not.toBe("prepared");
    }
    const { podDirectories } = await this.runtime.observe(signal);
    const used = [
      ...this.runtime.revisions.map(({ podUid }) => podUid),
      ...this.#desired.pods.map(({ uid }) => uid),
    ];
    for (const { uid } of podDirectories) expect(used).toContain(uid);
    for (const pod of pods) {
      const running = live.find(({ podUid }) => podUid === pod.uid);
      if (running === undefined) continue;
      expect(podDirectories.find(({ uid }) => uid === pod.uid)).toMatchObject({
        content: contentHash(pod, this.#desired.objects),
        accepted: acceptedHash(serializeAcceptedPod(pod)),
      });
    }
  }
}
