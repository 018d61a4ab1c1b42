// Kubernetes' rules of a container's probes and hooks, in its wording; that a port's name must be known is ours, it fails later.

import { quote } from "./decode-scalar.ts";
import { portName } from "./format.ts";
import { portNumber } from "./handler-of.ts";
import { hookHandlers, probeHandlers } from "./handler-schema.ts";
import { nearestName } from "./nearest-name.ts";
import type { Report } from "./report.ts";
import type { PodManifest } from "./schema.ts";

interface HandlerPlace {
  readonly container: Container;
  readonly graceSeconds: number;
  /** Where the probe or hook stands. */
  readonly field: string;
  readonly report: Report;
}

type Container = PodManifest["spec"]["containers"][number];
type Probe = NonNullable<Container["livenessProbe"]>;
type Hook = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

const probeKinds = ["startupProbe", "livenessProbe", "readinessProbe"] as const;

export function validateHandlers(
  container: Container,
  { spec, field, report }: { spec: PodManifest["spec"]; field: string; report: Report },
): void {
  const place = { container, graceSeconds: spec.terminationGracePeriodSeconds, report };
  for (const kind of probeKinds) {
    const probe = container[kind];
    if (probe !== undefined) validateProbe(kind, probe, { ...place, field: `${field}.${kind}` });
  }
  for (const kind of ["postStart", "preStop"] as const) {
    const hook = container.lifecycle?.[kind];
    if (hook !== undefined) validateHook(hook, { ...place, field: `${field}.lifecycle.${kind}` });
  }
}

/** Of an init container that is waited for to end. */
export function refuseHandlers(container: Container, field: string, report: Report): void {
  for (const kind of [...probeKinds, "lifecycle"] as const) {
    if (container[kind] === undefined) continue;
    const message = "Forbidden: may not be set for init containers without restartPolicy=Always";
    report.add({ code: "Invalid", field: `${field}.${kind}`, message });
  }
}

function validateProbe(kind: (typeof probeKinds)[number], probe: Probe, place: HandlerPlace): void {
  const { field, report } = place;
  reportHandlers(probe, probeHandlers, place);
  reportPorts(probe, place);
  if (kind !== "readinessProbe" && probe.successThreshold > 1) {
    const message = `Invalid value: ${probe.successThreshold}: must be 1`;
    report.add({ code: "Invalid", field: `${field}.successThreshold`, message });
  }
  if (kind === "readinessProbe" && probe.terminationGracePeriodSeconds !== undefined) {
    const message = `Invalid value: ${probe.terminationGracePeriodSeconds}: must not be set for readinessProbes`;
    report.add({ code: "Invalid", field: `${field}.terminationGracePeriodSeconds`, message });
  }
}

function validateHook(hook: Hook, place: HandlerPlace): void {
  const { graceSeconds, field, report } = place;
  reportHandlers(hook, hookHandlers, place);
  reportPorts(hook, place);
  const seconds = hook.sleep?.seconds ?? 0;
  if (seconds <= Math.max(0, graceSeconds)) return;
  const message = `Invalid value: ${seconds}: must not be more than terminationGracePeriodSeconds (${graceSeconds})`;
  report.add({ code: "Invalid", field: `${field}.sleep.seconds`, message });
}

function reportHandlers(
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
  { field, report }: HandlerPlace,
): void {
  const [first, ...others] = names.filter((name) => given[name] !== undefined);
  if (first === undefined) {
    report.add({ code: "Required", field, message: "Required value: must specify a handler type" });
  }
  for (const other of others) {
    const message = "Forbidden: may not specify more than 1 handler type";
    report.add({ code: "Invalid", field: `${field}.${other}`, message });
  }
}

function reportPorts(
  handlers: Pick<Probe, "httpGet" | "tcpSocket">,
  { container, field, report }: HandlerPlace,
): void {
  for (const kind of ["httpGet", "tcpSocket"] as const) {
    const port = handlers[kind]?.port;
    // What is no name has been reported.
    if (typeof port !== "string" || portName(port) !== undefined) continue;
    if (portNumber(port, container.ports) !== undefined) continue;
    const names = container.ports?.flatMap(({ name }) => name ?? []) ?? [];
    const near = nearestName(port, names);
    report.add({
      code: "Invalid",
      field: `${field}.${kind}.port`,
      message: `Not found: ${quote(port)}`,
      hint: near === undefined ? "no port of the container has that name" : `did you mean "${near}"?`,
    });
  }
}
