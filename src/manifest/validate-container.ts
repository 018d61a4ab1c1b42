// Kubernetes' rules of one container that look at more than one field, in its wording.

import { parseQuantity } from "../pod/quantity.ts";
import { quote } from "./decode-scalar.ts";
import { absoluteMountPath } from "./mount-path.ts";
import { nearestName } from "./nearest-name.ts";
import type { Report } from "./report.ts";
import type { PodManifest } from "./schema.ts";
import { refuseHandlers, validateHandlers } from "./validate-handler.ts";
import { reportChoices, validateResourceField } from "./validate-reference.ts";

export interface ContainerPlace {
  readonly spec: PodManifest["spec"];
  /** Where the container stands. */
  readonly field: string;
  readonly report: Report;
}

type Container = PodManifest["spec"]["containers"][number];
type InitContainer = NonNullable<PodManifest["spec"]["initContainers"]>[number];

export function validateContainer(container: Container, place: ContainerPlace): void {
  validateAnyContainer(container, place);
  validateHandlers(container, place);
}

export function validateInitContainer(container: InitContainer, place: ContainerPlace): void {
  const { spec, field, report } = place;
  validateAnyContainer(container, place);
  if (container.restartPolicy === "Always") validateHandlers(container, place);
  else refuseHandlers(container, field, report);
  if (container.name === "" || !spec.containers.some(({ name }) => name === container.name)) return;
  report.add({
    code: "Duplicate",
    field: `${field}.name`,
    message: `Duplicate value: ${quote(container.name)}`,
  });
}

function validateAnyContainer(container: Container, place: ContainerPlace): void {
  validateEnvironment(container, place);
  validateMounts(container, place);
  validatePorts(container, place);
  validateResources(container, place);
  validateSecurity(container, place);
}

function validateEnvironment(
  { env = [], envFrom = [] }: Container,
  { spec, field, report }: ContainerPlace,
): void {
  env.forEach(({ value = "", valueFrom }, index) => {
    if (valueFrom === undefined) return;
    const at = `${field}.env[${index}].valueFrom`;
    if (value !== "" && Object.keys(valueFrom).length > 0) {
      const message = 'Invalid value: "": may not be specified when `value` is not empty';
      report.add({ code: "Invalid", field: at, message });
    } else
      reportChoices(valueFrom, ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"], {
        field: at,
        report,
      });
    if (valueFrom.resourceFieldRef !== undefined) {
      validateResourceField(valueFrom.resourceFieldRef, { spec, field: `${at}.resourceFieldRef`, report });
    }
  });
  envFrom.forEach(({ configMapRef, secretRef }, index) => {
    reportChoices({ configMapRef, secretRef }, ["configMapRef", "secretRef"], {
      field: `${field}.envFrom[${index}]`,
      report,
    });
  });
}

function validateMounts(
  { volumeMounts = [], securityContext }: Container,
  { spec, field, report }: ContainerPlace,
): void {
  const volumes = spec.volumes?.map(({ name }) => name) ?? [];
  const paths = new Set<string>();
  volumeMounts.forEach(({ name, mountPath, subPath, subPathExpr, mountPropagation }, index) => {
    const mountField = `${field}.volumeMounts[${index}]`;
    // An empty name has been reported, and may be the one that is looked for.
    if (name !== "" && !volumes.includes(name) && !volumes.includes("")) {
      const near = nearestName(name, volumes);
      report.add({
        code: "Invalid",
        field: `${mountField}.name`,
        message: `Not found: ${quote(name)}`,
        ...(near === undefined ? {} : { hint: `did you mean "${near}"?` }),
      });
    }
    // As text, which is Kubernetes' rule, `/a` and `/a/` differ; mounted they are one place.
    const path = absoluteMountPath(mountPath);
    if (mountPath !== "" && paths.has(path)) {
      const message = `Invalid value: ${quote(mountPath)}: must be unique`;
      report.add({ code: "Duplicate", field: `${mountField}.mountPath`, message });
    }
    paths.add(path);
    if (subPath !== undefined && subPathExpr !== undefined) {
      const message = `Invalid value: ${quote(subPathExpr)}: subPathExpr and subPath are mutually exclusive`;
      report.add({ code: "Invalid", field: `${mountField}.subPathExpr`, message });
    }
    if (mountPropagation === "Bidirectional" && securityContext?.privileged !== true) {
      const message = "Forbidden: Bidirectional mount propagation is available only to privileged containers";
      report.add({ code: "Invalid", field: `${mountField}.mountPropagation`, message });
    }
  });
}

function validatePorts({ ports = [] }: Container, { spec, field, report }: ContainerPlace): void {
  ports.forEach(({ containerPort, hostPort = containerPort }, index) => {
    if (spec.hostNetwork !== true || hostPort === containerPort) return;
    const message = `Invalid value: ${containerPort}: must match \`hostPort\` when \`hostNetwork\` is true`;
    report.add({ code: "Invalid", field: `${field}.ports[${index}].containerPort`, message });
  });
}

function validateResources({ resources }: Container, { field, report }: ContainerPlace): void {
  const { limits, requests } = resources;
  for (const name of ["cpu", "memory", "ephemeral-storage"] as const) {
    const limit = limits?.[name];
    const request = requests?.[name];
    if (limit === undefined || request === undefined || milliOf(request) <= milliOf(limit)) continue;
    const message = `Invalid value: ${quote(limit)}: must be greater than or equal to ${name} request`;
    report.add({ code: "Invalid", field: `${field}.resources.limits`, message });
  }
}

function milliOf(text: string): bigint {
  const quantity = parseQuantity(text);
  return quantity.problem === undefined ? quantity.milli : 0n;
}

function validateSecurity({ securityContext }: Container, { field, report }: ContainerPlace): void {
  if (securityContext?.allowPrivilegeEscalation !== false) return;
  const contradicting = [
    ...(securityContext.privileged === true ? ["`privileged` to true"] : []),
    ...(securityContext.capabilities?.add?.some((name) => /^(CAP_)?SYS_ADMIN$/.test(name))
      ? ["`capabilities.Add` CAP_SYS_ADMIN"]
      : []),
  ];
  for (const other of contradicting) {
    const message = `Invalid value: false: cannot set \`allowPrivilegeEscalation\` to false and ${other}`;
    report.add({ code: "Invalid", field: `${field}.securityContext.allowPrivilegeEscalation`, message });
  }
}
