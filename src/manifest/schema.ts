// Kubernetes' v1.Pod (1.30) as data: every field has one row, which says whether gantry acts on it, what it may hold and what it
// is when left out. Invariant: a field that gantry does not act on is refused, never ignored.

import type {
  ContainerPort,
  EmptyDirVolumeSource,
  EnvVar,
  HostPathVolumeSource,
  Container as KubernetesContainer,
  Pod,
  PodSpec,
  Volume,
  VolumeMount,
} from "kubernetes-types/core/v1.d.ts";
import type { ObjectMeta } from "kubernetes-types/meta/v1.d.ts";
import type { JsonObject } from "../pod/json.ts";
import {
  absolutePath,
  annotationKey,
  dnsLabel,
  environmentName,
  ipAddress,
  labelKey,
  labelValue,
  noDoubleDash,
  noOuterSpace,
  noParentSteps,
  portName,
  uidFormat,
} from "./format.ts";
import {
  choice,
  defaulted,
  flag,
  integer,
  list,
  never,
  neverUnlessEmpty,
  notYet,
  notYetUnlessEmpty,
  optional,
  type RowsOf,
  required,
  struct,
  text,
  textMap,
  type ValueOf,
} from "./row.ts";

const apiServer = "it is written by an API server, and there is none";
const cloud = "it needs a cluster's storage";
const removed = "Kubernetes itself has removed it";

const env = struct({
  name: required(text(environmentName)),
  value: optional(text(), "`$(VAR)` is expanded"),
  valueFrom: notYet,
} satisfies RowsOf<EnvVar>);

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
  mountPropagation: notYet,
  recursiveReadOnly: notYet,
  subPath: notYet,
  subPathExpr: notYet,
} satisfies RowsOf<VolumeMount>);

const container = struct({
  name: required(text(dnsLabel, noDoubleDash)),
  image: required(text(noOuterSpace), "`example.com/app:1.0`, `docker://…`, a URL or a path of an ACI file"),
  imagePullPolicy: defaulted(
    choice(["Always", "IfNotPresent", "Never"]),
    pullPolicyOfImage,
    "default: `Always` for the tag `latest` or none, else `IfNotPresent`",
  ),
  command: optional(list(text()), "replaces the image's ENTRYPOINT and CMD; `$(VAR)` is expanded"),
  args: optional(list(text()), "replaces the image's CMD; `$(VAR)` is expanded"),
  env: optional(list(env)),
  workingDir: optional(text(absolutePath)),
  ports: optional(list(port, "name")),
  volumeMounts: optional(list(volumeMount)),
  envFrom: notYet,
  lifecycle: notYet,
  livenessProbe: notYet,
  readinessProbe: notYet,
  resizePolicy: notYet,
  resources: notYetUnlessEmpty,
  restartPolicy: notYet,
  securityContext: notYetUnlessEmpty,
  startupProbe: notYet,
  stdin: notYet,
  stdinOnce: notYet,
  terminationMessagePath: notYet,
  terminationMessagePolicy: notYet,
  tty: notYet,
  volumeDevices: notYet,
} satisfies RowsOf<KubernetesContainer>);

const hostPath = struct({
  // Kubernetes takes a relative path. It would be relative to the daemon's own directory, which nobody means; rkt refuses it, late.
  path: required(text(absolutePath, noParentSteps)),
  type: notYetUnlessEmpty,
} satisfies RowsOf<HostPathVolumeSource>);

const emptyDir = struct({
  medium: notYetUnlessEmpty,
  sizeLimit: notYet,
} satisfies RowsOf<EmptyDirVolumeSource>);

const volume = struct({
  name: required(text(dnsLabel)),
  hostPath: optional(hostPath),
  emptyDir: optional(emptyDir, "what a volume without a source is", ({ hostPath }) =>
    hostPath === undefined ? {} : undefined,
  ),
  configMap: notYet,
  downwardAPI: notYet,
  projected: notYet,
  secret: notYet,
  awsElasticBlockStore: never(cloud),
  azureDisk: never(cloud),
  azureFile: never(cloud),
  cephfs: never(cloud),
  cinder: never(cloud),
  csi: never(cloud),
  ephemeral: never(cloud),
  fc: never(cloud),
  flexVolume: never(cloud),
  flocker: never(cloud),
  gcePersistentDisk: never(cloud),
  gitRepo: never(removed),
  glusterfs: never(cloud),
  iscsi: never(cloud),
  nfs: never("mount it on the machine and use hostPath"),
  persistentVolumeClaim: never(cloud),
  photonPersistentDisk: never(cloud),
  portworxVolume: never(cloud),
  quobyte: never(cloud),
  rbd: never(cloud),
  scaleIO: never(cloud),
  storageos: never(cloud),
  vsphereVolume: never(cloud),
} satisfies RowsOf<Volume>);

