// Kubernetes' rules that look at more than one field, in its wording (pkg/api/validation v1.5).

import { fieldPath } from "./decode-node.ts";
import type { Report } from "./report.ts";
import type { PodManifest } from "./schema.ts";

const annotationBytesMax = 256 * 1024;

type Container = PodManifest["spec"]["containers"][number];

/** Reports what is wrong with a manifest whose fields have been checked one by one; `field` is where the Pod stands. */
export function validatePod({ metadata, spec }: PodManifest, field: string, report: Report): void {
  const bytes = Object.entries(metadata.annotations ?? {})
    .flat()
    .join("");
  if (Buffer.byteLength(bytes) > annotationBytesMax) {
    const message = `Too long: must have at most ${annotationBytesMax} characters`;
    report.add({ code: "Invalid", field: fieldPath(field, "metadata.annotations"), message });
  }
  const specField = fieldPath(field, "spec");
  spec.volumes?.forEach(({ hostPath, emptyDir }, index) => {
    if (hostPath === undefined || emptyDir === undefined) return;
    const message = "Forbidden: may not specify more than 1 volume type";
    report.add({ code: "Invalid", field: `${specField}.volumes[${index}].hostPath`, message });
  });
  const volumes = new Set(spec.volumes?.map(({ name }) => name));
  const hostPorts = new Set<string>();
  spec.containers.forEach((container, index) => {
    const containerField = `${specField}.containers[${index}]`;
    validateMounts(container, volumes, containerField, report);
    validatePorts(container, { hostPorts, isHostNetwork: spec.hostNetwork === true }, containerField, report);
  });
}

function validateMounts(
  { volumeMounts = [] }: Container,
  volumes: ReadonlySet<string>,
  field: string,
  report: Report,
): void {
  const paths = new Set<string>();
  volumeMounts.forEach(({ name, mountPath }, index) => {
    const mountField = `${field}.volumeMounts[${index}]`;
    // An empty name has been reported, and may be the one that is looked for.
    if (name !== "" && !volumes.has(name) && !volumes.has("")) {
      const message = `Not found: ${JSON.stringify(name)}`;
      report.add({ code: "Invalid", field: `${mountField}.name`, message });
    }
    // As text, which is Kubernetes' rule, `/a` and `/a/` differ; mounted they are one place.
    const path = absoluteMountPath(mountPath);
    if (mountPath !== "" && paths.has(path)) {
      const message = `Invalid value: ${JSON.stringify(mountPath)}: must be unique`;
      report.add({ code: "Duplicate", field: `${mountField}.mountPath`, message });
    }
    paths.add(path);
  });
}

/** A relative path starts at the container's root: the kubelet's rule. */
export function absoluteMountPath(mountPath: string): string {
  const path = `/${mountPath}`.replaceAll(/\/(\.?\/)+/g, "/").replace(/\/\.?$/, "");
  return path === "" ? "/" : path;
}

function validatePorts(
  { ports = [] }: Container,
  pod: { readonly hostPorts: Set<string>; readonly isHostNetwork: boolean },
  field: string,
  report: Report,
): void {
  ports.forEach(({ containerPort, hostIP = "", protocol, ...port }, index) => {
    const portField = `${field}.ports[${index}]`;
    const hostPort = port.hostPort ?? (pod.isHostNetwork ? containerPort : 0);
    if (pod.isHostNetwork && hostPort !== containerPort) {
      const message = `Invalid value: ${containerPort}: must match \`hostPort\` when \`hostNetwork\` is true`;
      report.add({ code: "Invalid", field: `${portField}.containerPort`, message });
    }
    if (hostPort === 0) return;
    const place = `${protocol}/${hostIP}/${hostPort}`;
    if (pod.hostPorts.has(place)) {
      const message = `Duplicate value: ${JSON.stringify(place)}`;
      report.add({ code: "Duplicate", field: `${portField}.hostPort`, message });
    }
    pod.hostPorts.add(place);
  });
}
