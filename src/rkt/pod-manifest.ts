// A Pod becomes the appc pod manifest that `rkt prepare` takes: each image's own app merged with its container.
// Invariants: pure; the same input gives the same manifest; every app has an `app` section, without which rkt 1.30 panics.

import { graceSecondsMin } from "../pod/grace.ts";
import type { ImageId } from "../pod/names.ts";
import type { Container, Pod } from "../pod/pod.ts";
import { allContainersOf, podOfStage } from "../pod/stage.ts";
import { appAnnotations } from "./app-annotations.ts";
import {
  type AppcApp,
  type AppcImageManifest,
  type AppcNameValue,
  type AppcPodManifest,
  type AppcRuntimeApp,
  appcVersion,
  engineAnnotations,
} from "./appc.ts";
import { appEnvironment, containerVariables, type ResolvedVariable } from "./environment.ts";
import { appExec } from "./exec.ts";
import { appIsolators } from "./isolators.ts";
import { appMountPoints, type HostVolumes, hostVolumes, podVolumes, type ResolvedMount } from "./mounts.ts";
import { type Ownership, ownershipAnnotations } from "./ownership.ts";
import { PodManifestError } from "./pod-manifest-error.ts";
import { appPorts, portMappings } from "./ports.ts";
import { isPrivileged, type Stage1, stage1Annotation, stage1Arguments, stage1Of } from "./stage1.ts";
import { appUser, runsAsNonRoot } from "./user.ts";

export interface PodManifestInput {
  readonly pod: Pod;
  /** By container name. */
  readonly images: ReadonlyMap<string, { readonly id: ImageId; readonly manifest: AppcImageManifest }>;
  /** By container name: where the container's volumes lie on the host. A container without is one that mounts nothing. */
  readonly mounts: ReadonlyMap<string, readonly ResolvedMount[]>;
  /** By container name, in order: `envFrom` first. */
  readonly environment: ReadonlyMap<string, readonly ResolvedVariable[]>;
  /** Of one stage. */
  readonly attempt: Pick<Ownership, "restartCount" | "backOffMs" | "stage" | "networkOf">;
  /** Whether the built-in engine will run it. */
  readonly isBuiltin: boolean;
  /** The machine's, for pods that have no wish of their own. */
  readonly stage1: Stage1;
}

/** Throws PodManifestError where a container cannot be run as it and its image say. */
export function podManifest(input: PodManifestInput): AppcPodManifest {
  const { mounts, attempt } = input;
  const pod = podOfStage(input.pod, attempt.stage);
  const { containers, terminationGracePeriodSeconds } = pod.spec;
  const volumes = hostVolumes(containers.flatMap(({ name }) => mounts.get(name) ?? []));
  const apps = containers.map((container) =>
    runtimeApp(container, { ...input, pod, volumes, portOwners: portOwners(input) }),
  );
  return {
    acVersion: appcVersion,
    acKind: "PodManifest",
    apps,
    volumes: podVolumes(
      volumes,
      apps.flatMap(({ app }) => app?.mountPoints ?? []),
    ),
    isolators: [],
    annotations: [
      ...ownershipAnnotations({
        uid: pod.uid,
        namespace: pod.namespace,
        name: pod.name,
        specHash: pod.specHash,
        manifest: pod.source.file,
        ...attempt,
        graceSeconds: Math.max(graceSecondsMin, terminationGracePeriodSeconds),
      }),
      ...wishes(pod),
    ],
    ports: portOwners(input).flatMap((container) => portMappings(container).map(({ host }) => host)),
  };
}

/** Whose host ports lead to the network that is set up for it: a sidecar is there first, and what comes after it joins its network. */
function portOwners({ pod, attempt: { stage, networkOf } }: PodManifestInput): readonly Container[] {
  if (networkOf !== undefined) return [];
  return stage.kind === "sidecar" ? allContainersOf(pod.spec) : podOfStage(pod, stage).spec.containers;
}

/** What appc has no word for; a real rkt takes no notice. */
function wishes({ annotations, spec }: Pod): readonly AppcNameValue[] {
  const stage1 = annotations[stage1Annotation];
  return [
    ...(stage1 ? [{ name: stage1Annotation, value: stage1 }] : []),
    ...(spec.hostPID ? [{ name: engineAnnotations.hostPid, value: "true" }] : []),
    ...(spec.hostIPC ? [{ name: engineAnnotations.hostIpc, value: "true" }] : []),
  ];
}

interface AppInput extends PodManifestInput {
  readonly volumes: HostVolumes;
  readonly portOwners: readonly Container[];
}

function runtimeApp(container: Container, input: AppInput): AppcRuntimeApp {
  const image = input.images.get(container.name);
  if (image === undefined) throw new PodManifestError(`container "${container.name}" has no image`);
  const { securityContext } = container;
  return {
    name: container.name, // a DNS label, and so an ACName
    image: { name: image.manifest.name, id: image.id },
    app: mergedApp(container, image.manifest, input),
    ...(securityContext.readOnlyRootFilesystem ? { readOnlyRootFS: true } : {}),
    annotations: appAnnotations(container, {
      mounts: input.mounts.get(container.name) ?? [],
      environment: input.environment.get(container.name) ?? [],
      isNonRoot: runsAsNonRoot({ pod: input.pod.spec.securityContext, container: securityContext }),
    }),
  };
}

function mergedApp(
  container: Container,
  image: AppcImageManifest,
  { pod, mounts, environment, volumes, portOwners, attempt, isBuiltin, stage1 }: AppInput,
): AppcApp {
  // A port of the pod has to be some app's, and a sidecar is the only one.
  const ports = attempt.stage.kind === "sidecar" ? [container, ...portOwners] : [container];
  const variables = containerVariables(environment.get(container.name) ?? []);
  const exec = appExec(image, container, variables);
  if (exec.length === 0)
    throw new PodManifestError(`image ${image.name} has no command, and the container gives none`);
  const { workingDirectory: imageDirectory, isolators: imageIsolators, ...imageApp } = image.app ?? {};
  const workingDirectory = container.workingDir || imageDirectory;
  const isolators = appIsolators(imageIsolators ?? [], container, {
    isBuiltin,
    isPodPrivileged: isPrivileged(pod),
  });
  return {
    ...imageApp,
    ...appUser(image, {
      pod: pod.spec.securityContext,
      container: container.securityContext,
      isBuiltin,
    }),
    exec: isBuiltin ? exec : stage1Arguments(exec, stage1Of(pod, stage1)),
    environment: appEnvironment(image.app?.environment ?? [], variables),
    mountPoints: appMountPoints(image.app?.mountPoints ?? [], mounts.get(container.name) ?? [], volumes),
    ports: appPorts(image.app?.ports ?? [], ports.flatMap(portMappings)),
    ...(isolators.length > 0 ? { isolators } : {}),
    ...(workingDirectory ? { workingDirectory } : {}),
  };
}
