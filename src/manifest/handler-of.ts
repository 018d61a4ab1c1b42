// The probes and hooks that a complete wire form says, their named ports looked up.

import type { Handler, HookHandler, Probe, ProbeHandler } from "../pod/handler.ts";
import type { PodManifest } from "./schema.ts";

type WireContainer = PodManifest["spec"]["containers"][number];
type WireProbe = NonNullable<WireContainer["livenessProbe"]>;
type WireHook = NonNullable<NonNullable<WireContainer["lifecycle"]>["preStop"]>;
type Ports = WireContainer["ports"];

/** Undefined also where it has no handler, which has been reported. */
export function probeOf(probe: WireProbe | undefined, ports: Ports): Probe | undefined {
  if (probe === undefined) return undefined;
  const handler = probeHandlerOf(probe, ports);
  if (handler === undefined) return undefined;
  return {
    handler,
    initialDelaySeconds: probe.initialDelaySeconds ?? 0,
    periodSeconds: probe.periodSeconds,
    timeoutSeconds: probe.timeoutSeconds,
    successThreshold: probe.successThreshold,
    failureThreshold: probe.failureThreshold,
    terminationGracePeriodSeconds: probe.terminationGracePeriodSeconds,
  };
}

function probeHandlerOf(probe: WireProbe, ports: Ports): ProbeHandler | undefined {
  if (probe.grpc === undefined) return handlerOf(probe, ports);
  return { kind: "grpc", port: probe.grpc.port, service: probe.grpc.service ?? "" };
}

/** Undefined also where it has no handler, which has been reported. */
export function hookOf(hook: WireHook | undefined, ports: Ports): HookHandler | undefined {
  if (hook?.sleep !== undefined) return { kind: "sleep", seconds: hook.sleep.seconds };
  return hook && handlerOf(hook, ports);
}

function handlerOf(
  { exec, httpGet, tcpSocket }: Pick<WireProbe, Handler["kind"]>,
  ports: Ports,
): Handler | undefined {
  if (exec !== undefined) return { kind: "exec", command: exec.command };
  if (httpGet !== undefined) {
    const { scheme, host = "", port, path, httpHeaders = [] } = httpGet;
    return {
      kind: "httpGet",
      scheme,
      host,
      port: portNumber(port, ports) ?? 0,
      path: path.startsWith("/") ? path : `/${path}`,
      headers: httpHeaders.map(({ name, value }) => ({ name, value })),
    };
  }
  if (tcpSocket === undefined) return undefined;
  return { kind: "tcpSocket", host: tcpSocket.host ?? "", port: portNumber(tcpSocket.port, ports) ?? 0 };
}

/** Undefined for a name that no port of the container has. */
export function portNumber(port: number | string, ports: Ports = []): number | undefined {
  return typeof port === "number" ? port : ports.find(({ name }) => name === port)?.containerPort;
}
