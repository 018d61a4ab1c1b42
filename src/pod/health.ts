// What the probes of a revision conclude: made by probe/, decided on by reconcile/, shown by status/.

import type { RktUuid } from "./names.ts";
import type { Container } from "./pod.ts";

export interface ContainerHealth {
  /** Its startup probe has succeeded once, or it has none. */
  readonly isStarted: boolean;
  /** Its readiness probe says so, or it has none and is started. */
  readonly isReady: boolean;
  /** Its liveness or startup probe has failed for good: it is to be restarted. */
  readonly unhealthy: Unhealthy | undefined;
}

export interface Unhealthy {
  /** One line, as the event tells it: `Liveness probe failed: HTTP probe failed with statuscode: 500`. */
  readonly message: string;
  /** The probe's own grace period; undefined: the pod's. */
  readonly graceSeconds: number | undefined;
}

/** By revision, then by container. A container that is missing has no probes, or none was run yet: `healthOf()`. */
export type HealthByRevision = ReadonlyMap<RktUuid, ReadonlyMap<string, ContainerHealth>>;

/** Of a running container. */
const healthWithoutProbes: ContainerHealth = { isStarted: true, isReady: true, unhealthy: undefined };

/** Of a running container, `known` or not: until a probe has said so it is not started or not ready, if there is one to say so. */
export function healthOf(
  { startupProbe, readinessProbe }: Pick<Container, "startupProbe" | "readinessProbe">,
  known: ContainerHealth | undefined,
): ContainerHealth {
  if (known !== undefined) return known;
  const isStarted = startupProbe === undefined;
  return { ...healthWithoutProbes, isStarted, isReady: isStarted && readinessProbe === undefined };
}
