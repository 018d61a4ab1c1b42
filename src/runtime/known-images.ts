// The images in rkt's store with what is known of them besides: who brought them and which pods are made of them.

import type { Desired } from "../pod/desired.ts";
import { type ImageId, podKeyOf } from "../pod/names.ts";
import type { Observation } from "../pod/observed-pod.ts";
import type { RktImage } from "../rkt/rkt-image.ts";

export interface KnownImage extends Omit<RktImage, "name" | "version"> {
  readonly names: readonly string[];
  readonly isOurs: boolean;
  readonly usedBy: readonly string[];
}

export interface ImageSurroundings {
  /** Those that we have brought. */
  readonly ours: ReadonlySet<ImageId>;
  readonly observation: Observation;
  readonly desired: Pick<Desired, "pods">;
}

export function knownImages(images: readonly RktImage[], around: ImageSurroundings): readonly KnownImage[] {
  const uses = usesOf(around);
  return images.map(({ name, version, ...image }) => {
    const ofImage = uses.filter(({ id }) => id === image.id);
    const own = version === "" ? name : `${name}:${version}`;
    return {
      ...image,
      names: [...new Set([own, ...ofImage.flatMap((use) => use.name ?? [])])],
      isOurs: around.ours.has(image.id),
      usedBy: [...new Set(ofImage.map(({ pod }) => pod))].sort(),
    };
  });
}

/** What a revision's app is called in the manifest is known only as long as the Pod is still written like that. */
function usesOf({ observation, desired }: ImageSurroundings) {
  const pods = new Map(desired.pods.map((pod) => [podKeyOf(pod), pod]));
  return observation.revisions.flatMap(({ key, specHash, apps }) => {
    const pod = pods.get(key);
    const isAsWritten = pod?.specHash === specHash;
    const containers = isAsWritten ? [...pod.spec.initContainers, ...pod.spec.containers] : [];
    return apps.map(({ name, imageId }) => ({
      id: imageId,
      pod: key,
      name: containers.find((container) => container.name === name)?.image,
    }));
  });
}
