// The Pod that a complete wire form says: what was left out becomes what Kubernetes takes it for.

import type { JsonObject } from "../pod/json.ts";
import type { DnsSettings, Pod, PodSecurityContext } from "../pod/pod.ts";
import { containerOf, initContainerOf } from "./container-of.ts";
import { lifeOf } from "./life-of.ts";
import { seLinuxOf } from "./pod-part-of.ts";
import type { PodManifest } from "./schema.ts";
import { volumeOf } from "./volume-of.ts";

type Spec = PodManifest["spec"];

export function podOf(wire: PodManifest, known: Pick<Pod, "uid" | "specHash" | "source">): Pod {
  const { metadata, spec } = wire;
  return {
    ...known,
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    spec: {
      initContainers: spec.initContainers?.map((container) => initContainerOf(container, spec)) ?? [],
      containers: spec.containers.map((container) => containerOf(container, spec)),
      volumes: spec.volumes?.map(volumeOf) ?? [],
      restartPolicy: spec.restartPolicy,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
      activeDeadlineSeconds: spec.activeDeadlineSeconds,
      priority: spec.priority ?? 0,
      hostNetwork: spec.hostNetwork ?? false,
      hostPID: spec.hostPID ?? false,
      hostIPC: spec.hostIPC ?? false,
      hostname: spec.hostname ?? "",
      subdomain: spec.subdomain ?? "",
      nodeName: spec.nodeName ?? "",
      dns: dnsOf(spec),
      hostAliases: spec.hostAliases?.map(({ ip, hostnames }) => ({ ip, hostnames: hostnames ?? [] })) ?? [],
      securityContext: securityOf(spec.securityContext),
      imagePullSecrets: spec.imagePullSecrets?.map(({ name }) => name) ?? [],
    },
    life: lifeOf(wire),
    wire: wire as unknown as JsonObject, // an interface has no index signature; it was JSON before it was typed
  };
}

function dnsOf({ dnsPolicy, dnsConfig }: Spec): DnsSettings {
  return {
    policy: dnsPolicy === "None" ? "None" : "Default",
    nameservers: dnsConfig?.nameservers ?? [],
    searches: dnsConfig?.searches ?? [],
    options:
      dnsConfig?.options?.map(({ name, value }) => (value === undefined ? name : `${name}:${value}`)) ?? [],
  };
}

function securityOf(context: Spec["securityContext"]): PodSecurityContext {
  return {
    runAsUser: context.runAsUser,
    runAsGroup: context.runAsGroup,
    runAsNonRoot: context.runAsNonRoot ?? false,
    supplementalGroups: context.supplementalGroups,
    fsGroup: context.fsGroup,
    fsGroupChangePolicy: context.fsGroupChangePolicy ?? "Always",
    seLinuxOptions: seLinuxOf(context.seLinuxOptions),
  };
}
