// A Pod's conditions: Kubernetes' own (pkg/kubelet/status/generate.go), and ours where something is wrong that it has no word for. Pure.
// Invariant: a condition's time changes only with its status.

import type { PodCondition, Pod as V1Pod } from "kubernetes-types/core/v1";
import { isLive } from "../pod/observed-pod.ts";
import { formatProblem } from "../pod/problem.ts";
import { rfc3339 } from "../pod/time.ts";
import type { Phase, StatusesByKind } from "./phase.ts";
import type { PodView, ShownContainer } from "./shown-pod.ts";
import type { ShownStage } from "./shown-stage.ts";

interface Condition {
  /** Kubernetes' types, and `ManifestAccepted`, `UpToDate`, `ImagesUpToDate`, `CleanedUp` and `Isolated` while they are not True. */
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  /** Since when, where the machine tells it: every agent tells the same then. */
  readonly sinceMs?: number | undefined;
  /** Since when at the earliest, for a Pod that this agent has not seen before. Undefined: since now. */
  readonly guessMs?: number | undefined;
}

type Outcome = Omit<Condition, "type">;

/** What has been derived so far. */
export interface Told {
  readonly phase: Phase;
  readonly stages: readonly ShownStage[];
  readonly statuses: StatusesByKind;
  readonly startTime: string;
}

export function podConditions(
  view: PodView,
  told: Told,
  previous: readonly PodCondition[] | undefined,
): PodCondition[] {
  const guessMs = Date.parse(told.startTime);
  const ready = { guessMs, ...readiness(told) };
  const conditions: readonly Condition[] = [
    { type: "PodReadyToStartContainers", guessMs, ...sandbox(view) },
    { type: "Initialized", guessMs, ...initialization(told) },
    { type: "Ready", ...ready },
    { type: "ContainersReady", ...ready },
    { type: "PodScheduled", status: "True", sinceMs: guessMs },
    ...manifestAccepted(view),
    ...upToDate(view, told),
    ...imagesUpToDate(view),
    ...cleanedUp(view),
    ...isolated(view),
  ];
  return conditions.map(({ sinceMs, guessMs: earliestMs, ...condition }) => {
    const before = previous?.find(({ type }) => type === condition.type);
    const changedMs = sinceMs ?? (previous === undefined ? earliestMs : undefined) ?? view.wallMs;
    const isSame = before?.status === condition.status;
    return { ...condition, lastTransitionTime: (isSame && before.lastTransitionTime) || rfc3339(changedMs) };
  });
}

/** A pod with a network of its own is ready to start containers once it has an address. */
function sandbox({ pod, revisions }: PodView): Outcome {
  const live = revisions.filter(isLive);
  const hasNetwork = pod.spec.hostNetwork || live.some(({ podIP }) => podIP !== "");
  if (live.length === 0 || !hasNetwork) return { status: "False" };
  const startedMs = live.flatMap(({ startedAtMs }) => startedAtMs ?? []);
  return { status: "True", ...(startedMs.length > 0 && { sinceMs: Math.min(...startedMs) }) };
}

function initialization({ phase, stages, statuses }: Told): Outcome {
  const times = stages.flatMap(({ stage, current }) => {
    if (stage.kind !== "init" || current?.state.kind !== "exited") return [];
    return current.state.finishedAtMs ?? [];
  });
  const since = times.length > 0 && statuses.sidecar.length === 0 ? { sinceMs: Math.max(...times) } : {};
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted", ...since };
  const incomplete = [
    ...statuses.init.filter(({ ready }) => !ready),
    ...statuses.sidecar.filter(({ started }) => !started),
  ].map(({ name }) => name);
  // That a sidecar is restarted does not undo what it was waited for.
  const hasAnyStarted = statuses.containers.some(
    ({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated,
  );
  if (incomplete.length === 0 || hasAnyStarted) return { status: "True", ...since };
  const message = `containers with incomplete status: [${incomplete.join(" ")}]`;
  return { status: "False", reason: "ContainersNotInitialized", message };
}

function readiness({ phase, stages, statuses }: Told): Outcome {
  const lasting = [...statuses.sidecar, ...statuses.containers];
  const unready = lasting.filter(({ ready }) => !ready).map(({ name }) => name);
  const last = stages.findLast(({ stage }) => stage.kind === "containers");
  const { state, startedAtMs } = last?.current ?? {};
  const ended = state?.kind === "exited" ? { sinceMs: state.finishedAtMs } : {};
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted", ...ended };
  if (phase === "Failed") return { status: "False", reason: "PodFailed", ...ended };
  if (unready.length === 0 && lasting.length > 0) {
    const started = startedAtMs === undefined ? {} : { guessMs: startedAtMs };
    const isProbed = stages.some(({ containers }) => containers.some(hasReadiness));
    return { status: "True", ...started, ...(!isProbed && { sinceMs: startedAtMs }) };
  }
  const message = `containers with unready status: [${unready.join(" ")}]`;
  return { status: "False", reason: "ContainersNotReady", message, ...ended };
}

/** It is not ready by running alone. */
function hasReadiness({ startupProbe, readinessProbe }: ShownContainer): boolean {
  return startupProbe !== undefined || readinessProbe !== undefined;
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

/** What cannot be prepared leaves the older version running, and a change in place that cannot be made, what was there before. */
function upToDate({ waiting }: PodView, { stages }: Told): readonly Condition[] {
  const isOlder = stages.some(({ isLive, isAsWritten }) => isLive && !isAsWritten);
  for (const one of waiting) {
    const isChange = one.kind === "refresh" || one.kind === "rolledBack";
    const isReplacement = isOlder && (one.kind === "starting" || one.kind === "retry");
    if ((isChange || isReplacement) && one.failure)
      return [{ type: "UpToDate", status: "False", ...one.failure }];
  }
  return [];
}

/** Pulled each time, but for now the registry cannot be reached. */
function imagesUpToDate({ images: { stale } }: PodView): readonly Condition[] {
  if (stale.length === 0) return [];
  const message = stale.map(({ image, why }) => `image "${image}" is used as it was pulled before: ${why}`);
  return [{ type: "ImagesUpToDate", status: "False", reason: "ErrImagePull", message: message.join("; ") }];
}

/** Something of it cannot be stopped or removed. It is tried again and holds nothing up. */
function cleanedUp({ waiting }: PodView): readonly Condition[] {
  const ending = waiting.find(({ kind }) => kind === "ending");
  return ending?.kind === "ending" ? [{ type: "CleanedUp", status: "False", ...ending.failure }] : [];
}

/** It runs nevertheless, unless the agent was told to require better. */
function isolated({ pod, sharedPids }: PodView): readonly Condition[] {
  const { spec } = pod.wire as V1Pod; // decoded from one
  if (sharedPids === undefined || spec?.hostPID === true) return [];
  return [{ type: "Isolated", status: "False", reason: "SharedProcessIds", message: sharedPids }];
}
