// A Pod's conditions: Kubernetes' own, and ours where something is wrong that it has no word for. Pure.
// Invariant: a condition's time changes only with its status.

import type { ContainerStatus, PodCondition, Pod as V1Pod } from "kubernetes-types/core/v1";
import { formatProblem } from "../pod/problem.ts";
import type { Phase } from "./phase.ts";
import { type PodView, shownRevisions } from "./shown-pod.ts";
import { rfc3339 } from "./time.ts";

interface Condition {
  /** Kubernetes' types, and `ManifestAccepted`, `UpToDate`, `ImagesUpToDate` and `Isolated` while they are not True. */
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  /** Since when, as far as the machine tells: for a Pod that this agent has not seen before. */
  readonly sinceMs?: number | undefined;
}

interface Told {
  readonly phase: Phase;
  readonly containers: readonly ContainerStatus[];
}

export function podConditions(
  view: PodView,
  told: Told,
  previous: readonly PodCondition[] | undefined,
): PodCondition[] {
  const createdMs = view.revisions.map(({ createdAtMs }) => createdAtMs);
  const sinceMs = createdMs.length > 0 ? Math.min(...createdMs) : undefined;
  const ready = readiness(view, told);
  const conditions: readonly Condition[] = [
    { type: "Initialized", status: "True", sinceMs },
    { type: "Ready", ...ready },
    { type: "ContainersReady", ...ready },
    { type: "PodScheduled", status: "True", sinceMs },
    ...manifestAccepted(view),
    ...upToDate(view),
    ...imagesUpToDate(view),
    ...isolated(view),
  ];
  return conditions.map(({ sinceMs: since, ...condition }) => {
    const before = previous?.find(({ type }) => type === condition.type);
    const changedMs = previous === undefined ? (since ?? view.wallMs) : view.wallMs;
    const isSame = before?.status === condition.status;
    return { ...condition, lastTransitionTime: (isSame && before.lastTransitionTime) || rfc3339(changedMs) };
  });
}

function readiness(view: PodView, { phase, containers }: Told): Omit<Condition, "type"> {
  const { current } = shownRevisions(view);
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0 && containers.length > 0) return { status: "True", sinceMs: current?.startedAtMs };
  const sinceMs = current?.state.kind === "exited" ? current.state.finishedAtMs : undefined;
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted", sinceMs };
  if (phase === "Failed") return { status: "False", reason: "PodFailed", sinceMs };
  const message = `containers with unready status: [${unready.join(" ")}]`;
  return { status: "False", reason: "ContainersNotReady", message, sinceMs };
}

/** The file says something else now, which was refused: what is shown is the last accepted version. */
function manifestAccepted({ manifest }: PodView): readonly Condition[] {
  const type = "ManifestAccepted";
  switch (manifest.state) {
    case "accepted":
      return [];
    case "unreadable":
      return [{ type, status: "Unknown", reason: "Unreadable", message: manifest.error }];
    case "rejected": {
      const [first] = manifest.problems;
      const more = manifest.problems.length > 1 ? ` (and ${manifest.problems.length - 1} more)` : "";
      const message = first ? `${formatProblem(first)}${more}` : "";
      return [{ type, status: "False", reason: first?.code ?? "Invalid", message }];
    }
    default:
      return manifest satisfies never;
  }
}

/** A change that cannot be prepared leaves the old revision running, one of a ConfigMap that cannot be written the old files. */
function upToDate(view: PodView): readonly Condition[] {
  const { isLive } = shownRevisions(view);
  if (!isLive || !view.waiting || !("failure" in view.waiting)) return [];
  const { failure } = view.waiting;
  return failure ? [{ type: "UpToDate", status: "False", ...failure }] : [];
}

/** Pulled each time, but for now the registry cannot be reached. */
function imagesUpToDate({ images: { stale } }: PodView): readonly Condition[] {
  if (stale.length === 0) return [];
  const message = stale.map(({ image, why }) => `image "${image}" is used as it was pulled before: ${why}`);
  return [{ type: "ImagesUpToDate", status: "False", reason: "ErrImagePull", message: message.join("; ") }];
}

/** It runs nevertheless, unless the agent was told to require better. */
function isolated({ pod, sharedPids }: PodView): readonly Condition[] {
  const { spec } = pod.wire as V1Pod; // decoded from one
  if (sharedPids === undefined || spec?.hostPID === true) return [];
  return [{ type: "Isolated", status: "False", reason: "SharedProcessIds", message: sharedPids }];
}
