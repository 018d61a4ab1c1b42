// Which user and groups an app runs as. Pure.

import type { PodSecurityContext, SecurityContext } from "../pod/pod.ts";
import type { AppcApp, AppcImageManifest } from "./appc.ts";
import { PodManifestError } from "./pod-manifest-error.ts";

export type AppUser = Pick<AppcApp, "user" | "group" | "supplementaryGIDs">;

export interface UserOptions {
  readonly pod: PodSecurityContext;
  readonly container: Pick<SecurityContext, "runAsUser" | "runAsGroup" | "runAsNonRoot">;
  /** The engine looks up what user a name is, and refuses root then; a real rkt does not. */
  readonly isBuiltin: boolean;
}

/** kubelet v1.5 rkt.go: an image that names no user runs as root with group 0, whatever group it names. */
export function appUser(image: AppcImageManifest, options: UserOptions): AppUser {
  const { pod, container } = options;
  if (runsAsNonRoot(options)) checkNonRoot(image, options);
  const runAsGroup = container.runAsGroup ?? pod.runAsGroup;
  const user = String(runAsUser(options) ?? image.app?.user ?? "");
  const group = String(runAsGroup ?? image.app?.group ?? "");
  const groups = supplementaryGroups(image, pod);
  if (user === "") return { user: "0", group: String(runAsGroup ?? 0), ...groups };
  if (group === "") throw new PodManifestError(`cannot determine the GID of the app "${image.name}"`);
  return { user, group, ...groups };
}

/** The container's word counts before the pod's. */
export function runsAsNonRoot({ pod, container }: Pick<UserOptions, "pod" | "container">): boolean {
  return container.runAsNonRoot ?? pod.runAsNonRoot;
}

function runAsUser({ pod, container }: UserOptions): number | undefined {
  return container.runAsUser ?? pod.runAsUser;
}

/** Messages of the kubelet's; it let pass an image without a user and one whose user is "root", and so ran them as root. */
function checkNonRoot(image: AppcImageManifest, options: UserOptions): void {
  const uid = runAsUser(options);
  if (uid === 0) throw new PodManifestError("container's runAsUser breaks non-root policy");
  if (uid !== undefined) return;
  const user = image.app?.user ?? "";
  if (user === "" || user === "root" || Number(user) === 0)
    throw new PodManifestError("container has no runAsUser and image will run as root");
  if (!options.isBuiltin && !/^\d+$/.test(user))
    throw new PodManifestError(
      `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root`,
    );
}

/** The image's own are kept where the pod names none. */
function supplementaryGroups(
  image: AppcImageManifest,
  { supplementalGroups, fsGroup }: PodSecurityContext,
): Pick<AppcApp, "supplementaryGIDs"> {
  const own = [...(supplementalGroups ?? []), ...(fsGroup === undefined ? [] : [fsGroup])];
  if (supplementalGroups !== undefined || fsGroup !== undefined) return { supplementaryGIDs: own };
  const { supplementaryGIDs } = image.app ?? {};
  return supplementaryGIDs ? { supplementaryGIDs } : {};
}
