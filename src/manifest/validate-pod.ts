// Kubernetes' rules that look at more than one field, in its wording (pkg/api/validation v1.5; of later fields v1.30).

import { validateAnnotations } from "./annotations.ts";
import { fieldPath } from "./decode-node.ts";
import { quote } from "./decode-scalar.ts";
import { doHostPortsClash, type HostPort } from "./host-port.ts";
import { nearestName } from "./nearest-name.ts";
import type { Report } from "./report.ts";
import { classPriorities, type PodManifest } from "./schema.ts";
import { type ContainerPlace, validateContainer, validateInitContainer } from "./validate-container.ts";
import { validateVolume } from "./validate-volume.ts";

const annotationBytesMax = 256 * 1024;
const nameserversMax = 3;
const searchesMax = 32;
const searchLettersMax = 2048;

/** Reports what is wrong with a manifest whose fields have been checked one by one; `field` is where the Pod stands. */
export function validatePod({ metadata, spec }: PodManifest, field: string, report: Report): void {
  const { annotations = {} } = metadata;
  const annotationsField = fieldPath(field, "metadata.annotations");
  validateAnnotationSize(annotations, annotationsField, report);
  validateAnnotations(annotations, annotationsField, report);
  const specField = fieldPath(field, "spec");
  spec.volumes?.forEach((volume, index) => {
    validateVolume(volume, { spec, field: `${specField}.volumes[${index}]`, report });
  });
  spec.containers.forEach((container, index) => {
    validateContainer(container, { spec, field: `${specField}.containers[${index}]`, report });
  });
  spec.initContainers?.forEach((container, index) => {
    validateInitContainer(container, { spec, field: `${specField}.initContainers[${index}]`, report });
  });
  validateHostPorts(spec, specField, report);
  validatePriority(spec, specField, report);
  validateDns(spec, specField, report);
}

function validateAnnotationSize(
  annotations: Readonly<Record<string, string>>,
  field: string,
  report: Report,
): void {
  const bytes = Object.entries(annotations).flat().join("");
  if (Buffer.byteLength(bytes) <= annotationBytesMax) return;
  const message = `Too long: must have at most ${annotationBytesMax} characters`;
  report.add({ code: "Invalid", field, message });
}

/** Of what runs at once in the pod; acceptance.ts compares pods. */
function validateHostPorts(spec: PodManifest["spec"], specField: string, report: Report): void {
  const kept: HostPort[] = [];
  spec.initContainers?.forEach((container, index) => {
    const field = `${specField}.initContainers[${index}]`;
    const own = hostPortsOf(container, { spec, field, report, taken: kept });
    if (container.restartPolicy === "Always") kept.push(...own);
  });
  spec.containers.forEach((container, index) => {
    const field = `${specField}.containers[${index}]`;
    kept.push(...hostPortsOf(container, { spec, field, report, taken: kept }));
  });
}

interface HostPortPlace extends ContainerPlace {
  readonly taken: readonly HostPort[];
}

/** Those that another has taken, or that are in it twice, are reported. */
function hostPortsOf(
  { ports = [] }: PodManifest["spec"]["containers"][number],
  { spec, field, report, taken }: HostPortPlace,
): readonly HostPort[] {
  const own: HostPort[] = [];
  ports.forEach(({ containerPort, hostPort = 0, hostIP = "", protocol }, index) => {
    const port = { protocol, hostIP, number: hostPort || (spec.hostNetwork === true ? containerPort : 0) };
    if (port.number === 0) return;
    if ([...taken, ...own].some((other) => doHostPortsClash(port, other))) {
      const message = `Duplicate value: ${JSON.stringify(`${protocol}/${hostIP}/${port.number}`)}`;
      report.add({ code: "Duplicate", field: `${field}.ports[${index}].hostPort`, message });
    }
    own.push(port);
  });
  return own;
}

/** A class of the user's own is an object of a cluster's; its number says all that it would. */
function validatePriority(
  { priority, priorityClassName = "" }: PodManifest["spec"],
  specField: string,
  report: Report,
): void {
  if (priorityClassName === "") return;
  const ofClass = classPriorities.get(priorityClassName);
  const field = `${specField}.priorityClassName`;
  if (ofClass === undefined && priority === undefined) {
    const near = nearestName(priorityClassName, [...classPriorities.keys()]);
    report.add({
      code: "NotSupported",
      field,
      message: `value ${quote(priorityClassName)} is not supported: there are no PriorityClass objects`,
      hint:
        near === undefined
          ? "write the class's value instead, as `priority: 1000`"
          : `did you mean "${near}"? Of another class write the value, as \`priority: 1000\``,
    });
  } else if (ofClass !== undefined && priority !== ofClass) {
    const message = `Invalid value: ${priority}: must be ${ofClass}, as priorityClassName says`;
    report.add({ code: "Invalid", field: `${specField}.priority`, message });
  }
}

function validateDns({ dnsPolicy, dnsConfig }: PodManifest["spec"], specField: string, report: Report): void {
  const field = `${specField}.dnsConfig`;
  const { nameservers = [], searches = [] } = dnsConfig ?? {};
  if (dnsPolicy === "None" && nameservers.length === 0) {
    const message =
      dnsConfig === undefined
        ? "Required value: must provide `dnsConfig` when `dnsPolicy` is None"
        : "Required value: must provide at least one DNS nameserver when `dnsPolicy` is None";
    report.add({
      code: "Required",
      field: dnsConfig === undefined ? field : `${field}.nameservers`,
      message,
    });
  }
  const invalid = (part: string, values: readonly string[], problem: string) => {
    const message = `Invalid value: ${JSON.stringify(values).slice(0, 1000)}: ${problem}`;
    report.add({ code: "Invalid", field: `${field}.${part}`, message });
  };
  if (nameservers.length > nameserversMax) {
    invalid("nameservers", nameservers, `must not have more than ${nameserversMax} nameservers`);
  }
  if (searches.length > searchesMax) {
    invalid("searches", searches, `must not have more than ${searchesMax} search paths`);
  }
  if (searches.join(" ").length > searchLettersMax) {
    invalid(
      "searches",
      searches,
      `must not have more than ${searchLettersMax} characters in the search list`,
    );
  }
}
