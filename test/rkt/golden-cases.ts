// A Pod for each rule of the translation, with what runtime/ has resolved for it, and the image that it runs: one of three kinds.

import { appUnitName, podUnitName, type RktUuid } from "../../src/pod/names.ts";
import type { Container, Pod, PodSpec, SecurityContext } from "../../src/pod/pod.ts";
import type { Stage } from "../../src/pod/stage.ts";
import type { Attempt } from "../../src/reconcile/runtime.ts";
import type { AppcImageManifest } from "../../src/rkt/appc.ts";
import type { ResolvedVariable } from "../../src/rkt/environment.ts";
import type { ResolvedMount } from "../../src/rkt/mounts.ts";
import { stage1Annotation } from "../../src/rkt/stage1.ts";
import type { UnitOrder } from "../../src/systemd/pod-unit.ts";
import { plainContainer, plainPodSpec } from "../plain-pod.ts";
import { mount, variable } from "./resolved.ts";

export interface GoldenCase {
  readonly image?: AppcImageManifest;
  readonly container?: Partial<Container>;
  readonly securityContext?: Partial<SecurityContext>;
  readonly spec?: Partial<PodSpec>;
  readonly annotations?: Pod["annotations"];
  readonly mounts?: readonly ResolvedMount[];
  readonly variables?: readonly ResolvedVariable[];
  readonly isBuiltin?: boolean;
  readonly attempt?: Partial<Attempt>;
  readonly order?: UnitOrder;
}

/** The kubelet's TestSetApp has it. */
const plainAci: AppcImageManifest = {
  acKind: "ImageManifest",
  acVersion: "0.8.11",
  name: "example.com/foo",
  labels: [{ name: "version", value: "1.0" }],
  app: {
    exec: ["/bin/foo", "bar"],
    user: "7",
    group: "8",
    supplementaryGIDs: [4, 5, 6],
    workingDirectory: "/foo",
    environment: [
      { name: "PATH", value: "/bin" },
      { name: "LEVEL", value: "info" },
    ],
    mountPoints: [{ name: "logs", path: "/var/log/foo", readOnly: false }],
    ports: [{ name: "web-http", protocol: "TCP", port: 4242 }],
    isolators: [
      { name: "os/linux/capabilities-retain-set", value: { set: ["CAP_SYS_ADMIN"] } },
      { name: "resource/memory", value: { request: "10M", limit: "20M" } },
    ],
  },
};

/** As rkt's converter makes them. */
export const fromDocker: AppcImageManifest = {
  acKind: "ImageManifest",
  acVersion: "0.8.11",
  name: "registry-1.docker.io/library/nginx",
  labels: [{ name: "version", value: "1.25" }],
  app: {
    exec: ["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"],
    user: "0",
    group: "0",
    environment: [{ name: "NGINX_VERSION", value: "1.25" }],
    mountPoints: [],
    ports: [{ name: "80-tcp", protocol: "tcp", port: 80 }],
  },
  annotations: [
    { name: "appc.io/docker/registryurl", value: "registry-1.docker.io" },
    { name: "appc.io/docker/repository", value: "library/nginx" },
    { name: "appc.io/docker/entrypoint", value: '["/docker-entrypoint.sh"]' },
    { name: "appc.io/docker/cmd", value: '["nginx","-g","daemon off;"]' },
  ],
};

const withoutApp: AppcImageManifest = {
  acKind: "ImageManifest",
  acVersion: "0.8.11",
  name: "example.com/data",
};

const privileged = { ...plainContainer.securityContext, privileged: true };
const dns = {
  ...plainPodSpec.dns,
  nameservers: ["10.0.0.10"],
  searches: ["svc.local"],
  options: ["ndots:2"],
};

/** By the name of the rule, and of its files in golden/. */
const port = { name: "", containerPort: 80, hostPort: 8080, hostIP: "", protocol: "TCP" as const };
const setUp = { ...plainContainer, name: "set-up", isSidecar: false };
const proxy = { ...plainContainer, name: "proxy", isSidecar: true, ports: [port] };
const initStage: Stage = { kind: "init", container: "set-up" };
const sidecarStage: Stage = { kind: "sidecar", container: "proxy" };
const other = "00000000-0000-4000-8000-000000000001" as RktUuid;
const another = "00000000-0000-4000-8000-000000000002" as RktUuid;

