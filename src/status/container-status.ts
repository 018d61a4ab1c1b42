// One container's status as the kubelet would tell it. Pure.
// Invariant: the words are the kubelet's, where it has one for it.

import type { ContainerState, ContainerStateTerminated, ContainerStatus } from "kubernetes-types/core/v1";
import type { ContainerHealth } from "../pod/health.ts";
import type { ObservedApp, Revision } from "../pod/observed-pod.ts";
import { containerHealth } from "../pod/readiness.ts";
import { rfc3339 } from "../pod/time.ts";
import type { PodView, ShownContainer } from "./shown-pod.ts";
import type { ShownStage } from "./shown-stage.ts";
import { initialWaiting, waitingState } from "./waiting-state.ts";

/** What systemd's exec failure leaves as exit code (systemd.exec(5)); in rkt's stage1 and in the built-in engine alike. */
const execFailedCode = 203;
/** The kubelet's codes for a container that could not be started, and for one of whose end nothing is known. */
const startErrorCode = 128;
const unknownCode = 137;

export function containerStatus(
  container: ShownContainer,
  stage: ShownStage,
  view: PodView,
): ContainerStatus {
  const { name } = container;
  const { current, previous, isLive } = stage;
  const app = current && appOf(current, name);
  const last = previous && terminated(previous, name);
  const state = containerState(container, stage, view);
  const { isStarted, isReady } = conclusion(container, state, stage, view);
  return {
    name,
    image: container.image,
    imageID: app ? `rkt://${app.imageId}` : "",
    ...(current && { containerID: containerId(current, name) }),
    state,
    lastState: last ? { terminated: last } : {},
    ready: isReady,
    started: isStarted,
    restartCount: isLive || stage.isAsWritten ? (current?.restartCount ?? 0) : 0,
  };
}

/** An init container is ready once it has ended well, and of its probes, which it has none of, there is nothing to wait for. */
function conclusion(
  container: ShownContainer,
  { running, terminated: ended }: ContainerState,
  { stage, current }: ShownStage,
  { health }: PodView,
): Pick<ContainerHealth, "isStarted" | "isReady"> {
  if (stage.kind === "init") return { isStarted: running !== undefined, isReady: ended?.exitCode === 0 };
  return current ? containerHealth(container, current, health) : { isStarted: false, isReady: false };
}

function containerState(container: ShownContainer, stage: ShownStage, view: PodView): ContainerState {
  const { current, isLive, waiting } = stage;
  if (current && isLive) {
    const startedAt = rfc3339(current.startedAtMs);
    switch (appOf(current, container.name)?.state.kind) {
      case "running":
        return { running: startedAt === undefined ? {} : { startedAt } };
      case "exited":
        return { terminated: terminated(current, container.name) };
      default:
        return { waiting: initialWaiting(view) };
    }
  }
  if (waiting !== undefined) return { waiting: waitingState(container, waiting, view) };
  return current ? { terminated: terminated(current, container.name) } : { waiting: initialWaiting(view) };
}

function terminated(revision: Revision, name: string): ContainerStateTerminated {
  const app = appOf(revision, name)?.state;
  const exited = app?.kind === "exited" ? app : undefined;
  const end = revision.state.kind === "exited" ? revision.state : undefined;
  const failure = end?.failure;
  const startedAt = rfc3339(revision.startedAtMs);
  const finishedAt = rfc3339(exited?.finishedAtMs ?? end?.finishedAtMs);
  // What was stopped for its fault left no code of its own, yet how it ended is known.
  const exitCode = exited?.exitCode ?? (end?.killed && unknownCode);
  return {
    containerID: containerId(revision, name),
    exitCode: failure ? exited?.exitCode || startErrorCode : (exitCode ?? unknownCode),
    reason: failure ? "StartError" : terminatedReason(exitCode),
    ...message(failure?.message || exited?.message || end?.killed?.message),
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
  };
}

function message(text: string | undefined): { message?: string } {
  return text ? { message: text } : {};
}

function terminatedReason(exitCode: number | undefined): string {
  switch (exitCode) {
    case undefined:
      return "ContainerStatusUnknown";
    case 0:
      return "Completed";
    case execFailedCode:
      return "StartError";
    default:
      return "Error";
  }
}

function appOf(revision: Revision, name: string): ObservedApp | undefined {
  return revision.apps.find((app) => app.name === name);
}

function containerId({ uuid }: Revision, name: string): string {
  return `rkt://${uuid}:${name}`;
}
