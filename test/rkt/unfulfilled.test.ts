import { expect, test } from "bun:test";
import type { Container, PodSpec } from "../../src/pod/pod.ts";
import { unfulfilled } from "../../src/rkt/unfulfilled.ts";
import { plainContainer, plainMount } from "../plain-pod.ts";
import { podOf } from "./pod.ts";

const podIp: Container = {
  ...plainContainer,
  env: [
    { name: "A", source: { kind: "field", fieldPath: "metadata.name" } },
    { name: "B", source: { kind: "field", fieldPath: "status.podIP" } },
  ],
};
const propagating: Container = {
  ...plainContainer,
  volumeMounts: [plainMount, { ...plainMount, mountPath: "/b", mountPropagation: "Bidirectional" }],
};
const labelled: Container = {
  ...plainContainer,
  name: "labelled",
  securityContext: {
    ...plainContainer.securityContext,
    seLinuxOptions: { user: "", role: "", type: "spc_t", level: "" },
  },
};

test.each<[string, Partial<PodSpec>, { readonly rkt: string[]; readonly builtin: string[] }]>([
  ["nothing special", {}, { rkt: [], builtin: [] }],
  ["hostPID", { hostPID: true }, { rkt: ["spec.hostPID"], builtin: [] }],
  ["hostIPC, which rkt has", { hostIPC: true }, { rkt: [], builtin: [] }],
  [
    "mountPropagation",
    { containers: [plainContainer, propagating] },
    { rkt: ["spec.containers[1].volumeMounts[1].mountPropagation"], builtin: [] },
  ],
  [
    "its IP in a variable",
    { containers: [podIp] },
    { rkt: ["spec.containers[0].env[1].valueFrom.fieldRef"], builtin: [] },
  ],
  ["its IP, which is the machine's", { containers: [podIp], hostNetwork: true }, { rkt: [], builtin: [] }],
  ["one SELinux label", { containers: [labelled, labelled] }, { rkt: [], builtin: [] }],
  [
    "two SELinux labels",
    { containers: [labelled, plainContainer] },
    {
      rkt: ["spec.containers[1].securityContext.seLinuxOptions"],
      builtin: ["spec.containers[1].securityContext.seLinuxOptions"],
    },
  ],
])("%s", (_what, spec, { rkt, builtin }) => {
  const fields = (isBuiltin: boolean) =>
    unfulfilled(podOf({ spec }), { isBuiltin }).map(({ field }) => field);
  expect({ rkt: fields(false), builtin: fields(true) }).toEqual({ rkt, builtin });
});
