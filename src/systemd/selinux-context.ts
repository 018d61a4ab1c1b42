// SELinuxContext= of a unit: a label that the machine has, with the parts that a pod asks for. Pure.

import type { SeLinuxOptions } from "../pod/pod.ts";

/** `label`: `user:role:type:level`, the level with colons of its own. Undefined for what is no label. */
export function seLinuxContext(label: string, options: SeLinuxOptions): string | undefined {
  const parts = /^([^:]+):([^:]+):([^:]+)(?::(.+))?$/.exec(label);
  if (parts === null) return undefined;
  const [, user, role, type, level = ""] = parts;
  const context = [options.user || user, options.role || role, options.type || type, options.level || level];
  return context.filter((part) => part !== "").join(":");
}
