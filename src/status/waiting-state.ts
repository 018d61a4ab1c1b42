// Why a container does not run yet, or not again, in the kubelet's words where it has some. Pure.

import type { ContainerStateWaiting } from "kubernetes-types/core/v1";
import type { Pulling } from "../pod/image-activity.ts";
import type { Failure, Reason } from "../pod/observed-pod.ts";
import { rfc3339 } from "../pod/time.ts";
import type { Waiting } from "../pod/waiting.ts";
import type { PodView, ShownContainer } from "./shown-pod.ts";
import type { ShownStage } from "./shown-stage.ts";

export function waitingState(
  container: ShownContainer,
  waiting: NonNullable<ShownStage["waiting"]>,
  view: PodView,
): ContainerStateWaiting {
  if (waiting === "turn") return turnState(container, view);
  switch (waiting.kind) {
    case "starting": {
      const { pulling } = view.images;
      // How the last try failed says more than that there is another one, until that gets somewhere.
      const failure = concerned(waiting.failure, container, view);
      if (pulling?.image === container.image && (pulling.progress || !failure))
        return { ...initialWaiting(view), message: pullingMessage(pulling) };
      return failure ?? initialWaiting(view);
    }
    case "retry":
      return concerned(waiting.failure, container, view) ?? initialWaiting(view);
    case "restart":
      return crashLoopState(container, waiting, view);
    default:
      return waiting satisfies never;
  }
}

/** With init containers, that it is their turn; the kubelet says so of all, also of the first. */
export function initialWaiting({ pod }: Pick<PodView, "pod">): ContainerStateWaiting & { reason: string } {
  return { reason: pod.spec.initContainers.length > 0 ? "PodInitializing" : "ContainerCreating" };
}

/** The images of all are fetched before the first is started, so that one's failure keeps all back. */
function turnState({ image }: ShownContainer, view: PodView): ContainerStateWaiting {
  for (const waiting of view.waiting) {
    if (waiting.kind === "after") return { reason: "WaitingForPods", message: afterMessage(waiting) };
    const failure = "failure" in waiting ? waiting.failure : undefined;
    if (failure && isOfImage(failure, image)) return failure;
  }
  return initialWaiting(view);
}

function afterMessage({ pods, unknown }: Extract<Waiting, { kind: "after" }>): string {
  const notReady = pods.length === 0 ? [] : [`waits for ${pods.join(", ")} to be Ready`];
  const missing =
    unknown.length === 0 ? [] : [`waits for ${unknown.join(", ")}, of which there is no manifest`];
  return [...notReady, ...missing].join("; ");
}

const imageReasons: readonly Reason[] = [
  "ErrImagePull",
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "InvalidImageName",
  "ImageInspectError",
];

/** A failure of an image is one of the containers that have it, if any has: the stages are prepared with all of them. */
function concerned(
  failure: Failure | undefined,
  { image }: ShownContainer,
  { pod }: PodView,
): Failure | undefined {
  if (failure === undefined || isOfImage(failure, image)) return failure;
  const all = [...pod.spec.initContainers, ...pod.spec.containers];
  return all.some((other) => isOfImage(failure, other.image)) ? undefined : failure;
}

function isOfImage({ reason, message }: Failure, image: string): boolean {
  return imageReasons.includes(reason) && message.includes(`image "${image}"`);
}

function crashLoopState(
  { name }: ShownContainer,
  { backOffMs, untilMs }: Extract<Waiting, { kind: "restart" }>,
  { pod, bootMs }: PodView,
): ContainerStateWaiting {
  const podName = `${pod.name}_${pod.namespace}(${pod.uid})`;
  const what = `back-off ${formatDuration(backOffMs)} restarting failed container=${name} pod=${podName}`;
  return { reason: "CrashLoopBackOff", message: `${what}, next try at ${rfc3339(bootMs + untilMs)}` };
}

export function pullingMessage({ image, isQueued, progress }: Pulling): string {
  if (isQueued) return `Waiting for other pulls, then pulling image "${image}"`;
  if (progress === undefined) return `Pulling image "${image}"`;
  const { doneBytes, totalBytes } = progress;
  const done = formatBytes(doneBytes);
  return `Pulling image "${image}": ${totalBytes > 0 ? `${done} of ${formatBytes(totalBytes)}` : done}`;
}

/** As Go prints a duration of whole seconds: `10s`, `2m40s`, `5m0s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/** `12.3 MiB`. */
function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
