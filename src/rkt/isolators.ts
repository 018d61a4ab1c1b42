// What a container may do and use, as appc isolators. Pure.
// Invariant: of each kind at most one: rkt 1.30 refuses an app with both a retain-set and a remove-set, and an empty set.

import { allCapabilities, defaultCapabilities } from "../pod/capabilities.ts";
import type { Container, Resource, SecurityContext } from "../pod/pod.ts";
import { parseQuantity } from "../pod/quantity.ts";
import type { AppcIsolator } from "./appc.ts";

export interface IsolatorOptions {
  readonly isBuiltin: boolean;
  /** Every container of the pod is: rkt is told `all-run`, and then filters no system calls. */
  readonly isPodPrivileged: boolean;
}

/** The image's, each replaced by the container's of its kind. */
export function appIsolators(
  image: readonly AppcIsolator[],
  { securityContext, resources }: Pick<Container, "securityContext" | "resources">,
  options: IsolatorOptions,
): readonly AppcIsolator[] {
  const own = [
    ...capabilityIsolator(securityContext, options),
    ...(securityContext.allowPrivilegeEscalation
      ? []
      : [{ name: "os/linux/no-new-privileges", value: true }]),
    ...seccompIsolator(securityContext, options),
    ...resourceIsolator("resource/cpu", resources.cpu),
    ...resourceIsolator("resource/memory", resources.memory),
  ];
  const kinds = new Set(own.map(kindOf));
  return [...image.filter((isolator) => !kinds.has(kindOf(isolator))), ...own];
}

function kindOf({ name }: AppcIsolator): string {
  return name.replace(/-(retain|remove)-set$/, "");
}

/**
 * rkt's default, more and less what is added and dropped; `ALL` as containerd reads it: first the whole set, then the single names. The
 * kubelet made a retain-set of what is added alone, and beside it a remove-set, and rkt refused them.
 */
function capabilityIsolator(
  { privileged, capabilities: { add, drop } }: SecurityContext,
  { isBuiltin }: IsolatorOptions,
): readonly AppcIsolator[] {
  const all = isBuiltin ? allCapabilities : rktCapabilities;
  if (privileged) return [capabilitySet("retain", all)];
  if (add.length === 0 && drop.length === 0) return [];
  const whole = drop.includes("ALL") ? [] : add.includes("ALL") ? all : defaultCapabilities;
  const kept = new Set([...whole, ...add]);
  for (const name of ["ALL", ...drop]) kept.delete(name);
  // An empty retain-set is none to appc: from what an app has by default all of it is removed.
  return [kept.size > 0 ? capabilitySet("retain", [...kept]) : capabilitySet("remove", defaultCapabilities)];
}

/** The kubelet's 38, up to CAP_AUDIT_READ. The systemd in a stage1 of 2018 fails on a name that it does not know, and there were no more. */
const rktCapabilities = allCapabilities.slice(0, 38);

function capabilitySet(what: "retain" | "remove", names: readonly string[]): AppcIsolator {
  return { name: `os/linux/capabilities-${what}-set`, value: { set: names } };
}

function seccompIsolator(
  { privileged, seccompProfile }: SecurityContext,
  { isPodPrivileged }: IsolatorOptions,
): readonly AppcIsolator[] {
  const set = (value: { readonly set: readonly string[]; readonly errno?: string }) => [
    { name: "os/linux/seccomp-retain-set", value },
  ];
  const unconfined = () => set({ set: ["@appc.io/all"] });
  if (privileged) return isPodPrivileged ? [] : unconfined();
  switch (seccompProfile) {
    case "Unconfined":
      return unconfined();
    case "RuntimeDefault":
      // Docker's profile makes a call fail; without errno rkt would kill the caller.
      return set({ set: ["@docker/default-whitelist"], errno: "EPERM" });
    case undefined:
      return [];
    default:
      return seccompProfile satisfies never;
  }
}

function resourceIsolator(name: string, resource: Resource | undefined): readonly AppcIsolator[] {
  if (resource === undefined) return [];
  const { request, limit } = resource;
  return [{ name, value: { default: false, request: canonical(request), limit: canonical(limit) } }];
}

function canonical(text: string): string {
  const quantity = parseQuantity(text);
  return quantity.problem === undefined ? quantity.text : text;
}
