// What people are told of what is done to a Pod, in the kubelet's words. Pure.

import type { PodEvent } from "../pod/event.ts";
import { podKey } from "../pod/names.ts";
import type { Failure, Revision } from "../pod/observed-pod.ts";
import type { Pod } from "../pod/pod.ts";
import { containersOf, type Stage } from "../pod/stage.ts";
import type { Action, ActionOf } from "./action.ts";
import type { Stop } from "./runtime.ts";

type Told = Omit<PodEvent, "object">;

/** `container` undefined: of the whole Pod. */
export function podEvent(
  { namespace, name, uid }: Pick<Pod, "namespace" | "name" | "uid">,
  told: Told,
  container?: string,
): PodEvent {
  return { object: { kind: "Pod", key: podKey(namespace, name), uid, container }, ...told };
}

export function createdEvents({ pod, attempt }: ActionOf<"run">): readonly PodEvent[] {
  return containersOf(pod.spec, attempt.stage).map(({ name }) =>
    podEvent(pod, { type: "Normal", reason: "Created", message: `Created container ${name}` }, name),
  );
}

/** And of what has made room, if there was something. */
export function startedEvents({ pod, attempt, replaces, reason }: ActionOf<"run">): readonly PodEvent[] {
  const started = containersOf(pod.spec, attempt.stage).map(({ name }) =>
    podEvent(pod, { type: "Normal", reason: "Started", message: `Started container ${name}` }, name),
  );
  if (replaces.length === 0 || reason === "rolledBack") return started;
  const message = "A new version of the pod has replaced the one before";
  return [...started, podEvent(pod, { type: "Normal", reason: "Replaced", message })];
}

const whyStopped: Readonly<Partial<Record<Action["reason"], string>>> = {
  changed: "a new version of the pod replaces it",
  deleted: "the pod is not wanted any more",
  superseded: "another one is to run",
  completed: "the pod is over",
};

/** Of each container that runs. */
export function killingEvents(
  { key, podUid: uid, apps }: Revision,
  { cause }: Stop,
  reason: Action["reason"],
): readonly PodEvent[] {
  const why = cause?.message ?? whyStopped[reason] ?? reason;
  return apps
    .filter(({ state }) => state.kind === "running")
    .map(({ name }) => ({
      object: { kind: "Pod", key, uid, container: name },
      type: "Normal",
      reason: "Killing",
      // A cause names the container that is to blame.
      message: `Stopping container ${name}: ${why.replace(new RegExp(`^container ${name}: `), "")}`,
    }));
}

/** None where whoever failed has told it better: who pulls images. */
export function failureEvents(action: Action, failure: Failure): readonly PodEvent[] {
  const { message } = failure;
  switch (action.kind) {
    case "run": {
      const told = runFailure(failure);
      return told ? [podEvent(action.pod, told, containerOf(action.attempt.stage))] : [];
    }
    case "postStart": {
      const reason = failure.reason === "FailedPostStartHook" ? failure.reason : "Failed";
      return [podEvent(action.pod, { type: "Warning", reason, message }, containerOf(action.revision.stage))];
    }
    case "markReady":
      return [podEvent(action.pod, { type: "Warning", reason: "Failed", message })];
    case "refresh":
      return [podEvent(action.pod, { type: "Warning", reason: "FailedMount", message })];
    case "stop":
      return action.revisions.slice(0, 1).map(({ key, podUid: uid }) => ({
        object: { kind: "Pod", key, uid },
        type: "Warning",
        reason: "FailedKillPod",
        message,
      }));
    case "remove": {
      const object = { kind: "Pod", key: action.key, uid: action.revision.podUid } as const;
      return [{ object, type: "Warning", reason: "ContainerGCFailed", message }];
    }
    case "removePodDirectory":
      return [
        {
          object: { kind: "Node" },
          type: "Warning",
          reason: "ContainerGCFailed",
          message: `pod ${action.uid}: ${message}`,
        },
      ];
    default:
      return action satisfies never;
  }
}

function runFailure({ reason, message }: Failure): Told | undefined {
  switch (reason) {
    case "ErrImagePull":
    case "ImagePullBackOff":
    case "ErrImageNeverPull":
    case "InvalidImageName":
    case "ImageInspectError":
      return undefined;
    case "FailedMount":
    case "FailedKillPod":
      return { type: "Warning", reason, message };
    case "CreateContainerError":
      return { type: "Warning", reason: "FailedCreatePodContainer", message };
    default:
      return { type: "Warning", reason: "Failed", message: `Error: ${message}` };
  }
}

function containerOf(stage: Stage): string | undefined {
  return stage.kind === "containers" ? undefined : stage.container;
}
