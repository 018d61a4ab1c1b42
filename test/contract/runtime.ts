// What every implementation of the runtime port must do. Each calls runtimeContract() in a test of its own.

import { describe, expect, test } from "bun:test";
import type { ConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash } from "../../src/pod/content-hash.ts";
import { acceptedHash, serializeAcceptedPod } from "../../src/pod/desired.ts";
import { type PodUid, podKey, type RktUuid, type SpecHash } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import { isLive } from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { containersStage, type Stage } from "../../src/pod/stage.ts";
import { type Runtime, RuntimeError } from "../../src/reconcile/runtime.ts";
import { plainAttempt } from "../plain-pod.ts";
import { configMap } from "../reconcile/base-world.ts";
import { waitUntil } from "../wait-until.ts";

/** What a Pod's only container, `main`, does. */
export type Behaviour =
  | "runs"
  /** Takes some time to end when it is told to. */
  | "endsLate"
  | "mountsSettings"
  | "exits0"
  | "exits3"
  | "imageMissing"
  | "programMissing";

export interface RuntimeUnderTest extends AsyncDisposable {
  /** Sees nothing yet. */
  readonly runtime: Runtime;
  /** A Pod of that name, in namespace `default`; restartPolicy does not matter. */
  makePod(name: string, behaviour: Behaviour): Pod;
  /** Whether `endsLate` has got so far that it would not end at once. */
  canBeTold(revision: Revision): Promise<boolean>;
  /** Whether it is on its way out. */
  hasBeenTold(revision: Revision): Promise<boolean>;
  /** What ConfigMaps there are from now on; none at first. `mountsSettings` mounts the one named `settings`. */
  setObjects(objects: ConfigObjects): void;
}

const attempt = plainAttempt;
const deliberate = { cause: undefined, graceSeconds: undefined };
const { signal } = new AbortController();

