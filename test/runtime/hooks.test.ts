// Hooks and the end of revisions, with the built-in engine and a real systemd.

import { expect, test } from "bun:test";
import { systemClock } from "../../src/host/clock.ts";
import type { HookHandler } from "../../src/pod/handler.ts";
import type { Failure, Revision } from "../../src/pod/observed-pod.ts";
import type { Container, Pod } from "../../src/pod/pod.ts";
import { waitUntil } from "../wait-until.ts";
import { RuntimeMachine } from "./runtime-machine.ts";

const { signal } = new AbortController();
const onRequest = { cause: undefined, graceSeconds: undefined };
const unhealthy: Failure = { reason: "Unhealthy", message: "Liveness probe failed: refused" };

function shell(script: string): HookHandler & { readonly kind: "exec" } {
  return { kind: "exec", command: ["/bin/sh", "-c", script] };
}

/** Ends when it is told to, and says so. */
const obedient: readonly string[] = shell(
  "trap 'echo told >>/dev/termination-log; exit 0' TERM; touch /up; while :; do sleep 0.05; done",
).command;
/** Has to be killed. */
const deaf: readonly string[] = shell("trap '' TERM; touch /up; while :; do sleep 0.05; done").command;

function lastWords({ apps }: Revision): string {
  const [state] = apps.map((app) => app.state);
  return state?.kind === "exited" ? state.message : "it runs";
}

/** Resolves once the app listens to signals. */
async function started(machine: RuntimeMachine, pod: Pod): Promise<Revision> {
  const revision = await machine.start(pod);
  await waitUntil(
    "the app to listen",
    // It fails while the app's unit has no process yet.
    async () => (await machine.enter(revision.uuid, "/bin/test", "-e", "/up").catch(() => 1)) === 0,
  );
  return revision;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedMs = systemClock.nowMs();
  await act();
  return systemClock.nowMs() - startedMs;
}

const preStop = (script: string): Partial<Container> => ({
  command: obedient,
  preStop: shell(`echo "${script}" >>/dev/termination-log`),
});

test("a preStop hook is run in the container while its app runs, and only then is that told to end", async () => {
  await using machine = await RuntimeMachine.create();
  const { uuid, ...rest } = await started(machine, machine.makePod("web", preStop("hook of $PWD")));
  await machine.runtime.stop({ uuid, ...rest }, onRequest, signal);
  const ended = await machine.revision(uuid);
  expect(ended.state).toMatchObject({ kind: "exited", isStopped: true, killed: undefined });
  expect(lastWords(ended)).toBe("hook of /\ntold\n");
  expect(machine.events).toEqual([]);
});

test("it is run by an agent that has never seen the manifest, too", async () => {
  await using machine = await RuntimeMachine.create();
  const { uuid } = await started(machine, machine.makePod("web", preStop("hook")));
  machine.restartAgent();
  await machine.runtime.stop(await machine.revision(uuid), onRequest, signal);
  expect(lastWords(await machine.revision(uuid))).toBe("hook\ntold\n");
});

test("it is the last accepted one, as a hook is changed without a restart", async () => {
  await using machine = await RuntimeMachine.create();
  const pod = machine.makePod("web", preStop("before"));
  const { uuid } = await started(machine, pod);
  const edited = machine.makePod("web", preStop("after"));
  expect(edited.specHash).toBe(pod.specHash);
  await machine.runtime.refresh(edited);
  await machine.runtime.stop(await machine.revision(uuid), onRequest, signal);
  expect(lastWords(await machine.revision(uuid))).toBe("after\ntold\n");
});

test("regression: an edit that came with another stage's start left the hooks of those that run as they were", async () => {
  await using machine = await RuntimeMachine.create();
  const withSidecar = (pod: Pod): Pod => {
    const initContainers = pod.spec.containers.map((each) => ({ ...each, name: "proxy", isSidecar: true }));
    return { ...pod, spec: { ...pod.spec, initContainers } };
  };
  const { uuid } = await started(machine, withSidecar(machine.makePod("web", preStop("before"))));
  const stage = { kind: "sidecar", container: "proxy" } as const;
  await machine.launch(withSidecar(machine.makePod("web", preStop("after"))), { stage });
  await machine.runtime.stop(await machine.revision(uuid), onRequest, signal);
  expect(lastWords(await machine.revision(uuid))).toBe("after\ntold\n");
});

test("it is not run in a container that has ended", async () => {
  await using machine = await RuntimeMachine.create();
  const pod = machine.makePod("web", preStop("hook"));
  const containers = pod.spec.containers.flatMap((main) => [
    main,
    { ...main, name: "done", command: ["/bin/true"] },
  ]);
  const uuid = await machine.launch({ ...pod, spec: { ...pod.spec, containers } });
  const revision = await waitUntil("the one to end", async () => {
    const seen = await machine.revision(uuid);
    return seen.apps.some(({ state }) => state.kind === "exited") && seen;
  });
  await machine.runtime.stop(revision, onRequest, signal);
  expect(machine.events).toEqual([]);
  const ended = await machine.revision(uuid);
  expect(ended.apps.map(({ name, state }) => [name, "message" in state && state.message])).toEqual([
    ["main", "hook\ntold\n"],
    ["done", ""],
  ]);
});