const spec = struct({
  containers: required(list(container, "name")),
  volumes: optional(list(volume, "name")),
  restartPolicy: defaulted(choice(["Always", "OnFailure", "Never"]), "Always"),
  terminationGracePeriodSeconds: defaulted(integer(), 30, "never less than 2"),
  hostNetwork: optional(flag),
  // Any value, as with the kubelet: the directory is this node's.
  nodeName: optional(text(), "overwritten by this node's name"),
  // A cluster's DNS is there for no pod, and then ClusterFirst is the host's: the kubelet's rule as well.
  dnsPolicy: defaulted(
    choice(["ClusterFirst"], ["ClusterFirstWithHostNet", "Default", "None"]),
    "ClusterFirst",
  ),
  activeDeadlineSeconds: notYet,
  affinity: notYet,
  automountServiceAccountToken: notYet,
  dnsConfig: notYet,
  enableServiceLinks: notYet,
  ephemeralContainers: never("they are added to a running pod, by an API server"),
  hostAliases: notYet,
  hostIPC: notYet,
  hostPID: notYet,
  hostUsers: notYet,
  hostname: notYet,
  imagePullSecrets: notYet,
  initContainers: notYet,
  nodeSelector: notYet,
  os: notYet,
  overhead: notYet,
  preemptionPolicy: notYet,
  priority: notYet,
  priorityClassName: notYet,
  readinessGates: notYet,
  resourceClaims: notYet,
  runtimeClassName: notYet,
  schedulerName: notYet,
  schedulingGates: notYet,
  securityContext: notYetUnlessEmpty,
  serviceAccount: notYet,
  serviceAccountName: notYet,
  setHostnameAsFQDN: notYet,
  shareProcessNamespace: notYet,
  subdomain: notYet,
  tolerations: notYet,
  topologySpreadConstraints: notYet,
} satisfies RowsOf<PodSpec>);

const metadata = struct({
  // Its form is checked in convert.ts, with the node's name at its end.
  name: required(text(), "`-<node name>` is added"),
  namespace: defaulted(text(dnsLabel), "default"),
  labels: optional(textMap(labelKey, labelValue)),
  annotations: optional(
    textMap(annotationKey, () => undefined),
    "`kubernetes.io/config.*` are overwritten",
  ),
  uid: optional(text(uidFormat), "default: the md5 of node, file and content"),
  creationTimestamp: neverUnlessEmpty(apiServer),
  deletionGracePeriodSeconds: never(apiServer),
  deletionTimestamp: never(apiServer),
  finalizers: notYet,
  generateName: notYet,
  generation: never(apiServer),
  managedFields: never(apiServer),
  ownerReferences: notYet,
  resourceVersion: neverUnlessEmpty(apiServer),
  selfLink: neverUnlessEmpty(apiServer),
} satisfies RowsOf<ObjectMeta>);

export const podSchema = struct({
  // Defaulted for the items of a PodList, which leave them out; document.ts has asked everything else for them.
  apiVersion: defaulted(choice(["v1"]), "v1"),
  kind: defaulted(choice(["Pod"]), "Pod"),
  metadata: required(metadata),
  spec: required(spec),
  status: neverUnlessEmpty("it is what gantry reports"),
} satisfies RowsOf<Pod>);

/** A decoded Pod manifest with its defaults. */
export type PodManifest = ValueOf<typeof podSchema>;

/** Kubernetes' rule: a digest pins the image, a tag other than `latest` is taken to. */
function pullPolicyOfImage({ image }: JsonObject): string {
  const last = String(image).split("/").at(-1) ?? "";
  if (last.includes("@")) return "IfNotPresent";
  const tag = last.includes(":") ? last.slice(last.lastIndexOf(":") + 1) : "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}
