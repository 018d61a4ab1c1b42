// Kubernetes' v1.Pod (1.30) as data: every field has one row, which says whether gantry acts on it, what it may hold and what it
// is when left out. Invariant: a field that gantry does not act on is refused, or said to be ignored.

import type {
  HostAlias,
  LocalObjectReference,
  Pod,
  PodDNSConfig,
  PodDNSConfigOption,
  PodOS,
  PodSpec,
} from "kubernetes-types/core/v1.d.ts";
import type { ObjectMeta } from "kubernetes-types/meta/v1.d.ts";
import { container, initContainer } from "./container-schema.ts";
import {
  annotationKey,
  dnsLabel,
  dnsSubdomain,
  ipAddress,
  labelKey,
  labelValue,
  searchDomain,
  uidFormat,
} from "./format.ts";
import {
  anything,
  choice,
  defaulted,
  flag,
  givenInteger,
  ignored,
  integer,
  list,
  never,
  neverUnlessEmpty,
  notYetUnlessEmpty,
  optional,
  type RowsOf,
  required,
  struct,
  text,
  textMap,
  threeWayFlag,
  type ValueOf,
} from "./row.ts";
import { podSecurityContext } from "./security-schema.ts";
import { volume } from "./volume-schema.ts";

const apiServer = "it is written by an API server, and there is none";
const oneMachine = "there is one machine, and nothing to choose";
const noToken = "there is no API server, and so no account";

/** Of the classes that Kubernetes itself brings; others are objects of a cluster's. */
export const classPriorities: ReadonlyMap<string, number> = new Map([
  ["system-node-critical", 2_000_001_000],
  ["system-cluster-critical", 2_000_000_000],
]);

const dnsOption = struct({
  name: required(text()),
  value: optional(text()),
} satisfies RowsOf<PodDNSConfigOption>);

const dnsConfig = struct({
  nameservers: optional(list(text(ipAddress))),
  searches: optional(list(text(searchDomain))),
  options: optional(list(dnsOption)),
} satisfies RowsOf<PodDNSConfig>);

const hostAlias = struct({
  ip: required(text(ipAddress)),
  hostnames: optional(list(text(dnsSubdomain))),
} satisfies RowsOf<HostAlias>);

const spec = struct({
  containers: required(list(container, "name")),
  initContainers: optional(
    list(initContainer, "name"),
    "one after the other, before `spec.containers[]`, whose fields they have too",
  ),
  volumes: optional(list(volume, "name")),
  restartPolicy: defaulted(choice(["Always", "OnFailure", "Never"]), "Always"),
  terminationGracePeriodSeconds: defaulted(integer(), 30, "never less than 2"),
  hostNetwork: optional(flag),
  hostPID: optional(flag),
  hostIPC: optional(flag),
  hostname: optional(text(dnsLabel), "default: the pod's name, as far as the first 63 characters"),
  subdomain: optional(text(dnsLabel)),
  // Any value, as with the kubelet: the directory is this node's.
  nodeName: optional(text(), "overwritten by this node's name"),
  // A cluster's DNS is there for no pod, and then ClusterFirst is the host's: the kubelet's rule as well.
  dnsPolicy: defaulted(
    choice(["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    "ClusterFirst",
    "there being no cluster, all but `None` mean the machine's own",
  ),
  dnsConfig: optional(dnsConfig),
  hostAliases: optional(list(hostAlias)),
  securityContext: defaulted(podSecurityContext, {}),
  imagePullSecrets: optional(
    list(struct({ name: required(text(dnsSubdomain)) } satisfies RowsOf<LocalObjectReference>)),
    "Secrets of the type `kubernetes.io/dockerconfigjson`",
  ),
  os: optional(struct({ name: required(choice(["linux"])) } satisfies RowsOf<PodOS>)),
  activeDeadlineSeconds: optional(givenInteger(1, 2 ** 31 - 1), "since its first start"),
  priority: optional(
    integer(-(2 ** 31), 2 ** 31 - 1),
    "the least are evicted first; default: its class's, else 0",
    ({ priorityClassName }) => classPriorities.get(String(priorityClassName)),
  ),
  priorityClassName: optional(
    text(),
    "`system-node-critical`, `system-cluster-critical`; another only beside its `priority`",
  ),
  shareProcessNamespace: notYetUnlessEmpty,
  affinity: ignored(oneMachine, anything),
  nodeSelector: ignored(oneMachine, anything),
  overhead: ignored(oneMachine, anything),
  preemptionPolicy: ignored(oneMachine, text()),
  schedulerName: ignored(oneMachine, text()),
  tolerations: ignored(oneMachine, anything),
  topologySpreadConstraints: ignored(oneMachine, anything),
  automountServiceAccountToken: ignored(noToken, threeWayFlag),
  serviceAccount: ignored(noToken, text(dnsSubdomain)),
  serviceAccountName: ignored(noToken, text(dnsSubdomain)),
  enableServiceLinks: ignored("there are no Services", threeWayFlag),
  ephemeralContainers: neverUnlessEmpty("they are added to a running pod, by an API server"),
  hostUsers: never("user namespaces are not made"),
  readinessGates: neverUnlessEmpty("nobody would open the gate"),
  resourceClaims: neverUnlessEmpty("there are no devices to claim"),
  runtimeClassName: never("there is one runtime"),
  schedulingGates: neverUnlessEmpty("nobody would open the gate"),
  setHostnameAsFQDN: neverUnlessEmpty("there is no domain of a cluster"),
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
  finalizers: ignored("nobody would lift them", anything),
  generateName: ignored("the name is the pod's own", text()),
  generation: never(apiServer),
  managedFields: neverUnlessEmpty(apiServer),
  ownerReferences: ignored("who owns the pod is not here", anything),
  resourceVersion: neverUnlessEmpty(apiServer),
  selfLink: neverUnlessEmpty(apiServer),
} satisfies RowsOf<ObjectMeta>);

export const podSchema = struct({
  // Defaulted for the items of a PodList, which leave them out; decode.ts has asked everything else for them.
  apiVersion: defaulted(choice(["v1"]), "v1"),
  kind: defaulted(choice(["Pod"]), "Pod"),
  metadata: required(metadata),
  spec: required(spec),
  status: neverUnlessEmpty("it is what gantry reports"),
} satisfies RowsOf<Pod>);

/** A decoded Pod manifest with its defaults. */
export type PodManifest = ValueOf<typeof podSchema>;
