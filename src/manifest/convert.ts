// A decoded manifest becomes a Pod of this node, as the kubelet makes static pods of files.

import { specHash, staticPodUid } from "../pod/hash.ts";
import type { JsonObject } from "../pod/json.ts";
import type { PodUid } from "../pod/names.ts";
import type { Container, Pod } from "../pod/pod.ts";
import type { Volume } from "../pod/volume.ts";
import type { DecodedPod } from "./decode.ts";
import { fieldPath } from "./decode-node.ts";
import { dnsSubdomain } from "./format.ts";
import type { Report } from "./report.ts";
import type { PodManifest } from "./schema.ts";
import { absoluteMountPath } from "./validate-pod.ts";

export interface ConvertOptions {
  readonly nodeName: string;
  /** Absolute path of the manifest file. */
  readonly file: string;
  /** When a Pod of this uid was first accepted, in milliseconds since the epoch; asked for a new one, it is now. */
  readonly seenAtMs: (uid: PodUid) => number;
}

/** The Pod; a name that does not become a good one with the node's at its end is reported. */
export function convertPod(decoded: DecodedPod, options: ConvertOptions, report: Report): Pod {
  const { nodeName, file, seenAtMs } = options;
  const { written, manifest, document } = decoded;
  const { name, namespace, labels, annotations } = manifest.metadata;
  const fullName = `${name}-${nodeName}`;
  const problem = name === "" ? undefined : dnsSubdomain(fullName);
  if (problem !== undefined) {
    const message = `Invalid value: ${JSON.stringify(fullName.slice(0, 1000))}: ${problem}`;
    report.add({ code: "Invalid", field: fieldPath(decoded.field, "metadata.name"), message });
  }
  const uid = (manifest.metadata.uid as PodUid | undefined) ?? staticPodUid(nodeName, file, written);
  const wire: PodManifest = {
    ...manifest,
    metadata: {
      name: fullName,
      namespace,
      uid,
      ...(labels === undefined ? {} : { labels }),
      annotations: {
        ...annotations,
        "kubernetes.io/config.hash": uid,
        "kubernetes.io/config.seen": new Date(seenAtMs(uid)).toISOString(),
        "kubernetes.io/config.source": "file",
      },
    },
    spec: { ...manifest.spec, nodeName, containers: manifest.spec.containers.map(withHostPorts(manifest)) },
  };
  return podOf(wire, { uid, specHash: specHash(written.spec ?? null), source: { file, document } });
}

/** The Pod that a complete wire form says. */
export function podOf(wire: PodManifest, known: Pick<Pod, "uid" | "specHash" | "source">): Pod {
  const { metadata, spec } = wire;
  return {
    ...known,
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    spec: {
      containers: spec.containers.map(containerOf),
      volumes: spec.volumes?.map(volumeOf) ?? [],
      restartPolicy: spec.restartPolicy,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
      hostNetwork: spec.hostNetwork ?? false,
      hostPID: false,
      hostIPC: false,
      hostname: "",
      subdomain: "",
      nodeName: spec.nodeName ?? "",
      dns: { policy: "Default", nameservers: [], searches: [], options: [] },
      hostAliases: [],
      securityContext: {
        runAsUser: undefined,
        runAsGroup: undefined,
        runAsNonRoot: false,
        supplementalGroups: undefined,
        fsGroup: undefined,
        fsGroupChangePolicy: "Always",
        seLinuxOptions: undefined,
      },
      imagePullSecrets: [],
    },
    wire: wire as unknown as JsonObject, // an interface has no index signature; it was JSON before it was typed
  };
}

type WireContainer = PodManifest["spec"]["containers"][number];

/** On the host's network a port of the container is one of the host. */
function withHostPorts({ spec }: PodManifest): (container: WireContainer) => WireContainer {
  return (container) => {
    if (spec.hostNetwork !== true || container.ports === undefined) return container;
    return {
      ...container,
      ports: container.ports.map((port) => ({ hostPort: port.containerPort, ...port })),
    };
  };
}

function containerOf(container: WireContainer): Container {
  return {
    name: container.name,
    image: container.image,
    imagePullPolicy: container.imagePullPolicy,
    command: container.command ?? [],
    args: container.args ?? [],
    env: container.env?.map(({ name, value = "" }) => ({ name, source: { kind: "value", value } })) ?? [],
    envFrom: [],
    workingDir: container.workingDir ?? "",
    ports:
      container.ports?.map(({ name, containerPort, hostPort, hostIP, protocol }) => ({
        name: name ?? "",
        containerPort,
        hostPort: hostPort ?? 0,
        hostIP: hostIP ?? "",
        protocol,
      })) ?? [],
    volumeMounts:
      container.volumeMounts?.map(({ name, mountPath, readOnly }) => ({
        name,
        mountPath: absoluteMountPath(mountPath),
        readOnly: readOnly ?? false,
        subPath: "",
        subPathExpr: "",
        mountPropagation: "None",
      })) ?? [],
    resources: { cpu: undefined, memory: undefined },
    securityContext: {
      runAsUser: undefined,
      runAsGroup: undefined,
      runAsNonRoot: undefined,
      privileged: false,
      readOnlyRootFilesystem: false,
      allowPrivilegeEscalation: true,
      capabilities: { add: [], drop: [] },
      seccompProfile: undefined,
      seLinuxOptions: undefined,
    },
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  };
}

function volumeOf({ name, hostPath }: NonNullable<PodManifest["spec"]["volumes"]>[number]): Volume {
  return hostPath === undefined
    ? { name, kind: "emptyDir", medium: "", sizeLimit: undefined }
    : { name, kind: "hostPath", path: hostPath.path, type: "" };
}
