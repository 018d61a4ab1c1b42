// The parts of a Pod that ask for nothing special, for tests to change one thing of.

import type { Probe } from "../src/pod/handler.ts";
import type { Container, EnvVar, LifeSettings, PodSpec } from "../src/pod/pod.ts";
import { containersStage } from "../src/pod/stage.ts";
import type { VolumeMount } from "../src/pod/volume.ts";
import type { Attempt } from "../src/reconcile/runtime.ts";

export const plainContainer: Container = {
  name: "main",
  image: "example.com/foo:1.0",
  imagePullPolicy: "IfNotPresent",
  command: [],
  args: [],
  env: [],
  envFrom: [],
  workingDir: "",
  ports: [],
  volumeMounts: [],
  resources: { cpu: undefined, memory: undefined, ephemeralStorage: undefined },
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
  livenessProbe: undefined,
  readinessProbe: undefined,
  startupProbe: undefined,
  postStart: undefined,
  preStop: undefined,
};

export const plainPodSpec: PodSpec = {
  initContainers: [],
  containers: [plainContainer],
  volumes: [],
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  activeDeadlineSeconds: undefined,
  priority: 0,
  hostNetwork: true,
  hostPID: false,
  hostIPC: false,
  hostname: "",
  subdomain: "",
  nodeName: "node",
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
};

export const plainLife: LifeSettings = {
  after: [],
  rollbackAfterMs: undefined,
  restartBackOff: { firstMs: 10_000, maxMs: 300_000 },
};

export const plainAttempt: Attempt = {
  restartCount: 0,
  backOffMs: 0,
  activeSinceMs: undefined,
  stage: containersStage,
  networkOf: undefined,
  after: [],
  before: [],
};

/** With Kubernetes' defaults. */
export const plainProbe: Probe = {
  handler: { kind: "tcpSocket", host: "", port: 80 },
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
  terminationGracePeriodSeconds: undefined,
};

export const plainMount: VolumeMount = {
  name: "data",
  mountPath: "/data",
  readOnly: false,
  subPath: "",
  subPathExpr: "",
  mountPropagation: "None",
};

export function envVar(name: string, value: string): EnvVar {
  return { name, source: { kind: "value", value } };
}
