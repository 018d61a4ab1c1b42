// Which of a pod's wishes no pod manifest can tell the rkt that is there, so that the pod is refused rather than run differently. Pure.

import type { Container, Pod } from "../pod/pod.ts";
import { allContainersOf } from "../pod/stage.ts";

export interface Unfulfilled {
  /** `spec.hostPID`. */
  readonly field: string;
  readonly reason: string;
}

export function unfulfilled(
  { spec }: Pod,
  { isBuiltin }: { readonly isBuiltin: boolean },
): readonly Unfulfilled[] {
  const field = (path: string, isAsked: boolean, reason: string) =>
    isAsked ? [{ field: path, reason }] : [];
  const each = (what: (container: Container, path: string) => readonly Unfulfilled[]) =>
    allContainersOf(spec).flatMap((container, index) => {
      const inits = spec.initContainers.length;
      return what(
        container,
        index < inits ? `spec.initContainers[${index}]` : `spec.containers[${index - inits}]`,
      );
    });
  return [
    ...field("spec.hostPID", spec.hostPID && !isBuiltin, "rkt gives every pod PIDs of its own"),
    ...each(({ volumeMounts }, path) =>
      volumeMounts.flatMap(({ mountPropagation }, index) =>
        field(
          `${path}.volumeMounts[${index}].mountPropagation`,
          mountPropagation !== "None" && !isBuiltin,
          "rkt passes no mounts on between a pod and the machine",
        ),
      ),
    ),
    ...each(({ env }, path) =>
      env.flatMap(({ source }, index) =>
        field(
          `${path}.env[${index}].valueFrom.fieldRef`,
          source.kind === "field" &&
            /^status\.podIPs?$/.test(source.fieldPath) &&
            !spec.hostNetwork &&
            !isBuiltin,
          "rkt tells a pod's address only once it runs",
        ),
      ),
    ),
    ...spec.containers.flatMap(({ securityContext }, index) =>
      field(
        `spec.containers[${index}].securityContext.seLinuxOptions`,
        seLinuxLabel(securityContext.seLinuxOptions ?? spec.securityContext.seLinuxOptions) !==
          seLinuxLabel(seLinuxOptionsOf({ spec })),
        "all containers of a pod run in one unit, with one SELinux context",
      ),
    ),
  ];
}

/** What the pod's unit is labelled with: the first container's, which all others must agree with. */
export function seLinuxOptionsOf({
  spec,
}: Pick<Pod, "spec">): Pod["spec"]["securityContext"]["seLinuxOptions"] {
  return spec.containers[0]?.securityContext.seLinuxOptions ?? spec.securityContext.seLinuxOptions;
}

function seLinuxLabel(options: Pod["spec"]["securityContext"]["seLinuxOptions"]): string {
  return options === undefined ? "" : [options.user, options.role, options.type, options.level].join(":");
}
