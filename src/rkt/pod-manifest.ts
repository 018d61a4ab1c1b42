// A Pod becomes the appc pod manifest that `rkt prepare` takes: each image's own app merged with its container.
// Invariants: pure; the same input gives the same manifest; every app has an `app` section, without which rkt 1.30 panics.

import type { ImageId } from "../pod/names.ts";
import type { Container, Pod } from "../pod/pod.ts";
import {
  type AppcApp,
  type AppcImageManifest,
  type AppcPodManifest,
  type AppcRuntimeApp,
  appcVersion,
} from "./appc.ts";
import { appEnvironment, containerVariables } from "./environment.ts";
import { appExec } from "./exec.ts";
import { appMountPoints, podVolumes, type VolumeNames, volumeNames } from "./mounts.ts";
import { containerNameAnnotation, ownershipAnnotations } from "./ownership.ts";
import { PodManifestError } from "./pod-manifest-error.ts";
import { appPorts, portMappings } from "./ports.ts";
import { appUser } from "./user.ts";

export interface PodManifestInput {
  readonly pod: Pod;
  /** By container name. */
  readonly images: ReadonlyMap<string, { readonly id: ImageId; readonly manifest: AppcImageManifest }>;
  /** The host path of each of the pod's volumes, by name. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly attempt: { readonly restartCount: number; readonly backOffMs: number };
}

/** Throws PodManifestError where an image does not say how to run it. */
export function podManifest({ pod, images, volumes, attempt }: PodManifestInput): AppcPodManifest {
  const names = volumeNames(volumes);
  const apps = pod.spec.containers.map((container) => {
    const image = images.get(container.name);
    if (image === undefined) throw new PodManifestError(`container "${container.name}" has no image`);
    return runtimeApp(container, image, names);
  });
  return {
    acVersion: appcVersion,
    acKind: "PodManifest",
    apps,
    volumes: podVolumes(
      volumes,
      names,
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

function runtimeApp(
  container: Container,
  image: { readonly id: ImageId; readonly manifest: AppcImageManifest },
  names: VolumeNames,
): AppcRuntimeApp {
  return {
    name: container.name, // a DNS label, and so an ACName
    image: { name: image.manifest.name, id: image.id },
    app: mergedApp(container, image.manifest, names),
    annotations: [{ name: containerNameAnnotation, value: container.name }],
  };
}

function mergedApp(container: Container, image: AppcImageManifest, names: VolumeNames): AppcApp {
  const variables = containerVariables(container.env);
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
    mountPoints: appMountPoints(image.app?.mountPoints ?? [], container.volumeMounts, names),
    ports: appPorts(image.app?.ports ?? [], portMappings(container)),
    ...(workingDirectory ? { workingDirectory } : {}),
  };
}
