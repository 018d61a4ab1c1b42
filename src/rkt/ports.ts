// Container ports become ports of the app and, on the host, of the pod. Pure.

import type { Container, ContainerPort } from "../pod/pod.ts";
import { sanitizeAcName } from "./ac-name.ts";
import type { AppcExposedPort, AppcPort } from "./appc.ts";

export interface PortMapping {
  readonly app: AppcPort;
  readonly host: AppcExposedPort;
}

/** Only ports with a hostPort mean anything to rkt. Of two with one name the first counts. */
export function portMappings({ name, ports }: Pick<Container, "name" | "ports">): readonly PortMapping[] {
  const mappings = new Map<string, PortMapping>();
  for (const port of ports) {
    const portName = sanitizeAcName(`${name}-${port.name === "" ? unnamed(port) : port.name}`);
    if (port.hostPort === 0 || portName === undefined || mappings.has(portName)) continue;
    mappings.set(portName, {
      app: { name: portName, protocol: port.protocol, port: port.containerPort },
      host: {
        name: portName,
        hostPort: port.hostPort,
        // The kubelet drops it, and so opens to all what was meant for one address.
        ...(port.hostIP === "" ? {} : { hostIP: port.hostIP }),
      },
    });
  }
  return [...mappings.values()];
}

/** The image's ports, replaced by name. */
export function appPorts(image: readonly AppcPort[], mappings: readonly PortMapping[]): readonly AppcPort[] {
  const ports = new Map([...image, ...mappings.map(({ app }) => app)].map((port) => [port.name, port]));
  return [...ports.values()];
}

function unnamed(port: ContainerPort): string {
  return `${port.protocol}:${port.containerPort}`;
}
