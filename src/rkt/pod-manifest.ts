// A Pod becomes the appc pod manifest that `rkt prepare` takes: each image's own app merged with its container.
// Invariants: pure; the same input gives the same manifest; every app has an `app` section, without which rkt 1.30 panics.

import type { ImageId } from "../pod/names.ts";
import type { Container, Pod } from "../pod/pod.ts";
import {
  type AppcApp,
  type AppcImageManifest,
  type AppcMountPoint,
  type AppcPodManifest,
  type AppcRuntimeApp,
  appcVersion,
} from "./appc.ts";
import { appEnvironment, containerVariables, type ResolvedVariable } from "./environment.ts";
import { appExec } from "./exec.ts";
import { appMountPoints, hostVolumes, podVolumes, type ResolvedMount } from "./mounts.ts";
import { containerNameAnnotation, ownershipAnnotations } from "./ownership.ts";
import { PodManifestError } from "./pod-manifest-error.ts";
import { appPorts, portMappings } from "./ports.ts";
import { appUser } from "./user.ts";

export interface PodManifestInput {
  readonly pod: Pod;
  /** By container name. */
  readonly images: ReadonlyMap<string, { readonly id: ImageId; readonly manifest: AppcImageManifest }>;
  /** By container name: where the container's volumes lie on the host. A container without is one that mounts nothing. */
  readonly mounts: ReadonlyMap<string, readonly ResolvedMount[]>;
  /** By container name, in order: `envFrom` first. */
  readonly environment: ReadonlyMap<string, readonly ResolvedVariable[]>;
  readonly attempt: { readonly restartCount: number; readonly backOffMs: number };
}

/** Throws PodManifestError where an image does not say how to run it. */
export function podManifest({
  pod,
  images,
  mounts,
  environment,
  attempt,
}: PodManifestInput): AppcPodManifest {
  const volumes = hostVolumes(pod.spec.containers.flatMap(({ name }) => mounts.get(name) ?? []));
  const apps = pod.spec.containers.map((container) => {
    const image = images.get(container.name);
    if (image === undefined) throw new PodManifestError(`container "${container.name}" has no image`);
    return runtimeApp(container, image, {
      mountPoints: appMountPoints(
        image.manifest.app?.mountPoints ?? [],
        mounts.get(container.name) ?? [],
        volumes,
      ),
      variables: containerVariables(environment.get(container.name) ?? []),
    });
  });
  return {
    acVersion: appcVersion,
    acKind: "PodManifest",
    apps,
    volumes: podVolumes(
      volumes,
      apps.flatMap(({ app }) => app?.mountPoints ?? []),
    ),
    isolators: [],
    annotations: ownershipAnnotations({
      uid: pod.uid,
      namespace: pod.namespace,
      name: pod.name,
      specHash: pod.specHash,
      manifest: pod.source.file,
      ...attempt,
      graceSeconds: Math.max(graceSecondsMin, pod.spec.terminationGracePeriodSeconds),
    }),
    ports: pod.spec.containers.flatMap((container) => portMappings(container).map(({ host }) => host)),
  };
}

/** kubelet v1.5 rkt.go. */
const graceSecondsMin = 2;

interface Merged {
  readonly mountPoints: readonly AppcMountPoint[];
  readonly variables: ReadonlyMap<string, string>;
}

function runtimeApp(
  container: Container,
  image: { readonly id: ImageId; readonly manifest: AppcImageManifest },
  merged: Merged,
): AppcRuntimeApp {
  return {
    name: container.name, // a DNS label, and so an ACName
    image: { name: image.manifest.name, id: image.id },
    app: mergedApp(container, image.manifest, merged),
    annotations: [{ name: containerNameAnnotation, value: container.name }],
  };
}

function mergedApp(
  container: Container,
  image: AppcImageManifest,
  { mountPoints, variables }: Merged,
): AppcApp {
  const exec = appExec(image, container, variables);
  if (exec.length === 0)
    throw new PodManifestError(`image ${image.name} has no command, and the container gives none`);
  const { workingDirectory: imageDirectory, ...imageApp } = image.app ?? {};
  const workingDirectory = container.workingDir || imageDirectory;
  return {
    ...imageApp,
    ...appUser(image),
    exec,
    environment: appEnvironment(image.app?.environment ?? [], variables),
    mountPoints,
    ports: appPorts(image.app?.ports ?? [], portMappings(container)),
    ...(workingDirectory ? { workingDirectory } : {}),
  };
}
