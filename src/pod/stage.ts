// The runs that a Pod consists of: each init container and each sidecar is one of its own, the containers together are the last.

import type { Container, InitContainer, Pod, PodSpec } from "./pod.ts";

export type Stage =
  | { readonly kind: "init"; readonly container: string }
  /** An init container with restartPolicy Always: it stays while what comes after it runs. */
  | { readonly kind: "sidecar"; readonly container: string }
  | { readonly kind: "containers" };

export const containersStage: Stage = { kind: "containers" };

/** In the order in which they are run. */
export function stagesOf({
  initContainers,
}: {
  readonly initContainers: readonly Pick<InitContainer, "name" | "isSidecar">[];
}): readonly Stage[] {
  return [
    ...initContainers.map(
      ({ name, isSidecar }): Stage => ({ kind: isSidecar ? "sidecar" : "init", container: name }),
    ),
    containersStage,
  ];
}

export function isFirstStage(spec: Pick<PodSpec, "initContainers">, stage: Stage): boolean {
  const [first] = stagesOf(spec);
  return first !== undefined && serializeStage(first) === serializeStage(stage);
}

/** What is run in one. */
export function containersOf<C extends Pick<Container, "name">>(
  spec: { readonly containers: readonly C[]; readonly initContainers: readonly C[] },
  stage: Stage,
): readonly C[] {
  if (stage.kind === "containers") return spec.containers;
  return spec.initContainers.filter(({ name }) => name === stage.container);
}

/** What is run in all of them, in that order. */
export function allContainersOf({
  initContainers,
  containers,
}: Pick<PodSpec, "containers" | "initContainers">): readonly Container[] {
  return [...initContainers, ...containers];
}

/** The Pod as if what is run in one were all of it. */
export function podOfStage(pod: Pod, stage: Stage): Pod {
  return { ...pod, spec: { ...pod.spec, initContainers: [], containers: containersOf(pod.spec, stage) } };
}

/** `containers`, `init:NAME`, `sidecar:NAME`: as it is kept, and as a key. */
export function serializeStage(stage: Stage): string {
  return stage.kind === "containers" ? stage.kind : `${stage.kind}:${stage.container}`;
}

/** Undefined for anything else than what serializeStage() makes. */
export function parseStage(text: string): Stage | undefined {
  if (text === "containers") return containersStage;
  const [, kind, container] = /^(init|sidecar):([a-z0-9-]+)$/.exec(text) ?? [];
  if (container === undefined || (kind !== "init" && kind !== "sidecar")) return undefined;
  return { kind, container };
}
