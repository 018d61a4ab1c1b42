// The shapes of Kubernetes' own objects, as far as they are always given: what a manifest may say beyond that is described where they
// come from, https://kubernetes.io/docs/reference/kubernetes-api/. Closed is what is ours alone to tell.

import { count, flag, listOf, mapOf, object, openObject, text, time } from "./json-schema.ts";

const ofKind = (kind: string) => ({ kind: { const: kind }, apiVersion: { const: "v1" } });

const podMetadata = openObject(
  {
    name: text,
    namespace: text,
    uid: text,
    labels: mapOf(text),
    annotations: mapOf(text),
    deletionTimestamp: time,
  },
  ["labels", "annotations", "deletionTimestamp"],
);
const container = openObject({ name: text, image: text });
const podSpec = openObject({ containers: listOf(container), initContainers: listOf(container) }, [
  "initContainers",
]);

const terminated = object(
  { containerID: text, exitCode: count, reason: text, message: text, startedAt: time, finishedAt: time },
  ["message", "startedAt", "finishedAt"],
);

const containerStatus = object(
  {
    name: text,
    image: text,
    imageID: text,
    containerID: text,
    state: {
      oneOf: [
        object({ waiting: object({ reason: text, message: text }, ["message"]) }),
        object({ running: object({ startedAt: time }, ["startedAt"]) }),
        object({ terminated }),
      ],
    },
    lastState: object({ terminated }, ["terminated"]),
    ready: flag,
    started: flag,
    restartCount: count,
  },
  ["containerID"],
);

const condition = object(
  {
    type: text,
    status: { enum: ["True", "False", "Unknown"] },
    reason: text,
    message: text,
    lastTransitionTime: time,
  },
  ["reason", "message"],
);

const podStatus = object(
  {
    phase: { enum: ["Pending", "Running", "Succeeded", "Failed"] },
    reason: text,
    message: text,
    conditions: listOf(condition),
    hostIP: text,
    hostIPs: listOf(object({ ip: text })),
    podIP: text,
    podIPs: listOf(object({ ip: text })),
    startTime: time,
    initContainerStatuses: listOf(containerStatus),
    containerStatuses: listOf(containerStatus),
    qosClass: { enum: ["Guaranteed", "Burstable", "BestEffort"] },
  },
  ["reason", "message", "hostIP", "hostIPs", "podIP", "podIPs", "initContainerStatuses"],
);

const pod = object({ ...ofKind("Pod"), metadata: podMetadata, spec: podSpec, status: podStatus });

const listMetadata = object({ resourceVersion: text });

const runningPod = object({
  metadata: object({ name: text, namespace: text, uid: text }),
  spec: object({ containers: listOf(object({ name: text, image: text, resources: object({}) })) }),
  status: object({}),
});

const event = object({
  ...ofKind("Event"),
  metadata: object({
    name: text,
    namespace: text,
    uid: text,
    resourceVersion: text,
    creationTimestamp: time,
  }),
  involvedObject: object(
    {
      kind: { enum: ["Pod", "Node"] },
      namespace: text,
      name: text,
      uid: text,
      apiVersion: text,
      fieldPath: text,
    },
    ["namespace", "apiVersion", "fieldPath"],
  ),
  reason: text,
  message: text,
  source: object({ component: text, host: text }),
  firstTimestamp: time,
  lastTimestamp: time,
  count,
  type: { enum: ["Normal", "Warning"] },
  reportingComponent: text,
  reportingInstance: text,
});

const node = object({
  ...ofKind("Node"),
  metadata: object({ name: text }),
  status: object({
    capacity: mapOf(text),
    allocatable: mapOf(text),
    conditions: listOf(condition),
    addresses: listOf(object({ type: { enum: ["InternalIP", "Hostname"] }, address: text })),
    nodeInfo: object({
      machineID: text,
      systemUUID: text,
      bootID: text,
      kernelVersion: text,
      osImage: text,
      containerRuntimeVersion: text,
      kubeletVersion: text,
      kubeProxyVersion: text,
      operatingSystem: text,
      architecture: text,
    }),
  }),
});

export const kubernetesSchemas = {
  Pod: pod,
  PodList: object({ ...ofKind("PodList"), metadata: listMetadata, items: listOf(pod) }),
  RunningPodList: object({ ...ofKind("PodList"), metadata: object({}), items: listOf(runningPod) }),
  EventList: object({ ...ofKind("EventList"), metadata: listMetadata, items: listOf(event) }),
  Node: node,
} as const;
