// What runtime/ resolves of a container before it is translated, in short.

import type { ResolvedVariable } from "../../src/rkt/environment.ts";
import type { ResolvedMount } from "../../src/rkt/mounts.ts";

export function variable(name: string, value: string): ResolvedVariable {
  return { name, value, isLiteral: false };
}

export function mount(hostPath: string, mountPath: string, more: Partial<ResolvedMount> = {}): ResolvedMount {
  return { hostPath, mountPath, readOnly: false, propagation: "None", ...more };
}
