// One container's status as the kubelet would tell it. Pure.
// Invariant: the words are the kubelet's, where it has one for it.

import type { ContainerState, ContainerStateTerminated, ContainerStatus } from "kubernetes-types/core/v1";
import type { Pulling } from "../pod/image-activity.ts";
import type { ObservedApp, Revision } from "../pod/observed-pod.ts";
import type { Waiting } from "../pod/waiting.ts";
import { type PodView, shownRevisions } from "./shown-pod.ts";
import { rfc3339 } from "./time.ts";

/** What systemd's exec failure leaves as exit code (systemd.exec(5)); in rkt's stage1 and in the built-in engine alike. */
const execFailedCode = 203;
/** The kubelet's codes for a container that could not be started, and for one of whose end nothing is known. */
const startErrorCode = 128;
const unknownCode = 137;

export function containerStatuses(view: PodView): ContainerStatus[] {
  const { pod } = view;
  const { current, isLive } = shownRevisions(view);
  const isAsWritten = !isLive || current?.specHash === pod.specHash;
  const names = isAsWritten
    ? pod.spec.containers.map(({ name }) => name)
    : current?.apps.map(({ name }) => name);
  return (names ?? []).map((name) => containerStatus(name, view));
}

function containerStatus(name: string, view: PodView): ContainerStatus {
  const { current, previous, isLive } = shownRevisions(view);
  const app = current && appOf(current, name);
  const last = previous && terminated(previous, name);
  const state = containerState(name, view);
  const isRunning = state.running !== undefined;
  return {
    name,
    image: view.pod.spec.containers.find((container) => container.name === name)?.image ?? app?.imageId ?? "",
    imageID: app ? `rkt://${app.imageId}` : "",
    ...(current && { containerID: containerId(current, name) }),
    state,
    lastState: last ? { terminated: last } : {},
    ready: isRunning && current?.state.kind === "running",
    started: isRunning,
    restartCount: isLive || current?.specHash === view.pod.specHash ? (current?.restartCount ?? 0) : 0,
  };
}

function containerState(name: string, view: PodView): ContainerState {
  const { current, isLive } = shownRevisions(view);
  if (current && isLive) {
    const startedAt = rfc3339(current.startedAtMs);
    switch (appOf(current, name)?.state.kind) {
      case "running":
        return { running: startedAt === undefined ? {} : { startedAt } };
      case "exited":
        return { terminated: terminated(current, name) };
      default:
        return { waiting: { reason: "ContainerCreating" } };
    }
  }
  if (view.waiting) return { waiting: waitingState(name, view.waiting, view) };
  if (current) return { terminated: terminated(current, name) };
  return { waiting: { reason: "ContainerCreating" } };
}

function waitingState(
  name: string,
  waiting: Waiting,
  { pod, images }: PodView,
): { reason: string; message?: string } {
  switch (waiting.kind) {
    case "starting": {
      const { pulling } = images;
      const isPulling = pod.spec.containers.some(
        (container) => container.name === name && container.image === pulling?.image,
      );
      // How the last try failed says more than that there is another one, until that gets somewhere.
      if (pulling && isPulling && (pulling.progress || !waiting.failure))
        return { reason: "ContainerCreating", message: pullingMessage(pulling) };
      return waiting.failure ?? { reason: "ContainerCreating" };
    }
    case "retry":
      return waiting.failure;
    case "restart": {
      const podName = `${pod.name}_${pod.namespace}(${pod.uid})`;
      const message = `back-off ${formatDuration(waiting.backOffMs)} restarting failed container=${name} pod=${podName}`;
      return { reason: "CrashLoopBackOff", message };
    }
    default:
      return { reason: "ContainerCreating" };
  }
}

function pullingMessage({ image, isQueued, progress }: Pulling): string {
  if (isQueued) return `Waiting for other pulls, then pulling image "${image}"`;
  if (progress === undefined) return `Pulling image "${image}"`;
  const { doneBytes, totalBytes } = progress;
  const done = formatBytes(doneBytes);
  return `Pulling image "${image}": ${totalBytes > 0 ? `${done} of ${formatBytes(totalBytes)}` : done}`;
}

function terminated(revision: Revision, name: string): ContainerStateTerminated {
  const app = appOf(revision, name)?.state;
  const exited = app?.kind === "exited" ? app : undefined;
  const end = revision.state.kind === "exited" ? revision.state : undefined;
  const failure = end?.failure;
  const startedAt = rfc3339(revision.startedAtMs);
  const finishedAt = rfc3339(exited?.finishedAtMs ?? end?.finishedAtMs);
  return {
    containerID: containerId(revision, name),
    exitCode: failure ? exited?.exitCode || startErrorCode : (exited?.exitCode ?? unknownCode),
    reason: failure ? "StartError" : terminatedReason(exited),
    ...message(failure?.message || exited?.message),
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
  };
}

function message(text: string | undefined): { message?: string } {
  return text ? { message: text } : {};
}

function terminatedReason(exited: Extract<ObservedApp["state"], { kind: "exited" }> | undefined): string {
  switch (exited?.exitCode) {
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

/** As Go prints a duration of whole seconds: `10s`, `2m40s`, `5m0s`. */
function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/** `12.3 MiB`. */
function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
