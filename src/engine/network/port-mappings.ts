// Which ports of the machine lead to which of a pod: the pod manifest's ports joined with those of its apps. Pure.

import type { AppcPodManifest } from "../../rkt/appc.ts";
import { EngineError } from "../engine-error.ts";

/** As CNI's capability `portMappings` has it. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP?: string;
}

export function portMappings({ apps, ports }: AppcPodManifest): readonly PortMapping[] {
  const appPorts = (apps ?? []).flatMap(({ app }) => app?.ports ?? []);
  return (ports ?? []).flatMap(({ name, hostPort, hostIP }) => {
    const port = appPorts.find((candidate) => candidate.name === name);
    if (port === undefined) throw new EngineError(`port "${name}" of the pod is none of its apps'`);
    return Array.from({ length: Math.max(1, port.count ?? 1) }, (_none, index) => ({
      hostPort: hostPort + index,
      containerPort: port.port + index,
      protocol: port.protocol.toLowerCase(),
      ...(hostIP ? { hostIP } : {}),
    }));
  });
}
