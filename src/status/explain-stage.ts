// Why one stage of a Pod does not do what it should: does not start, has ended, or runs and is not ready. Pure.

import { isSuccess } from "../pod/ending.ts";
import { type ExitedRevision, isExited } from "../pod/lineage.ts";
import type { Revision } from "../pod/observed-pod.ts";
import { containerHealth } from "../pod/readiness.ts";
import { exitHint, exitText, failureHint } from "./explain-hints.ts";
import type { Step } from "./explain-step.ts";
import type { PodView, ShownContainer } from "./shown-pod.ts";
import type { ShownStage, StageWaiting } from "./shown-stage.ts";
import { formatDuration, pullingMessage } from "./waiting-state.ts";

type ProbeFailure = { readonly message: string; readonly lastMs: number } | undefined;

/** None where all is well, or where it is another stage's turn. */
export function stageSteps(
  stage: ShownStage,
  view: PodView,
  probeFailure: (container: string) => ProbeFailure,
): readonly Step[] {
  const { current, previous, isLive, waiting } = stage;
  if (isLive && current) {
    const steps = liveSteps(stage, current, { view, probeFailure });
    const hasFailedBefore = steps.length > 0 && previous && stage.isAsWritten && current.restartCount > 0;
    return hasFailedBefore ? [...endSteps(previous, stage), ...steps] : steps;
  }
  if (waiting === "turn") return [];
  if (waiting !== undefined) {
    // How another version ended is no cause, nor is how this one did once it fails to start.
    const isAgain = stage.isAsWritten && !("failure" in waiting && waiting.failure);
    return [...(isAgain && previous ? endSteps(previous, stage) : []), ...startSteps(waiting, view)];
  }
  if (current === undefined || !isExited(current)) return [];
  if (stage.stage.kind === "init" && isSuccess(current)) return [];
  if (view.waiting.some(({ kind }) => kind === "evicted")) return endSteps(current, stage);
  const message = `it is not started again (restartPolicy ${view.pod.spec.restartPolicy})`;
  return [...endSteps(current, stage), { reason: "NotRestarted", message, hint: "" }];
}

/** Of what is to be started. */
function startSteps(waiting: StageWaiting, view: PodView): readonly Step[] {
  switch (waiting.kind) {
    case "restart":
      return [
        {
          reason: "CrashLoopBackOff",
          message: `it is started again ${formatDuration(waiting.backOffMs)} after its end, twice as long each time`,
          hint: "An edit of the manifest starts it at once.",
          nextTryMs: view.bootMs + waiting.untilMs,
        },
      ];
    case "retry":
      return [
        { ...waiting.failure, hint: failureHint(waiting.failure), nextTryMs: view.bootMs + waiting.untilMs },
      ];
    case "starting": {
      const { failure } = waiting;
      const { pulling } = view.images;
      if (pulling && (pulling.progress || !failure))
        return [{ reason: "Pulling", message: pullingMessage(pulling), hint: "" }];
      return [
        failure
          ? { ...failure, hint: failureHint(failure) }
          : { reason: "Starting", message: "it is being started", hint: "" },
      ];
    }
    default:
      return waiting satisfies never;
  }
}

/** How it ended; none where that was by our own wish. */
function endSteps(revision: ExitedRevision, stage: ShownStage): readonly Step[] {
  const { failure, killed, isInterrupted, isStopped, finishedAtMs } = revision.state;
  const since = finishedAtMs === undefined ? {} : { sinceMs: finishedAtMs };
  if (isStopped) return [];
  if (isInterrupted)
    return [{ reason: "Interrupted", message: "it was ended by a shutdown, or by hand", hint: "", ...since }];
  if (failure) return [{ ...failure, hint: failureHint(failure), ...since }];
  if (killed === undefined) return [containerEnd(revision, stage)];
  return [
    { ...killed, hint: failureHint(killed), ...since },
    { ...containerEnd(revision, stage), hint: "" },
  ];
}