export const goldenCases: Readonly<Record<string, GoldenCase>> = {
  "image-plain-aci": {},
  "image-from-docker": { image: fromDocker },
  "image-without-app": { image: withoutApp, container: { command: ["/bin/true"] } },

  "exec-command": {
    image: fromDocker,
    container: { command: ["/bin/sh", "-c"], args: ["echo $(A) $$(A) $(B)"] },
    variables: [variable("A", "a")],
  },
  "exec-command-alone-drops-cmd": { image: fromDocker, container: { command: ["/bin/sh"] } },
  "exec-args-replace-cmd": { image: fromDocker, container: { args: ["nginx", "-v"] } },
  "exec-args-replace-exec-of-plain-aci": { container: { args: ["/bin/baz"] } },
  "exec-text-that-systemd-knows": {
    container: { command: ["/bin/date", "+%s", "$HOME", '"quoted"', "a\\b", "-x", "ü"], workingDir: "/w d" },
    isBuiltin: true,
  },
  "exec-percent-of-a-real-rkt": { container: { command: ["/bin/date", "+%s"] } },

  environment: {
    variables: [
      { name: "FROM_SECRET", value: "$(LEVEL)", isLiteral: true },
      variable("LEVEL", "debug"),
      variable("URL", "http://$(HOST)/$(LEVEL)/$(FROM_SECRET)"),
    ],
  },
  "environment-pod-ip": {
    container: { command: ["/bin/foo"], args: ["--listen=$(POD_IP):80"] },
    variables: [{ name: "POD_IP", value: undefined, isLiteral: true }, variable("LISTEN", "$(POD_IP):80")],
    isBuiltin: true,
  },
  "working-directory": { container: { workingDir: "/srv" } },

  mounts: {
    mounts: [
      mount("/srv/logs", "/var/log/foo"),
      mount("/srv/data", "/data", { readOnly: true }),
      mount("/srv/data", "/again", { readOnly: true }),
    ],
  },
  "mount-propagation": {
    mounts: [mount("/mnt", "/mnt", { propagation: "HostToContainer" }), mount("/srv", "/srv")],
    isBuiltin: true,
  },
  ports: {
    container: {
      ports: [
        { name: "http", containerPort: 80, hostPort: 8080, hostIP: "", protocol: "TCP" },
        { name: "", containerPort: 53, hostPort: 53, hostIP: "127.0.0.1", protocol: "UDP" },
        { name: "inside", containerPort: 9090, hostPort: 0, hostIP: "", protocol: "TCP" },
      ],
    },
  },

  user: {
    securityContext: { runAsUser: 1000, runAsGroup: 2000, runAsNonRoot: true },
    spec: {
      securityContext: {
        ...plainPodSpec.securityContext,
        runAsUser: 1,
        supplementalGroups: [3, 4],
        fsGroup: 5,
      },
    },
  },
  capabilities: {
    securityContext: { capabilities: { add: ["CAP_NET_ADMIN"], drop: ["CAP_MKNOD", "CAP_KILL"] } },
  },
  "capabilities-all-dropped": { securityContext: { capabilities: { add: [], drop: ["ALL"] } } },
  privileged: { securityContext: { privileged: true }, isBuiltin: true },
  "privileged-by-a-real-rkt": { securityContext: { privileged: true } },
  "one-of-two-privileged": {
    spec: {
      containers: [plainContainer, { ...plainContainer, name: "root", securityContext: privileged }],
    },
  },
  "seccomp-runtime-default": { securityContext: { seccompProfile: "RuntimeDefault" } },
  "seccomp-unconfined": { securityContext: { seccompProfile: "Unconfined" } },
  "no-new-privileges": { securityContext: { allowPrivilegeEscalation: false } },
  "read-only-root": { securityContext: { readOnlyRootFilesystem: true } },
  resources: {
    container: {
      resources: {
        ...plainContainer.resources,
        cpu: { request: "0.5", limit: "1.5" },
        memory: { request: "0.5Gi", limit: "1024Mi" },
      },
    },
  },

  "host-network": { spec: { hostNetwork: true, dns } },
  dns: { spec: { dns } },
  "dns-none": { spec: { dns: { ...dns, policy: "None" } } },
  hostname: { spec: { hostname: "db" } },
  "host-namespaces": { spec: { hostPID: true, hostIPC: true }, isBuiltin: true },
  "host-ipc-by-a-real-rkt": { spec: { hostIPC: true } },
  "grace-period": { spec: { terminationGracePeriodSeconds: 0 } },
  "termination-message": {
    container: { terminationMessagePath: "/dev/message" },
    mounts: [mount("/var/lib/gantry/pods/u/containers/main/0", "/dev/message")],
  },
  selinux: {
    spec: {
      securityContext: {
        ...plainPodSpec.securityContext,
        seLinuxOptions: { user: "", role: "", type: "spc_t", level: "s0:c7" },
      },
    },
  },
  "stage1-override": {
    securityContext: { privileged: true },
    annotations: { [stage1Annotation]: "coreos.com/rkt/stage1-fly" },
  },

  "stage-init": { spec: { initContainers: [setUp, proxy] }, attempt: { stage: initStage } },
  "stage-sidecar-owns-the-network": {
    spec: { initContainers: [setUp, proxy] },
    attempt: { stage: sidecarStage },
    isBuiltin: true,
  },
  "stage-containers-join-the-network": {
    spec: { initContainers: [setUp, proxy] },
    attempt: { networkOf: other },
    order: { after: [podUnitName(other), appUnitName(other, "proxy")], before: [] },
    isBuiltin: true,
  },
  "order-of-units": {
    order: { after: [podUnitName(other)], before: [podUnitName(another)] },
  },
};

export const defaultImage = plainAci;
