// The runtime port made of memory: what was prepared, started and ended is a map. Faults are put in from outside.
// It keeps test/contract/runtime.ts, and like the real one it starts whatever it is told to, twice too: not starting twice is the reconciler's work.

import { randomUUID } from "node:crypto";
import type { Clock } from "../../src/host/clock.ts";
import { type ConfigObjects, noConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash } from "../../src/pod/content-hash.ts";
import { acceptedHash, serializeAcceptedPod } from "../../src/pod/desired.ts";
import { type ImageId, type PodUid, podKey, type RktUuid } from "../../src/pod/names.ts";
import {
  isLive,
  type Observation,
  type ObservedApp,
  type PodDirectory,
  type Revision,
} from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { allContainersOf, containersOf, isFirstStage } from "../../src/pod/stage.ts";
import { type Attempt, type Runtime, RuntimeError, type Stop } from "../../src/reconcile/runtime.ts";

type Operation = keyof Runtime;
/** Runs before the operation on `target` (a key; the uid of a pod directory; empty for observe): may throw, may take its time. */
export type Fault = (target: string, signal: AbortSignal) => Promise<void> | void;

/**
 * A container whose last word of `command` is `exit N` ends with N as soon as it is started; the image `missing` cannot be
 * fetched; the program `/missing` cannot be executed. All else runs until it is stopped.
 */
export class MemoryRuntime implements Runtime {
  readonly faults = new Map<Operation, Fault>();
  objects: ConfigObjects = noConfigObjects;
  readonly #clock: Clock;
  readonly #revisions = new Map<RktUuid, Revision>();
  readonly #pods = new Map<RktUuid, Pod>();
  /** With which a life begins. */
  readonly #firsts = new Set<RktUuid>();
  #beginnings = 0;
  readonly #directories = new Map<PodUid, PodDirectory>();

  constructor(clock: Clock, revisions: readonly Revision[] = []) {
    this.#clock = clock;
    for (const revision of revisions) {
      this.#revisions.set(revision.uuid, revision);
      this.addDirectory(revision.podUid);
    }
  }

