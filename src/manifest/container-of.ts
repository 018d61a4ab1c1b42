// The container that a complete wire form says.

import { prefixedCapability } from "../pod/capabilities.ts";
import type {
  Container,
  EnvFrom,
  EnvVar,
  InitContainer,
  Resource,
  Resources,
  SecurityContext,
} from "../pod/pod.ts";
import type { VolumeMount } from "../pod/volume.ts";
import { hookOf, probeOf } from "./handler-of.ts";
import { absoluteMountPath } from "./mount-path.ts";
import { resourceFieldOf, seLinuxOf, singleAddress } from "./pod-part-of.ts";
import type { PodManifest } from "./schema.ts";

type Spec = PodManifest["spec"];
type WireContainer = Spec["containers"][number];
type WireInitContainer = NonNullable<Spec["initContainers"]>[number];

export function initContainerOf(container: WireInitContainer, spec: Spec): InitContainer {
  return { ...containerOf(container, spec), isSidecar: container.restartPolicy === "Always" };
}

export function containerOf(container: WireContainer, spec: Spec): Container {
  const { ports, lifecycle } = container;
  return {
    name: container.name,
    image: container.image,
    imagePullPolicy: container.imagePullPolicy,
    command: container.command ?? [],
    args: container.args ?? [],
    env: container.env?.map((variable) => envVarOf(variable, spec)) ?? [],
    envFrom: container.envFrom?.flatMap(envFromOf) ?? [],
    workingDir: container.workingDir ?? "",
    ports:
      ports?.map(({ name, containerPort, hostPort, hostIP, protocol }) => ({
        name: name ?? "",
        containerPort,
        hostPort: hostPort ?? 0,
        hostIP: hostIP ?? "",
        protocol,
      })) ?? [],
    volumeMounts: container.volumeMounts?.map(mountOf) ?? [],
    resources: resourcesOf(container.resources),
    securityContext: securityOf(container.securityContext ?? {}, spec.securityContext),
    terminationMessagePath: absoluteMountPath(container.terminationMessagePath),
    terminationMessagePolicy: container.terminationMessagePolicy,
    livenessProbe: probeOf(container.livenessProbe, ports),
    readinessProbe: probeOf(container.readinessProbe, ports),
    startupProbe: probeOf(container.startupProbe, ports),
    postStart: hookOf(lifecycle?.postStart, ports),
    preStop: hookOf(lifecycle?.preStop, ports),
  };
}

function envVarOf(
  { name, value = "", valueFrom }: NonNullable<WireContainer["env"]>[number],
  { serviceAccountName }: Spec,
): EnvVar {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {};
  if (fieldRef?.fieldPath === "spec.serviceAccountName") {
    return { name, source: { kind: "value", value: serviceAccountName ?? "" } };
  }
  if (fieldRef !== undefined) {
    return { name, source: { kind: "field", fieldPath: singleAddress(fieldRef.fieldPath) } };
  }
  if (resourceFieldRef !== undefined) return { name, source: resourceFieldOf(resourceFieldRef) };
  const ref = configMapKeyRef ?? secretKeyRef;
  if (ref === undefined) return { name, source: { kind: "value", value } };
  const kind = configMapKeyRef === undefined ? "secretKey" : "configMapKey";
  return { name, source: { kind, name: ref.name, key: ref.key, optional: ref.optional ?? false } };
}

function envFromOf({
  prefix = "",
  configMapRef,
  secretRef,
}: NonNullable<WireContainer["envFrom"]>[number]): EnvFrom[] {
  const ref = configMapRef ?? secretRef;
  if (ref === undefined) return []; // has been reported
  const kind = configMapRef === undefined ? "secret" : "configMap";
  return [{ kind, name: ref.name, prefix, optional: ref.optional ?? false }];
}

function mountOf(mount: NonNullable<WireContainer["volumeMounts"]>[number]): VolumeMount {
  return {
    name: mount.name,
    mountPath: absoluteMountPath(mount.mountPath),
    readOnly: mount.readOnly ?? false,
    subPath: mount.subPath ?? "",
    subPathExpr: mount.subPathExpr ?? "",
    mountPropagation: mount.mountPropagation ?? "None",
  };
}

function resourcesOf({ limits, requests }: WireContainer["resources"]): Resources {
  const of = (name: "cpu" | "memory" | "ephemeral-storage"): Resource | undefined => {
    const [limit, request] = [limits?.[name], requests?.[name]];
    const either = limit ?? request;
    return either === undefined ? undefined : { request: request ?? either, limit: limit ?? either };
  };
  return { cpu: of("cpu"), memory: of("memory"), ephemeralStorage: of("ephemeral-storage") };
}

function securityOf(
  context: NonNullable<WireContainer["securityContext"]>,
  pod: Spec["securityContext"],
): SecurityContext {
  const privileged = context.privileged ?? false;
  const add = context.capabilities?.add?.map(prefixedCapability) ?? [];
  const drop = context.capabilities?.drop?.map(prefixedCapability) ?? [];
  return {
    runAsUser: context.runAsUser,
    runAsGroup: context.runAsGroup,
    runAsNonRoot: context.runAsNonRoot,
    privileged,
    readOnlyRootFilesystem: context.readOnlyRootFilesystem ?? false,
    allowPrivilegeEscalation: context.allowPrivilegeEscalation ?? true,
    capabilities: { add, drop },
    // Whoever may do everything has no filter either, whatever is asked for: Kubernetes' rule.
    seccompProfile: privileged ? "Unconfined" : (context.seccompProfile ?? pod.seccompProfile)?.type,
    seLinuxOptions: seLinuxOf(context.seLinuxOptions),
  };
}
