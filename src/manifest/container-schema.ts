// Rows of a container.

import type {
  ContainerPort,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  Container as KubernetesContainer,
  ResourceRequirements,
  SecretEnvSource,
  VolumeMount,
} from "kubernetes-types/core/v1.d.ts";
import type { JsonObject } from "../pod/json.ts";
import {
  absolutePath,
  dnsLabel,
  dnsSubdomain,
  environmentName,
  ipAddress,
  noDoubleDash,
  noOuterSpace,
  noParentSteps,
  portName,
  relativePath,
} from "./format.ts";
import { lifecycle, probe } from "./handler-schema.ts";
import { environmentField, keyOf, resourceField } from "./reference-schema.ts";
import {
  anything,
  choice,
  defaulted,
  flag,
  ignored,
  integer,
  list,
  never,
  neverUnlessEmpty,
  notYetUnlessEmpty,
  optional,
  quantity,
  type RowsOf,
  required,
  settings,
  struct,
  text,
} from "./row.ts";
import { containerSecurityContext } from "./security-schema.ts";

const valueFrom = struct({
  fieldRef: optional(environmentField),
  resourceFieldRef: optional(resourceField),
  configMapKeyRef: optional(keyOf),
  secretKeyRef: optional(keyOf),
} satisfies RowsOf<EnvVarSource>);

const env = struct({
  name: required(text(environmentName)),
  value: optional(text(), "`$(VAR)` is expanded"),
  valueFrom: optional(valueFrom),
} satisfies RowsOf<EnvVar>);

const wholeObject = struct({
  name: required(text(dnsSubdomain)),
  optional: optional(flag),
} satisfies RowsOf<SecretEnvSource>);

const envFrom = struct({
  prefix: optional(text(environmentName)),
  configMapRef: optional(wholeObject),
  secretRef: optional(wholeObject),
} satisfies RowsOf<EnvFromSource>);

const port = struct({
  name: optional(text(portName)),
  containerPort: required(integer(1, 65535)),
  hostPort: optional(
    integer(1, 65535),
    "with `hostNetwork` the same as `containerPort`, and that when left out",
  ),
  hostIP: optional(text(ipAddress)),
  protocol: defaulted(choice(["TCP", "UDP", "SCTP"]), "TCP"),
} satisfies RowsOf<ContainerPort>);

const volumeMount = struct({
  name: required(text()),
  mountPath: required(text(noParentSteps), "a relative path starts at `/`"),
  readOnly: optional(flag),
  subPath: optional(text(relativePath, noParentSteps)),
  subPathExpr: optional(text(relativePath, noParentSteps), "`$(VAR)` is expanded"),
  mountPropagation: optional(
    choice(["None", "HostToContainer", "Bidirectional"]),
    "default: `None`; `Bidirectional` only of a privileged container",
  ),
  recursiveReadOnly: optional(choice(["Disabled"], ["IfPossible", "Enabled"])),
} satisfies RowsOf<VolumeMount>);

const amounts = struct(
  {
    cpu: optional(quantity),
    memory: optional(quantity),
    "ephemeral-storage": optional(
      quantity,
      "a pod that writes more is evicted, and the request counts in their order",
    ),
  },
  never("only cpu, memory and ephemeral-storage are resources here"),
);

const resources = settings({
  limits: optional(amounts),
  requests: optional(amounts, "what is left out is the limit"),
  claims: neverUnlessEmpty("there are no devices to claim"),
} satisfies RowsOf<ResourceRequirements>);

const containerRows = {
  name: required(text(dnsLabel, noDoubleDash)),
  image: required(
    text(noOuterSpace),
    "`example.com/app:1.0`, `docker://…`, a URL or a path of an ACI file, `oci:PATH`, `oci-archive:PATH`, `docker-archive:PATH`",
  ),
  imagePullPolicy: defaulted(
    choice(["Always", "IfNotPresent", "Never"]),
    pullPolicyOfImage,
    "default: `Always` for the tag `latest` or none, else `IfNotPresent`",
  ),
  command: optional(list(text()), "replaces the image's ENTRYPOINT and CMD; `$(VAR)` is expanded"),
  args: optional(list(text()), "replaces the image's CMD; `$(VAR)` is expanded"),
  env: optional(list(env)),
  envFrom: optional(list(envFrom)),
  workingDir: optional(text(absolutePath)),
  ports: optional(list(port, "name")),
  volumeMounts: optional(list(volumeMount)),
  resources: defaulted(resources, {}),
  securityContext: optional(containerSecurityContext),
  terminationMessagePath: defaulted(text(noParentSteps), "/dev/termination-log"),
  terminationMessagePolicy: defaulted(choice(["File", "FallbackToLogsOnError"]), "File"),
  livenessProbe: optional(probe),
  readinessProbe: optional(probe),
  startupProbe: optional(probe),
  lifecycle: optional(lifecycle),
  stdin: notYetUnlessEmpty,
  stdinOnce: notYetUnlessEmpty,
  tty: notYetUnlessEmpty,
  resizePolicy: ignored("nothing is resized in place", anything),
  restartPolicy: neverUnlessEmpty("it is for init containers"),
  volumeDevices: neverUnlessEmpty("it needs a cluster's storage"),
} satisfies RowsOf<KubernetesContainer>;

export const container = struct(containerRows);

export const initContainer = struct({
  ...containerRows,
  restartPolicy: optional(
    choice(["Always"]),
    "a sidecar: it is not waited for to end, and only then may have probes and a `lifecycle`",
  ),
} satisfies RowsOf<KubernetesContainer>);

/** Kubernetes' rule: a digest pins the image, a tag other than `latest` is taken to. */
function pullPolicyOfImage({ image }: JsonObject): string {
  const last = String(image).split("/").at(-1) ?? "";
  if (last.includes("@")) return "IfNotPresent";
  const tag = last.includes(":") ? last.slice(last.lastIndexOf(":") + 1) : "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}