/** Of the container that is to blame: the first that failed, else the first. */
function containerEnd(
  { apps, startedAtMs, state: { finishedAtMs }, uuid }: ExitedRevision,
  { containers, previous }: ShownStage,
): Step {
  const ended = apps.flatMap(({ name, state: app }) => (app.kind === "exited" ? [{ name, ...app }] : []));
  const { name, exitCode, message } = ended.find((app) => app.exitCode !== 0) ?? ended[0] ?? {};
  const ranForMs =
    finishedAtMs !== undefined && startedAtMs !== undefined ? finishedAtMs - startedAtMs : undefined;
  const after = ranForMs === undefined ? "" : ` after ${Math.round(ranForMs / 1000)} s`;
  const words = message?.trim() ? `: ${firstLine(message)}` : "";
  const container = name ?? containers[0]?.name ?? "";
  return {
    reason: exitCode === 0 ? "Completed" : "ContainerFailed",
    message: `container "${container}" ended${exitText(exitCode)}${after}${words}`,
    hint: exitHint(exitCode),
    ...(finishedAtMs !== undefined && { sinceMs: finishedAtMs }),
    log: { container, previous: uuid === previous?.uuid },
  };
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

interface Surroundings {
  readonly view: PodView;
  readonly probeFailure: (container: string) => ProbeFailure;
}

function liveSteps(stage: ShownStage, current: Revision, around: Surroundings): readonly Step[] {
  const since = current.startedAtMs === undefined ? {} : { sinceMs: current.startedAtMs };
  if (current.state.kind === "stopping")
    return [
      { reason: "Stopping", message: "it has been told to end, and has its grace period for that", hint: "" },
    ];
  if (stage.stage.kind === "init") {
    const { container } = stage.stage;
    const message = `init container "${container}" runs, and what comes after it waits for its end`;
    return [{ reason: "Initializing", message, hint: "", ...since, log: { container, previous: false } }];
  }
  return stage.containers.flatMap((container) => containerSteps(container, current, around));
}

function containerSteps(
  container: ShownContainer,
  current: Revision,
  { view, probeFailure }: Surroundings,
): readonly Step[] {
  const { name } = container;
  const app = current.apps.find((candidate) => candidate.name === name)?.state;
  const since = current.startedAtMs === undefined ? {} : { sinceMs: current.startedAtMs };
  if (app?.kind === "exited") {
    const message = `container "${name}" ended${exitText(app.exitCode)}, and the others run on`;
    const reason = app.exitCode === 0 ? "Completed" : "ContainerFailed";
    return [{ reason, message, hint: exitHint(app.exitCode), log: { container: name, previous: false } }];
  }
  if (app?.kind !== "running")
    return [
      { reason: "ContainerCreating", message: `container "${name}" is being started`, hint: "", ...since },
    ];
  if (!current.isPostStarted) {
    const message = `the postStart hook of "${name}" has not ended, and it counts as started only then`;
    return [{ reason: "PostStartHook", message, hint: "", ...since }];
  }
  const { isReady, isStarted, unhealthy } = containerHealth(container, current, view.health);
  if (unhealthy)
    return [
      {
        reason: "Unhealthy",
        message: `${name}: ${unhealthy.message}`,
        hint: failureHint({ reason: "Unhealthy", message: "" }),
      },
    ];
  if (isReady) return [];
  const kind = isStarted ? "readiness" : "startup";
  const failure = probeFailure(name);
  const log = { container: name, previous: false };
  if (failure === undefined)
    return [
      {
        reason: "ProbePending",
        message: `the ${kind} probe of "${name}" has not succeeded yet`,
        hint: "",
        ...since,
        log,
      },
    ];
  const message = `container "${name}": ${failure.message}`;
  return [
    {
      reason: "Unhealthy",
      message,
      hint: failureHint({ reason: "Unhealthy", message }),
      sinceMs: failure.lastMs,
      log,
    },
  ];
}
