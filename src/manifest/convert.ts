// A decoded manifest becomes a Pod of this node, as the kubelet makes static pods of files.

import { specHash, staticPodUid, wholeHash } from "../pod/hash.ts";
import type { Json } from "../pod/json.ts";
import type { PodUid, SpecHash } from "../pod/names.ts";
import type { Pod } from "../pod/pod.ts";
import type { DecodedPod } from "./decode.ts";
import { fieldPath } from "./decode-node.ts";
import { dnsSubdomain } from "./format.ts";
import { lifeOf } from "./life-of.ts";
import { podOf } from "./pod-of.ts";
import type { Report } from "./report.ts";
import type { PodManifest } from "./schema.ts";

export interface ConvertOptions {
  readonly nodeName: string;
  /** Absolute path of the manifest file. */
  readonly file: string;
  /** When a Pod of this uid was first accepted, in milliseconds since the epoch; asked for a new one, it is now. */
  readonly seenAtMs: (uid: PodUid) => number;
  /** Those of the Pods that were accepted before this process. */
  readonly acceptedHashes?: ReadonlySet<SpecHash>;
}

/** The Pod; a name that does not become a good one with the node's at its end is reported. */
export function convertPod(decoded: DecodedPod, options: ConvertOptions, report: Report): Pod {
  const { nodeName, file, seenAtMs } = options;
  const { written, manifest, document } = decoded;
  const { name, namespace, annotations } = manifest.metadata;
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
      ...manifest.metadata,
      name: fullName,
      namespace,
      uid,
      annotations: {
        ...annotations,
        "kubernetes.io/config.hash": uid,
        "kubernetes.io/config.seen": new Date(seenAtMs(uid)).toISOString(),
        "kubernetes.io/config.source": "file",
      },
    },
    spec: completedSpec(manifest.spec, nodeName),
  };
  lifeOf(wire, (annotation, message) => {
    const at = fieldPath(decoded.field, `metadata.annotations[${annotation}]`);
    report.add({ code: "Invalid", field: at, message });
  });
  return podOf(wire, { uid, specHash: hashOf(written.spec ?? null, options), source: { file, document } });
}

/** What runs keeps the hash that a version before this one gave it. */
function hashOf(spec: Json, { acceptedHashes }: ConvertOptions): SpecHash {
  const former = wholeHash(spec);
  return acceptedHashes?.has(former) ? former : specHash(spec);
}

type Spec = PodManifest["spec"];
type Container = Spec["containers"][number];

/** Kubernetes' defaults that depend on more than the object which they are in. */
function completedSpec(spec: Spec, nodeName: string): Spec {
  const completed = ({ ports, resources, ...container }: Container): Container => ({
    ...container,
    ...(ports === undefined ? {} : { ports: spec.hostNetwork === true ? ports.map(withHostPort) : ports }),
    resources: withRequests(resources),
  });
  const initContainers = spec.initContainers?.map(({ restartPolicy, ...container }) => ({
    ...completed(container),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  }));
  return {
    ...spec,
    nodeName,
    containers: spec.containers.map(completed),
    ...(initContainers === undefined ? {} : { initContainers }),
  };
}

/** On the host's network a port of the container is one of the host. */
function withHostPort(port: NonNullable<Container["ports"]>[number]): typeof port {
  return { hostPort: port.containerPort, ...port };
}

/** A limit is also the request where there is none. */
function withRequests({ limits, requests, ...resources }: Container["resources"]): Container["resources"] {
  const filled = { ...limits, ...requests };
  return {
    ...resources,
    ...(limits === undefined ? {} : { limits }),
    ...(Object.keys(filled).length === 0 ? {} : { requests: filled }),
  };
}
