// What every implementation of the runtime port must do. Each calls runtimeContract() in a test of its own.

import { describe, expect, test } from "bun:test";
import type { ConfigObjects } from "../../src/pod/config-objects.ts";
import { contentHash } from "../../src/pod/content-hash.ts";
import { podKey } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import { isLive } from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { containersStage } from "../../src/pod/stage.ts";
import { type Attempt, type Runtime, RuntimeError } from "../../src/reconcile/runtime.ts";
import { configMap } from "../reconcile/base-world.ts";
import { waitUntil } from "../wait-until.ts";

/** What a Pod's only container, `main`, does. */
export type Behaviour = "runs" | "mountsSettings" | "exits0" | "exits3" | "imageMissing" | "programMissing";

export interface RuntimeUnderTest extends AsyncDisposable {
  /** Sees nothing yet. */
  readonly runtime: Runtime;
  /** A Pod of that name, in namespace `default`; restartPolicy does not matter. */
  makePod(name: string, behaviour: Behaviour): Pod;
  /** What ConfigMaps there are from now on; none at first. `mountsSettings` mounts the one named `settings`. */
  setObjects(objects: ConfigObjects): void;
}

const attempt: Attempt = {
  restartCount: 0,
  backOffMs: 0,
  stage: containersStage,
  networkOf: undefined,
  activeSinceMs: undefined,
  after: [],
  before: [],
};
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
        state: { kind: "prepared" },
        apps: [{ name: "main", state: { kind: "created" } }],
      });
      expect((await it.runtime.observe(signal)).podDirectories).toEqual([
        { uid: pod.uid, content: undefined, accepted: undefined, good: undefined },
      ]);
    });

    test("what is started is seen running at once", async () => {
      await using it = await create();
      const revision = await started(it, it.makePod("web", "runs"));
      expect(revision.state).toEqual({ kind: "running" });
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

    test("what is removed is seen no more; the pod's directory stays until told; again is fine", async () => {
      await using it = await create();
      const pod = it.makePod("web", "runs");
      const revision = await started(it, pod);
      await it.runtime.stop(revision, deliberate, signal);
      const dead = await only(it);
      await it.runtime.remove(dead, signal);
      expect(await it.runtime.observe(signal)).toEqual({
        revisions: [],
        podDirectories: [{ uid: pod.uid, content: undefined, accepted: undefined, good: undefined }],
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

/** What a promise was rejected with, undefined if it was not. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
