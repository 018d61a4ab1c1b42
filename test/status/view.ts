// A view of a Pod that runs, for tests to change one thing of; and one with an init container and a sidecar before its own.

import { noImageActivity } from "../../src/pod/image-activity.ts";
import type { ObservedApp, Revision } from "../../src/pod/observed-pod.ts";
import type { Pod } from "../../src/pod/pod.ts";
import type { Problem } from "../../src/pod/problem.ts";
import { containersStage, type Stage } from "../../src/pod/stage.ts";
import type { PodView } from "../../src/status/shown-pod.ts";
import { plainContainer } from "../plain-pod.ts";
import { basePod, baseRevision, nowMs, wallMs } from "../reconcile/base-world.ts";

export function baseView(change: Partial<PodView> = {}): PodView {
  return {
    pod: basePod(),
    revisions: [baseRevision()],
    waiting: [],
    health: new Map(),
    images: noImageActivity,
    manifest: { state: "accepted" },
    isDeleted: false,
    sharedPids: undefined,
    hostIP: "192.0.2.1",
    wallMs,
    bootMs: wallMs - nowMs,
    ...change,
  };
}

/** Of its manifest as it is now. */
export const mistyped: Problem = {
  code: "UnknownField",
  file: "/manifests/web.yaml",
  line: 7,
  column: 5,
  field: "spec.containers[0].comand",
  message: "Unknown field",
  hint: 'did you mean "command"?',
};

export const initStage: Stage = { kind: "init", container: "setup" };
export const sidecarStage: Stage = { kind: "sidecar", container: "proxy" };

/** `setup` is run before, `proxy` beside `main`. */
export function stagedPod(change: Parameters<typeof basePod>[0] = {}): Pod {
  const pod = basePod(change);
  const initContainers = [
    { ...plainContainer, name: "setup", image: "setup:1", isSidecar: false },
    { ...plainContainer, name: "proxy", image: "proxy:1", isSidecar: true },
  ];
  const wireInits = [
    { name: "setup", image: "setup:1" },
    { name: "proxy", image: "proxy:1", restartPolicy: "Always" },
  ];
  const { spec } = pod.wire as { spec: object };
  return {
    ...pod,
    spec: { ...pod.spec, initContainers },
    wire: { ...pod.wire, spec: { initContainers: wireInits, ...spec } },
  };
}

/** One of them: number 1 of `setup`, 2 of `proxy`, 3 of the containers, unless told. */
export function stageRevision(stage: Stage, change: Parameters<typeof baseRevision>[0] = {}): Revision {
  const number = { init: 1, sidecar: 2, containers: 3 }[stage.kind];
  const revision = baseRevision({ number, stage, ...change });
  const name = stage.kind === "containers" ? "main" : stage.container;
  return { ...revision, apps: revision.apps.map((app) => ({ ...app, name })) };
}

export function endedWith(revision: Revision, exitCode: number | undefined, message = ""): Revision {
  const state = { kind: "exited", exitCode, finishedAtMs: wallMs - 1000, message } as const;
  return { ...revision, apps: revision.apps.map((app): ObservedApp => ({ ...app, state })) };
}

export { containersStage };
