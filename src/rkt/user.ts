// Which user and group an app runs as. Pure.

import type { AppcApp, AppcImageManifest } from "./appc.ts";
import { PodManifestError } from "./pod-manifest-error.ts";

/** kubelet v1.5 rkt.go: an image that names no user runs as root with group 0, whatever group it names. */
export function appUser(image: AppcImageManifest): Pick<AppcApp, "user" | "group"> {
  const { user = "", group = "" } = image.app ?? {};
  if (user === "") return { user: "0", group: "0" };
  if (group === "") throw new PodManifestError(`cannot determine the GID of the app "${image.name}"`);
  return { user, group };
}