test("one that fails is an event, without what it said, and the pod ends all the same", async () => {
  await using machine = await RuntimeMachine.create();
  const failing = { command: obedient, preStop: shell("echo secret; exit 3") };
  const { uuid, podUid, key } = await started(machine, machine.makePod("web", failing));
  await machine.runtime.stop(await machine.revision(uuid), onRequest, signal);
  expect(lastWords(await machine.revision(uuid))).toBe("told\n");
  expect(machine.events).toEqual([
    {
      object: { kind: "Pod", key, uid: podUid, container: "main" },
      type: "Warning",
      reason: "FailedPreStopHook",
      message: "PreStopHook failed",
    },
  ]);
});

test("what hooks use is taken from the grace period, but for 2 seconds; then the app is killed", async () => {
  await using machine = await RuntimeMachine.create();
  const endless = { command: deaf, preStop: { kind: "sleep", seconds: 100 } } as const;
  const pod = machine.makePod("web", endless, { terminationGracePeriodSeconds: 4 });
  const { uuid } = await started(machine, pod);
  const usedMs = await timed(async () =>
    machine.runtime.stop(await machine.revision(uuid), onRequest, signal),
  );
  expect(usedMs).toBeWithin(6000, 7900);
  expect((await machine.revision(uuid)).state).toMatchObject({ kind: "exited", isStopped: true });
});

test("a grace period of its own ends it sooner than the pod's", async () => {
  await using machine = await RuntimeMachine.create();
  const pod = machine.makePod("web", { command: deaf }, { terminationGracePeriodSeconds: 600 });
  const { uuid } = await started(machine, pod);
  const stop = { cause: unhealthy, graceSeconds: 2 };
  const usedMs = await timed(async () => machine.runtime.stop(await machine.revision(uuid), stop, signal));
  expect(usedMs).toBeWithin(2000, 30_000);
  expect((await machine.revision(uuid)).state).toMatchObject({ kind: "exited", killed: unhealthy });
});

test("regression: an app that its preStop hook told to end counted as having ended by itself", async () => {
  await using machine = await RuntimeMachine.create();
  const container = {
    command: obedient,
    preStop: shell("kill $(pgrep -f 'sleep 0.05; done' | head -n 1); sleep 1"),
  };
  const { uuid } = await started(machine, machine.makePod("web", container));
  await machine.runtime.stop(
    await machine.revision(uuid),
    { cause: unhealthy, graceSeconds: undefined },
    signal,
  );
  const { state, apps } = await machine.revision(uuid);
  expect(state).toMatchObject({ kind: "exited", isStopped: false, isInterrupted: false, killed: unhealthy });
  expect(apps).toMatchObject([{ state: { kind: "exited", exitCode: undefined } }]);
});

test("an agent that is ended while a hook runs has stopped nothing", async () => {
  await using machine = await RuntimeMachine.create();
  const slow = { command: obedient, preStop: shell("echo begun >>/dev/termination-log; sleep 100") };
  const pod = machine.makePod("web", slow, { terminationGracePeriodSeconds: 600 });
  const { uuid } = await started(machine, pod);
  const ending = new AbortController();
  const stopping = machine.runtime.stop(await machine.revision(uuid), onRequest, ending.signal);
  const hasBegun = () => machine.enter(uuid, "/bin/grep", "-q", "begun", "/dev/termination-log");
  await waitUntil("the hook to begin", async () => (await hasBegun()) === 0);
  ending.abort();
  expect(stopping).rejects.toThrow();
  await stopping.catch(() => undefined);
  expect((await machine.revision(uuid)).state).toEqual({ kind: "running" });
  await waitUntil(
    "the hook to have ended",
    async () => (await machine.enter(uuid, "/bin/pgrep", "-f", "sleep 100")) !== 0,
  );
});

test("postStart hooks are run in the container as soon as it runs", async () => {
  await using machine = await RuntimeMachine.create();
  const pod = machine.makePod("web", { command: obedient, postStart: shell("echo $PPID >/begun") });
  const uuid = await machine.launch(pod);
  const revision = await machine.revision(uuid);
  expect(revision.isPostStarted).toBe(false);
  await machine.runtime.postStart(pod, revision, signal);
  expect((await machine.revision(uuid)).isPostStarted).toBe(true);
  expect(await machine.enter(uuid, "/bin/test", "-s", "/begun")).toBe(0);
});

test("regression: hooks of a revision that was seen before its network was there asked the machine's own servers", async () => {
  await using machine = await RuntimeMachine.create();
  using ofMachine = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const hook = { kind: "tcpSocket", host: "", port: ofMachine.port } as const;
  const pod = machine.makePod("web", { command: obedient, postStart: hook }, { hostNetwork: false });
  const seen = { ...(await started(machine, pod)), podIP: "" };
  const failure = await machine.runtime.postStart(pod, seen, signal).catch((error: unknown) => error);
  const { podIP } = await machine.revision(seen.uuid);
  expect(failure).toMatchObject({
    reason: "FailedPostStartHook",
    message: expect.stringContaining(`dial tcp ${podIP}:${hook.port}: connect: connection refused`),
  });
});

test("a postStart hook that fails tells which in the kubelet's words, and is not taken for run", async () => {
  await using machine = await RuntimeMachine.create();
  const pod = machine.makePod("web", { command: obedient, postStart: shell("echo secret; exit 3") });
  const revision = await started(machine, pod);
  const failure = await machine.runtime.postStart(pod, revision, signal).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    name: "RuntimeError",
    reason: "FailedPostStartHook",
    message:
      "PostStartHook failed: Exec lifecycle hook ([/bin/sh -c echo secret; exit 3]) " +
      'for Container "main" in Pod "default/web" failed - error: command exited with 3',
  });
  expect((await machine.revision(revision.uuid)).isPostStarted).toBe(false);
});