  get revisions(): readonly Revision[] {
    return [...this.#revisions.values()];
  }

  /** A directory of which nothing else is left. */
  addDirectory(uid: PodUid): void {
    this.#directories.set(uid, { uid, content: undefined, accepted: undefined, good: undefined });
  }

  /** The pod ends by itself. */
  exit(uuid: RktUuid, exitCode: number): void {
    const revision = this.#revisions.get(uuid);
    if (revision && isLive(revision)) this.#end(revision, exitCode);
  }

  async observe(signal: AbortSignal): Promise<Observation> {
    await this.#begin("observe", "", signal);
    return { revisions: this.revisions, podDirectories: [...this.#directories.values()] };
  }

  async prepare(pod: Pod, attempt: Attempt, signal: AbortSignal): Promise<RktUuid> {
    const key = podKey(pod.namespace, pod.name);
    await this.#begin("prepare", key, signal);
    const containers = containersOf(pod.spec, attempt.stage);
    const needed = isFirstStage(pod.spec, attempt.stage) ? allContainersOf(pod.spec) : containers;
    if (needed.some(({ image }) => image === "missing"))
      throw new RuntimeError("ErrImagePull", "missing: no such image");
    const uuid = randomUUID() as RktUuid;
    this.#accept(pod);
    this.#pods.set(uuid, pod);
    if (attempt.activeSinceMs === undefined) this.#firsts.add(uuid);
    this.#revisions.set(uuid, {
      stage: attempt.stage,
      networkOf: attempt.networkOf,
      restartCount: attempt.restartCount,
      backOffMs: attempt.backOffMs,
      activeSinceMs: attempt.activeSinceMs ?? this.#beginningMs(),
      startedMs: undefined,
      uuid,
      key,
      podUid: pod.uid,
      specHash: pod.specHash,
      manifest: pod.source.file,
      state: { kind: "prepared" },
      isPostStarted: containers.every(({ postStart }) => postStart === undefined),
      wasReady: false,
      apps: containers.map(({ name }) => ({
        name,
        imageId: `sha512-${"0".repeat(64)}` as ImageId,
        state: { kind: "created" },
      })),
      podIP: "",
      createdAtMs: this.#clock.wallMs(),
      startedAtMs: undefined,
    });
    return uuid;
  }

  async start(uuid: RktUuid, signal: AbortSignal): Promise<void> {
    const prepared = this.#revisions.get(uuid);
    await this.#begin("start", prepared?.key ?? "", signal);
    if (prepared?.state.kind !== "prepared")
      throw new RuntimeError("RunContainerError", `${uuid} is not prepared`);
    const started: Revision = {
      ...prepared,
      activeSinceMs: this.#firsts.has(uuid) ? this.#beginningMs() : prepared.activeSinceMs,
      startedMs: this.#clock.nowMs(),
      startedAtMs: this.#clock.wallMs(),
      state: { kind: "running" },
    };
    const pod = this.#pods.get(uuid);
    const containers = pod === undefined ? [] : containersOf(pod.spec, prepared.stage);
    const exitCodes = containers.map(({ command }) => exitCodeOf(command));
    const failed = exitCodes.find((code) => code !== undefined && code !== 0);
    const isOver = failed !== undefined || exitCodes.every((code) => code === 0);
    this.#revisions.set(uuid, {
      ...started,
      apps: started.apps.map((app) => inState(app, { kind: "running" })),
    });
    // Shared fate: one that fails ends all, one that ends well does not.
    if (isOver) this.#end(started, failed ?? 0);
  }

  /** No two lives begin at once, although this clock stands still. */
  #beginningMs(): number {
    return this.#clock.nowMs() + 0.001 * this.#beginnings++;
  }

  async refresh(pod: Pod, signal: AbortSignal): Promise<void> {
    await this.#begin("refresh", podKey(pod.namespace, pod.name), signal);
    this.#accept(pod);
  }

  /** Of an edit that gives the Pod another uid, what was good before is good still. */
  #accept(pod: Pod): void {
    const key = podKey(pod.namespace, pod.name);
    const earlier = this.revisions
      .filter((revision) => revision.key === key)
      .sort((a, b) => b.activeSinceMs - a.activeSinceMs)
      .map(({ podUid }) => podUid);
    const directories = [...earlier, pod.uid].map((uid) => this.#directories.get(uid));
    this.#directories.set(pod.uid, {
      uid: pod.uid,
      content: contentHash(pod, this.objects),
      accepted: acceptedHash(serializeAcceptedPod(pod)),
      good: directories.find((directory) => directory?.good !== undefined)?.good,
    });
  }

  async postStart(_pod: Pod, { uuid, key }: Revision, signal: AbortSignal): Promise<void> {
    await this.#begin("postStart", key, signal);
    const revision = this.#revisions.get(uuid);
    if (revision) this.#revisions.set(uuid, { ...revision, isPostStarted: true });
  }

  async markReady(pod: Pod, { uuid, key, podUid }: Revision, signal: AbortSignal): Promise<void> {
    await this.#begin("markReady", key, signal);
    const revision = this.#revisions.get(uuid);
    const directory = this.#directories.get(podUid);
    if (revision) this.#revisions.set(uuid, { ...revision, wasReady: true });
    if (directory) this.#directories.set(podUid, { ...directory, good: serializeAcceptedPod(pod) });
  }

  async stop({ uuid, key }: Revision, stop: Stop, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const before = this.#revisions.get(uuid);
    if (before && isLive(before)) this.#revisions.set(uuid, { ...before, state: { kind: "stopping" } });
    try {
      await this.faults.get("stop")?.(key, signal);
    } catch (error) {
      if (before) this.#revisions.set(uuid, before);
      throw error;
    }
    // What ended for its own fault is never a success, whatever it ended with.
    const exitCode = stop.cause === undefined ? 0 : undefined;
    const revision = this.#revisions.get(uuid);
    if (revision && isLive(revision)) this.#end(revision, exitCode, stop);
    signal.throwIfAborted(); // it ends all the same
  }

  async remove({ uuid, key }: Revision, signal: AbortSignal): Promise<void> {
    await this.#begin("remove", key, signal);
    const revision = this.#revisions.get(uuid);
    if (revision && isLive(revision)) throw new RuntimeError("FailedKillPod", `${uuid} is running`);
    this.#revisions.delete(uuid);
    this.#pods.delete(uuid);
    this.#firsts.delete(uuid);
  }

  async removePodDirectory(uid: PodUid, signal: AbortSignal): Promise<void> {
    await this.#begin("removePodDirectory", uid, signal);
    this.#directories.delete(uid);
  }

  async #begin(operation: Operation, target: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.faults.get(operation)?.(target, signal);
    signal.throwIfAborted();
  }

  /** `stop` undefined: by itself. */
  #end(revision: Revision, exitCode: number | undefined, stop?: Stop): void {
    const finishedAtMs = this.#clock.wallMs();
    this.#revisions.set(revision.uuid, {
      ...revision,
      apps: revision.apps.map((app) => inState(app, { kind: "exited", exitCode, finishedAtMs, message: "" })),
      state: {
        kind: "exited",
        finishedAtMs,
        finishedMs: this.#clock.nowMs(),
        ranForMs: finishedAtMs - (revision.startedAtMs ?? finishedAtMs),
        isStopped: stop !== undefined && stop.cause === undefined,
        isInterrupted: false,
        killed: stop?.cause,
        failure: undefined,
      },
    });
  }
}

function exitCodeOf(command: readonly string[]): number | undefined {
  if (command[0] === "/missing") return 203;
  const code = /^exit (\d+)$/.exec(command.at(-1) ?? "")?.[1];
  return code === undefined ? undefined : Number(code);
}

function inState(app: ObservedApp, state: ObservedApp["state"]): ObservedApp {
  return { ...app, state };
}
