// A container as `gantry describe pod` tells of it, in kubectl's words. Pure.

import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  Probe,
  VolumeMount,
} from "kubernetes-types/core/v1";
import { nested, type Outline } from "./outline.ts";
import { none } from "./resource.ts";

export function describeContainer(container: Container, status: ContainerStatus | undefined): Outline {
  const { command, args, ports = [], resources, env = [], envFrom = [], volumeMounts = [] } = container;
  const quantities = (values: Readonly<Record<string, string>> | undefined) =>
    values === undefined ? undefined : nested(Object.entries(values));
  return [
    ["Container ID", status?.containerID ?? ""],
    ["Image", container.image ?? ""],
    ["Image ID", status?.imageID ?? ""],
    [
      "Port",
      ports.map(({ containerPort, protocol = "TCP" }) => `${containerPort}/${protocol}`).join(", ") || none,
    ],
    [
      "Host Port",
      ports.map(({ hostPort = 0, protocol = "TCP" }) => `${hostPort}/${protocol}`).join(", ") || none,
    ],
    ["Command", command],
    ["Args", args],
    ...describeState("State", status?.state),
    ...(Object.keys(status?.lastState ?? {}).length > 0
      ? describeState("Last State", status?.lastState)
      : []),
    ["Ready", status?.ready ? "True" : "False"],
    ["Restart Count", String(status?.restartCount ?? 0)],
    ["Limits", quantities(resources?.limits)],
    ["Requests", quantities(resources?.requests)],
    ["Liveness", probeText(container.livenessProbe)],
    ["Readiness", probeText(container.readinessProbe)],
    ["Startup", probeText(container.startupProbe)],
    [
      "Environment Variables from",
      envFrom.length === 0
        ? undefined
        : envFrom.map(({ configMapRef, secretRef }) =>
            configMapRef ? `ConfigMap ${configMapRef.name}` : `Secret ${secretRef?.name}`,
          ),
    ],
    [
      "Environment",
      env.length === 0 ? none : nested(env.map((variable) => [variable.name, valueText(variable)])),
    ],
    ["Mounts", volumeMounts.length === 0 ? none : volumeMounts.map(mountText)],
  ];
}

function describeState(label: string, state: ContainerState | undefined): Outline {
  const { waiting, running, terminated } = state ?? {};
  if (running) return [[label, "Running"], ...details([["Started", timeText(running.startedAt)]])];
  if (waiting)
    return [
      [label, "Waiting"],
      ...details([
        ["Reason", waiting.reason],
        ["Message", waiting.message],
      ]),
    ];
  if (!terminated) return [[label, "Waiting"]];
  const { reason, message, exitCode, signal, startedAt, finishedAt } = terminated;
  return [
    [label, "Terminated"],
    ...details([
      ["Reason", reason],
      ["Message", message],
      ["Exit Code", String(exitCode)],
      ["Signal", signal ? String(signal) : undefined],
      ["Started", timeText(startedAt)],
      ["Finished", timeText(finishedAt)],
    ]),
  ];
}

function details(outline: Outline): Outline {
  return outline.flatMap(([name, value]) => (value ? [[`  ${name}`, value] as const] : []));
}

/** RFC 1123, as kubectl writes it. */
export function timeText(time: string | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toUTCString().replace("GMT", "+0000");
}

/** The value of a Secret's key is not told. */
function valueText({ value, valueFrom }: EnvVar): string {
  if (valueFrom === undefined) return value ?? "";
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) return `(v1:${fieldRef.fieldPath})`;
  if (resourceFieldRef) return `(${resourceFieldRef.resource})`;
  const [kind, { name, key, optional }] = configMapKeyRef
    ? (["config map", configMapKeyRef] as const)
    : (["secret", secretKeyRef ?? { name: "", key: "", optional: false }] as const);
  return `<set to the key '${key}' in ${kind} '${name}'>  Optional: ${optional ?? false}`;
}

function mountText({ mountPath, name, readOnly, subPath, subPathExpr }: VolumeMount): string {
  const flags = [
    readOnly ? "ro" : "rw",
    ...(subPath || subPathExpr ? [`path="${subPath || subPathExpr}"`] : []),
  ];
  return `${mountPath} from ${name} (${flags.join(",")})`;
}

function probeText(probe: Probe | undefined): string | undefined {
  if (probe === undefined) return undefined;
  const seconds = (value: number | undefined, otherwise: number) => `${value ?? otherwise}s`;
  return [
    handlerText(probe),
    `delay=${seconds(probe.initialDelaySeconds, 0)}`,
    `timeout=${seconds(probe.timeoutSeconds, 1)}`,
    `period=${seconds(probe.periodSeconds, 10)}`,
    `#success=${probe.successThreshold ?? 1}`,
    `#failure=${probe.failureThreshold ?? 3}`,
  ].join(" ");
}

function handlerText({ exec, httpGet, tcpSocket, grpc }: Probe): string {
  if (exec) return `exec [${(exec.command ?? []).join(" ")}]`;
  if (httpGet) {
    const { scheme = "HTTP", host = "", port, path = "/" } = httpGet;
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path}`;
  }
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`;
  return grpc ? `grpc <pod>:${grpc.port} ${grpc.service ?? ""}`.trimEnd() : "unknown";
}
