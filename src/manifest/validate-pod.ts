// Kubernetes' rules that look at more than one field, in its wording (pkg/api/validation v1.5; of later fields v1.30).

import { fieldPath } from "./decode-node.ts";
import { doHostPortsClash, type HostPort } from "./host-port.ts";
import type { Report } from "./report.ts";
import { restartOnChange } from "./restart-on-change.ts";
import type { PodManifest } from "./schema.ts";
import { validateContainer } from "./validate-container.ts";
import { validateVolume } from "./validate-volume.ts";

const annotationBytesMax = 256 * 1024;
const nameserversMax = 3;
const searchesMax = 32;
const searchLettersMax = 2048;

/** Reports what is wrong with a manifest whose fields have been checked one by one; `field` is where the Pod stands. */
export function validatePod({ metadata, spec }: PodManifest, field: string, report: Report): void {
  validateAnnotations(metadata.annotations ?? {}, fieldPath(field, "metadata.annotations"), report);
  const specField = fieldPath(field, "spec");
  spec.volumes?.forEach((volume, index) => {
    validateVolume(volume, { spec, field: `${specField}.volumes[${index}]`, report });
  });
  spec.containers.forEach((container, index) => {
    validateContainer(container, { spec, field: `${specField}.containers[${index}]`, report });
  });
  validateHostPorts(spec, specField, report);
  validateDns(spec, specField, report);
}

function validateAnnotations(
  annotations: Readonly<Record<string, string>>,
  field: string,
  report: Report,
): void {
  const bytes = Object.entries(annotations).flat().join("");
  if (Buffer.byteLength(bytes) > annotationBytesMax) {
    const message = `Too long: must have at most ${annotationBytesMax} characters`;
    report.add({ code: "Invalid", field, message });
  }
  const value = annotations[restartOnChange] ?? "true";
  if (value !== "true" && value !== "false") {
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: true, false`;
    report.add({ code: "Invalid", field: `${field}[${restartOnChange}]`, message });
  }
}

/** Within the pod; claim.ts compares pods. */
function validateHostPorts(spec: PodManifest["spec"], specField: string, report: Report): void {
  const taken: HostPort[] = [];
  spec.containers.forEach(({ ports = [] }, container) => {
    ports.forEach(({ containerPort, hostPort = 0, hostIP = "", protocol }, index) => {
      const port = { protocol, hostIP, number: hostPort || (spec.hostNetwork === true ? containerPort : 0) };
      if (port.number === 0) return;
      if (taken.some((other) => doHostPortsClash(port, other))) {
        const field = `${specField}.containers[${container}].ports[${index}].hostPort`;
        const message = `Duplicate value: ${JSON.stringify(`${protocol}/${hostIP}/${port.number}`)}`;
        report.add({ code: "Duplicate", field, message });
      }
      taken.push(port);
    });
  });
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
