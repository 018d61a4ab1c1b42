// What a pod may learn of itself, its machine and its containers' resources: the downward API. Pure.

import type { Container, Pod, ResourceField } from "../pod/pod.ts";
import { parseQuantity } from "../pod/quantity.ts";
import { allContainersOf } from "../pod/stage.ts";

/** The machine as the pods see it. */
export interface Machine {
  readonly hostIP: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/** Undefined: known only once the pod's network is up. A label or annotation that is not there is empty, as with the kubelet. */
export function fieldValue(pod: Pod, fieldPath: string, { hostIP }: Machine): string | undefined {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/s.exec(fieldPath) ?? [];
  if (key !== undefined) return pod[map === "labels" ? "labels" : "annotations"][key] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return pod.name;
    case "metadata.namespace":
      return pod.namespace;
    case "metadata.uid":
      return pod.uid;
    case "metadata.labels":
      return formatMap(pod.labels);
    case "metadata.annotations":
      return formatMap(pod.annotations);
    case "spec.nodeName":
      return pod.spec.nodeName;
    case "spec.serviceAccountName":
      return serviceAccountName(pod);
    case "status.hostIP":
    case "status.hostIPs":
      return hostIP;
    case "status.podIP":
    case "status.podIPs":
      return pod.spec.hostNetwork ? hostIP : undefined;
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** There are no accounts on a single machine, so nothing but this shows what was written. */
function serviceAccountName({ wire }: Pod): string {
  const spec = wire.spec as { readonly serviceAccountName?: string } | undefined;
  return spec?.serviceAccountName ?? "";
}

/** Lines of `key="value"`, as the kubelet writes them (pkg/fieldpath). */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${goQuote(map[key] ?? "")}`)
    .join("\n");
}

const goEscapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** Go's strconv.Quote, as far as it matters to who reads it back: control characters, quotes and backslashes. */
function goQuote(text: string): string {
  const quoted = text.replaceAll(/[\x00-\x1f\x7f"\\]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(2, "0");
    return goEscapes[character] ?? `\\x${code}`;
  });
  return `"${quoted}"`;
}

/** In units of the divisor, rounded up. A limit that is not given is what the machine has, a request 0. */
export function resourceValue(
  pod: Pod,
  field: Omit<ResourceField, "kind">,
  { asking, machine }: { readonly asking: Container | undefined; readonly machine: Machine },
): string {
  const { containerName, resource, divisorMilli } = field;
  const container =
    containerName === "" ? asking : allContainersOf(pod.spec).find(({ name }) => name === containerName);
  if (container === undefined) throw new Error(`container ${containerName} not found`);
  const [side, kind] = resource.split(".") as ["limits" | "requests", "cpu" | "memory"];
  const given = container.resources[kind]?.[side === "limits" ? "limit" : "request"];
  const quantity = given ? parseQuantity(given) : undefined;
  const machineMilli = BigInt(kind === "cpu" ? machine.cpuMilli : machine.memoryBytes * 1000);
  const notGiven = side === "limits" ? machineMilli : 0n;
  const milli = quantity?.problem === undefined ? (quantity?.milli ?? notGiven) : notGiven;
  const divisor = BigInt(divisorMilli);
  return String((milli + divisor - 1n) / divisor);
}
