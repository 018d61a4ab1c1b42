// Parts of the wire form that stand in more than one place.

import type { ResourceField, SeLinuxOptions } from "../pod/pod.ts";
import { parseQuantity } from "../pod/quantity.ts";
import type { PodManifest } from "./schema.ts";

type Container = PodManifest["spec"]["containers"][number];
type ResourceFieldRef = NonNullable<
  NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>["resourceFieldRef"]
>;

export function seLinuxOf(
  options: PodManifest["spec"]["securityContext"]["seLinuxOptions"],
): SeLinuxOptions | undefined {
  if (options === undefined) return undefined;
  const { user = "", role = "", type = "", level = "" } = options;
  return { user, role, type, level };
}

export function resourceFieldOf({
  containerName = "",
  resource,
  divisor = "0",
}: ResourceFieldRef): ResourceField {
  const quantity = parseQuantity(divisor);
  const milli = quantity.problem === undefined ? Number(quantity.milli) : 0;
  return { kind: "resource", containerName, resource, divisorMilli: milli === 0 ? 1000 : milli };
}

/** A machine's pod has one address, so that the list of its addresses is that one. */
export function singleAddress(fieldPath: string): string {
  return fieldPath === "status.podIPs" || fieldPath === "status.hostIPs" ? fieldPath.slice(0, -1) : fieldPath;
}
