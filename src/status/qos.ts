// A Pod's quality of service class, by Kubernetes' rule (pkg/apis/core/v1/helper/qos, ComputePodQOS). Pure.
// Invariant: it is read from the manifest as written, as rkt gives a limit also to who has only a request.

import type { Container, PodSpec } from "kubernetes-types/core/v1";
import { parseQuantity } from "../pod/quantity.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const resources = ["cpu", "memory"] as const;

export function qosClass({ containers = [], initContainers = [] }: PodSpec): QosClass {
  const all = [...initContainers, ...containers];
  const amounts = all.flatMap((container) => resources.map((name) => amountsOf(container, name)));
  if (amounts.every(({ request, limit }) => request === 0n && limit === 0n)) return "BestEffort";
  return amounts.every(({ request, limit }) => limit > 0n && request === limit) ? "Guaranteed" : "Burstable";
}

/** A limit alone is a request too. */
function amountsOf({ resources: { requests, limits } = {} }: Container, name: (typeof resources)[number]) {
  const limit = milli(limits?.[name]);
  const request = requests?.[name] === undefined ? limit : milli(requests[name]);
  return { limit, request };
}

/** Of what Kubernetes would not accept, nothing. */
function milli(text: string | undefined): bigint {
  const parsed = parseQuantity(String(text ?? ""));
  return parsed.problem === undefined ? parsed.milli : 0n;
}
