// Whether what runs is started and ready. Pure.
// Invariant: what the probes say counts only while the container runs and its postStart hook is through, as with the kubelet.

import { type ContainerHealth, type HealthByRevision, healthOf } from "./health.ts";
import type { Revision } from "./observed-pod.ts";
import type { Container, Pod } from "./pod.ts";
import { containersOf, type Stage, serializeStage, stagesOf } from "./stage.ts";

const notRunning: ContainerHealth = { isStarted: false, isReady: false, unhealthy: undefined };

/** `container` is one of the revision's. */
export function containerHealth(
  container: Pick<Container, "name" | "startupProbe" | "readinessProbe">,
  revision: Revision,
  health: HealthByRevision,
): ContainerHealth {
  const app = revision.apps.find(({ name }) => name === container.name);
  if (revision.state.kind !== "running" || app?.state.kind !== "running") return notRunning;
  const told = healthOf(container, health.get(revision.uuid)?.get(container.name));
  return revision.isPostStarted ? told : { ...told, isStarted: false, isReady: false };
}

/** Of a stage that stays: whether all that it runs is started. */
export function isStageStarted(pod: Pod, revision: Revision, health: HealthByRevision): boolean {
  return containersOf(pod.spec, revision.stage).every(
    (container) => containerHealth(container, revision, health).isStarted,
  );
}

/** Whether all that stays of the Pod runs as it is written and is ready. `revisions` are those of its key. */
export function isPodReady(
  pod: Pick<Pod, "specHash" | "spec">,
  revisions: readonly Revision[],
  health: HealthByRevision,
): boolean {
  const isReady = (stage: Stage) =>
    revisions.some(
      (revision) =>
        revision.specHash === pod.specHash &&
        serializeStage(revision.stage) === serializeStage(stage) &&
        containersOf(pod.spec, stage).every(
          (container) => containerHealth(container, revision, health).isReady,
        ),
    );
  return stagesOf(pod.spec).every((stage) => stage.kind === "init" || isReady(stage));
}