export function runtimeContract(name: string, create: () => Promise<RuntimeUnderTest>): void {
  const observe = async ({ runtime }: RuntimeUnderTest) => (await runtime.observe(signal)).revisions;
  const only = async (it: RuntimeUnderTest): Promise<Revision> => {
    const [revision, ...others] = await observe(it);
    expect(others).toEqual([]);
    if (!revision) throw new Error("no revision is there");
    return revision;
  };
  const started = async (it: RuntimeUnderTest, pod: Pod): Promise<Revision> => {
    await it.runtime.start(await it.runtime.prepare(pod, attempt, signal), signal);
    return only(it);
  };
  const ended = (it: RuntimeUnderTest) =>
    waitUntil("the revision to end", async () => {
      const revision = await only(it);
      return revision.state.kind === "exited" && { ...revision, state: revision.state };
    });

  describe(`runtime contract: ${name}`, () => {
    test("where nothing was made, nothing is seen", async () => {
      await using it = await create();
      expect(await it.runtime.observe(signal)).toEqual({ revisions: [], podDirectories: [] });
    });

    test("what is prepared is seen at once, and remembers what it was made for", async () => {
      await using it = await create();
      const pod = it.makePod("web", "runs");
      const uuid = await it.runtime.prepare(pod, { ...attempt, restartCount: 3, backOffMs: 20_000 }, signal);
      expect(await only(it)).toMatchObject({
        uuid,
        key: podKey("default", "web"),
        podUid: pod.uid,
        specHash: pod.specHash,
        manifest: pod.source.file,
        restartCount: 3,
        backOffMs: 20_000,
        startedMs: undefined,
        state: { kind: "prepared" },
        apps: [{ name: "main", state: { kind: "created" } }],
      });
      expect((await it.runtime.observe(signal)).podDirectories).toEqual([
        {
          uid: pod.uid,
          content: undefined,
          accepted: acceptedHash(serializeAcceptedPod(pod)),
          good: undefined,
        },
      ]);
    });

    test("what is started is seen running at once", async () => {
      await using it = await create();
      const revision = await started(it, it.makePod("web", "runs"));
      expect(revision.state).toEqual({ kind: "running" });
      expect(Math.floor(revision.activeSinceMs)).toBe(revision.startedMs ?? 0);
      await waitUntil("the app to run", async () => (await only(it)).apps[0]?.state.kind === "running");
      expect((await only(it)).startedAtMs).toBeGreaterThanOrEqual(revision.createdAtMs);
    });

    test("an app that fails ends the pod with its code", async () => {
      await using it = await create();
      const revision = await started(it, it.makePod("web", "exits3"));
      expect(revision.state.kind).toBeOneOf(["running", "stopping", "exited"]);
      const { state, apps } = await ended(it);
      expect(state).toMatchObject({ isStopped: false, failure: undefined });
      expect(state.finishedMs).toBeGreaterThan(0);
      expect(state.ranForMs).toBeGreaterThanOrEqual(0);
      expect(apps).toMatchObject([{ name: "main", state: { kind: "exited", exitCode: 3 } }]);
    });

    test("an app that ends well ends the pod, when it is the last", async () => {
      await using it = await create();
      await started(it, it.makePod("web", "exits0"));
      const { state, apps } = await ended(it);
      expect(state).toMatchObject({ isStopped: false, failure: undefined });
      expect(apps).toMatchObject([{ state: { kind: "exited", exitCode: 0 } }]);
    });

    test("what is stopped has ended when stop resolves, and tells that it was told to; again is fine", async () => {
      await using it = await create();
      const revision = await started(it, it.makePod("web", "runs"));
      await it.runtime.stop(revision, deliberate, signal);
      expect((await only(it)).state).toMatchObject({ kind: "exited", isStopped: true });
      await it.runtime.stop(revision, deliberate, signal);
      expect((await only(it)).state).toMatchObject({ kind: "exited", isStopped: true });
    });

    test("what has been told to stop ends, and tells that it was told to, also when the call is aborted", async () => {
      await using it = await create();
      const revision = await started(it, it.makePod("web", "endsLate"));
      await waitUntil("the app to run", () => it.canBeTold(revision));
      const abort = new AbortController();
      const stopped = failureOf(it.runtime.stop(revision, deliberate, abort.signal));
      await waitUntil("it to be told", () => it.hasBeenTold(revision));
      abort.abort();
      expect(await stopped).toBeInstanceOf(Error);
      expect((await ended(it)).state).toMatchObject({ isStopped: true });
    });

    test("what is removed is seen no more; the pod's directory stays until told; again is fine", async () => {
      await using it = await create();
      const pod = it.makePod("web", "runs");
      const revision = await started(it, pod);
      await it.runtime.stop(revision, deliberate, signal);
      const dead = await only(it);
      await it.runtime.remove(dead, signal);
      expect(await it.runtime.observe(signal)).toEqual({
        revisions: [],
        podDirectories: [
          {
            uid: pod.uid,
            content: undefined,
            accepted: acceptedHash(serializeAcceptedPod(pod)),
            good: undefined,
          },
        ],
      });
      await it.runtime.remove(dead, signal);
      await it.runtime.removePodDirectory(pod.uid, signal);
      expect(await it.runtime.observe(signal)).toEqual({ revisions: [], podDirectories: [] });
      await it.runtime.removePodDirectory(pod.uid, signal);
    });

    test("a refresh brings volumes up to what ConfigMaps hold now, and restarts nothing", async () => {
      await using it = await create();
      const pod = it.makePod("web", "mountsSettings");
      const content = async () => (await it.runtime.observe(signal)).podDirectories[0]?.content;
      it.setObjects(configMap("settings", "old"));
      const { uuid } = await started(it, pod);
      expect(await content()).toBe(contentHash(pod, configMap("settings", "old")));
      it.setObjects(configMap("settings", "new"));
      expect(await content()).toBe(contentHash(pod, configMap("settings", "old")));
      await it.runtime.refresh(pod, signal);
      expect(await content()).toBe(contentHash(pod, configMap("settings", "new")));
      expect(await only(it)).toMatchObject({ uuid, state: { kind: "running" } });
      await it.runtime.refresh(pod, signal);
      expect(await content()).toBe(contentHash(pod, configMap("settings", "new")));
    });

    test("a refresh brings the accepted manifest up to date, and restarts nothing", async () => {
      await using it = await create();
      const pod = it.makePod("web", "runs");
      const accepted = async () => (await it.runtime.observe(signal)).podDirectories[0]?.accepted;
      const { uuid } = await started(it, pod);
      expect(await accepted()).toBe(acceptedHash(serializeAcceptedPod(pod)));
      const labelled = { ...pod, wire: { metadata: { labels: { tier: "front" } } } };
      await it.runtime.refresh(labelled, signal);
      expect(await accepted()).toBe(acceptedHash(serializeAcceptedPod(labelled)));
      expect(await only(it)).toMatchObject({ uuid, state: { kind: "running" } });
    });

    test.each<[stage: Stage, container: string]>([
      [{ kind: "init", container: "set-up" }, "set-up"],
      [{ kind: "sidecar", container: "proxy" }, "proxy"],
      [containersStage, "main"],
    ])(
      "of a stage only its containers are run, and it remembers which it is: %j",
      async (stage, container) => {
        await using it = await create();
        const pod = withInits(it.makePod("web", "runs"));
        const ofPod = { stage, networkOf: someUuid, activeSinceMs: 10 };
        await it.runtime.prepare(pod, { ...attempt, ...ofPod }, signal);
        expect(await only(it)).toMatchObject({ ...ofPod, apps: [{ name: container }] });
      },
    );

    test("the first stage is not made where the image of a later one cannot be had", async () => {
      await using it = await create();
      const pod = it.makePod("web", "imageMissing");
      const runs = it.makePod("web", "runs");
      const staged = { ...pod, spec: { ...pod.spec, initContainers: withInits(runs).spec.initContainers } };
      const stage: Stage = { kind: "init", container: "set-up" };
      const failure = await failureOf(it.runtime.prepare(staged, { ...attempt, stage }, signal));
      expect(failure).toMatchObject({ name: "RuntimeError", reason: "ErrImagePull" });
      expect(await observe(it)).toEqual([]);
    });

    test("postStart hooks have run once they were told to, and a pod without has nothing to run", async () => {
      await using it = await create();
      const pod = it.makePod("web", "runs");
      expect((await started(it, pod)).isPostStarted).toBe(true);
      const hooked = withPostStart(it.makePod("hooked", "runs"));
      const uuid = await it.runtime.prepare(hooked, attempt, signal);
      await it.runtime.start(uuid, signal);
      const revision = async () => (await observe(it)).find((each) => each.uuid === uuid);
      const before = await revision();
      if (before === undefined) throw new Error("it is not there");
      expect(before.isPostStarted).toBe(false);
      await it.runtime.postStart(hooked, before, signal);
      expect((await revision())?.isPostStarted).toBe(true);
    });

    test("what was Ready is remembered, and that version of the Pod as good, also when an edit changes its uid", async () => {
      await using it = await create();
      const pod = it.makePod("web", "runs");
      const revision = await started(it, pod);
      expect(revision.wasReady).toBe(false);
      await it.runtime.markReady(pod, revision, signal);
      expect((await only(it)).wasReady).toBe(true);
      const edited = { ...pod, uid: "uid-edited" as PodUid, specHash: "abcd" as SpecHash };
      await it.runtime.prepare(edited, attempt, signal);
      const { podDirectories } = await it.runtime.observe(signal);
      const good = serializeAcceptedPod(pod);
      expect(podDirectories.map((directory) => directory.good)).toEqual([good, good]);
    });

    test("of several versions that were Ready the last is the good one, also for one that is back", async () => {
      await using it = await create();
      const version = (uid: string): Pod => ({ ...it.makePod("web", "runs"), uid: uid as PodUid });
      for (const pod of [version("uid-one"), version("uid-two")]) {
        await it.runtime.start(await it.runtime.prepare(pod, attempt, signal), signal);
        const revision = (await observe(it)).find(({ podUid }) => podUid === pod.uid);
        if (revision === undefined) throw new Error("it is not there");
        await it.runtime.markReady(pod, revision, signal);
        await it.runtime.stop(revision, deliberate, signal);
      }
      for (const uid of ["uid-three", "uid-one"]) {
        await it.runtime.prepare(version(uid), attempt, signal);
        const { podDirectories } = await it.runtime.observe(signal);
        const good = podDirectories.find((directory) => String(directory.uid) === uid)?.good;
        expect(good).toBe(serializeAcceptedPod(version("uid-two")));
      }
    });

    test("what was ended for its own fault tells that, and has not succeeded", async () => {
      await using it = await create();
      const revision = await started(it, it.makePod("web", "runs"));
      const cause = { reason: "Unhealthy", message: "Liveness probe failed: refused" } as const;
      await it.runtime.stop(revision, { cause, graceSeconds: 1 }, signal);
      const { state, apps } = await ended(it);
      expect(state).toMatchObject({ isStopped: false, isInterrupted: false, killed: cause });
      expect(apps).toMatchObject([{ state: { kind: "exited", exitCode: undefined } }]);
    });

    test("what was prepared and never started can be removed", async () => {
      await using it = await create();
      await it.runtime.prepare(it.makePod("web", "runs"), attempt, signal);
      await it.runtime.remove(await only(it), signal);
      expect(await observe(it)).toEqual([]);
    });

    test("what runs cannot be removed", async () => {
      await using it = await create();
      const revision = await started(it, it.makePod("web", "runs"));
      expect(await failureOf(it.runtime.remove(revision, signal))).toBeInstanceOf(RuntimeError);
      expect((await only(it)).state).toEqual({ kind: "running" });
    });

    test("an image that cannot be fetched: ErrImagePull, and nothing to start", async () => {
      await using it = await create();
      const pod = it.makePod("web", "imageMissing");
      expect(await failureOf(it.runtime.prepare(pod, attempt, signal))).toMatchObject({
        name: "RuntimeError",
        reason: "ErrImagePull",
      });
      expect(await observe(it)).toEqual([]);
    });

    test("a program that is not there: the start fails or the pod ends at once, and tells that it failed", async () => {
      await using it = await create();
      const uuid = await it.runtime.prepare(it.makePod("web", "programMissing"), attempt, signal);
      await failureOf(it.runtime.start(uuid, signal));
      const { state, apps } = await ended(it);
      const code = apps[0]?.state.kind === "exited" ? apps[0].state.exitCode : undefined;
      expect(state.failure !== undefined || code === 203).toBe(true);
    });

    test("two revisions of one pod, and another pod, are each seen for themselves", async () => {
      await using it = await create();
      const first = await it.runtime.prepare(it.makePod("web", "runs"), attempt, signal);
      const retry = { ...attempt, restartCount: 1 };
      const second = await it.runtime.prepare(it.makePod("web", "exits3"), retry, signal);
      const other = await it.runtime.prepare(it.makePod("other", "runs"), attempt, signal);
      await it.runtime.start(other, signal);
      const seen = await observe(it);
      expect(seen.map(({ uuid }) => uuid).sort()).toEqual([first, second, other].sort());
      expect(seen.filter(isLive).map(({ key }) => key)).toEqual([podKey("default", "other")]);
    });

    test("a call whose signal is aborted does nothing", async () => {
      await using it = await create();
      const aborted = AbortSignal.abort();
      const pod = it.makePod("web", "runs");
      await failureOf(it.runtime.prepare(pod, attempt, aborted));
      const uuid = await it.runtime.prepare(pod, attempt, signal);
      await failureOf(it.runtime.start(uuid, aborted));
      expect((await observe(it)).map((revision) => [revision.uuid, revision.state.kind])).toEqual([
        [uuid, "prepared"],
      ]);
      await failureOf(it.runtime.observe(aborted));
    });
  });
}

const someUuid = "00000000-0000-4000-8000-000000000001" as RktUuid;

/** `set-up` and the sidecar `proxy`, which do what its container does. */
function withInits(pod: Pod): Pod {
  const initContainers = pod.spec.containers.flatMap((container) => [
    { ...container, name: "set-up", isSidecar: false },
    { ...container, name: "proxy", isSidecar: true },
  ]);
  return { ...pod, spec: { ...pod.spec, initContainers } };
}

function withPostStart(pod: Pod): Pod {
  const postStart = { kind: "exec", command: ["/bin/true"] } as const;
  return {
    ...pod,
    spec: { ...pod.spec, containers: pod.spec.containers.map((each) => ({ ...each, postStart })) },
  };
}

/** What a promise was rejected with, undefined if it was not. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
