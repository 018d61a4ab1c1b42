// The runtime port made of memory: what was prepared, started and ended is a map. Faults are put in from outside.
// It keeps test/contract/runtime.ts, and like the real one it starts whatever it is told to, twice too: not starting twice is the reconciler's work.

import { randomUUID } from "node:crypto";
import type { Clock } from "../../src/host/clock.ts";
import { type ConfigObjects, noConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash } from "../../src/pod/content-hash.ts";
import { type ContentHash, type ImageId, type PodUid, podKey, type RktUuid } from "../../src/pod/names.ts";
import { isLive, type Observation, type ObservedApp, type Revision } from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
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
  readonly #directories = new Map<PodUid, ContentHash | undefined>();

  constructor(clock: Clock, revisions: readonly Revision[] = []) {
    this.#clock = clock;
    for (const revision of revisions) {
      this.#revisions.set(revision.uuid, revision);
      this.#directories.set(revision.podUid, undefined);
    }
  }

  get revisions(): readonly Revision[] {
    return [...this.#revisions.values()];
  }

  /** A directory of which nothing else is left. */
  addDirectory(uid: PodUid): void {
    this.#directories.set(uid, undefined);
  }

  /** The pod ends by itself. */
  exit(uuid: RktUuid, exitCode: number): void {
    const revision = this.#revisions.get(uuid);
    if (revision && isLive(revision)) this.#end(revision, { exitCode, isStopped: false });
  }

  async observe(signal: AbortSignal): Promise<Observation> {
    await this.#begin("observe", "", signal);
    const podDirectories = [...this.#directories].map(([uid, content]) => ({
      uid,
      content,
      accepted: undefined,
      good: undefined,
    }));
    return { revisions: this.revisions, podDirectories };
  }

  async prepare(pod: Pod, attempt: Attempt, signal: AbortSignal): Promise<RktUuid> {
    const key = podKey(pod.namespace, pod.name);
    await this.#begin("prepare", key, signal);
    if (pod.spec.containers.some(({ image }) => image === "missing"))
      throw new RuntimeError("ErrImagePull", "missing: no such image");
    const uuid = randomUUID() as RktUuid;
    this.#directories.set(pod.uid, contentHash(pod, this.objects));
    this.#pods.set(uuid, pod);
    this.#revisions.set(uuid, {
      stage: attempt.stage,
      networkOf: attempt.networkOf,
      restartCount: attempt.restartCount,
      backOffMs: attempt.backOffMs,
      activeSinceMs: attempt.activeSinceMs ?? this.#clock.nowMs(),
      uuid,
      key,
      podUid: pod.uid,
      specHash: pod.specHash,
      manifest: pod.source.file,
      state: { kind: "prepared" },
      isPostStarted: true,
      wasReady: false,
      apps: pod.spec.containers.map(({ name }) => ({
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
    const started: Revision = { ...prepared, startedAtMs: this.#clock.wallMs(), state: { kind: "running" } };
    const containers = this.#pods.get(uuid)?.spec.containers ?? [];
    const exitCodes = containers.map(({ command }) => exitCodeOf(command));
    const failed = exitCodes.find((code) => code !== undefined && code !== 0);
    const isOver = failed !== undefined || exitCodes.every((code) => code === 0);
    this.#revisions.set(uuid, {
      ...started,
      apps: started.apps.map((app) => inState(app, { kind: "running" })),
    });
    // Shared fate: one that fails ends all, one that ends well does not.
    if (isOver) this.#end(started, { exitCode: failed ?? 0, isStopped: false });
  }

  async refresh(pod: Pod, signal: AbortSignal): Promise<void> {
    await this.#begin("refresh", podKey(pod.namespace, pod.name), signal);
    this.#directories.set(pod.uid, contentHash(pod, this.objects));
  }

  async postStart(): Promise<void> {}

  async markReady(): Promise<void> {}

  async stop({ uuid, key }: Revision, _stop: Stop, signal: AbortSignal): Promise<void> {
    await this.#begin("stop", key, signal);
    const revision = this.#revisions.get(uuid);
    if (revision && isLive(revision)) this.#end(revision, { exitCode: 0, isStopped: true });
  }

  async remove({ uuid, key }: Revision, signal: AbortSignal): Promise<void> {
    await this.#begin("remove", key, signal);
    const revision = this.#revisions.get(uuid);
    if (revision && isLive(revision)) throw new RuntimeError("FailedKillPod", `${uuid} is running`);
    this.#revisions.delete(uuid);
    this.#pods.delete(uuid);
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

  #end(revision: Revision, { exitCode, isStopped }: { exitCode: number; isStopped: boolean }): void {
    const finishedAtMs = this.#clock.wallMs();
    this.#revisions.set(revision.uuid, {
      ...revision,
      apps: revision.apps.map((app) => inState(app, { kind: "exited", exitCode, finishedAtMs, message: "" })),
      state: {
        kind: "exited",
        finishedAtMs,
        finishedMs: this.#clock.nowMs(),
        ranForMs: finishedAtMs - (revision.startedAtMs ?? finishedAtMs),
        isStopped,
        isInterrupted: false,
        killed: undefined,
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
