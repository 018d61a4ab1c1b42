// How a pod is prepared and run: rkt's options beside the pod manifest. Pure.

import type { DnsSettings, HostAlias, Pod } from "../pod/pod.ts";
import type { RunPreparedOptions } from "./command-line.ts";
import { isPrivileged, type Stage1, stage1Of } from "./stage1.ts";
import { seLinuxOptionsOf } from "./unfulfilled.ts";

/** What a resolv.conf says. */
export interface Resolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PrepareMachine {
  readonly stage1: Stage1;
  /** Its SELinux policy labels overlays. */
  readonly isCoreOs: boolean;
}

export interface RunMachine {
  /** rkt's `--net` for pods that are not on the host's network. */
  readonly network: string;
  readonly resolver: Resolver;
  readonly isBuiltin: boolean;
}

/**
 * Throws PodManifestError for a stage1 that the pod may not have. `--no-overlay` is an option of prepare: the kubelet gave it to
 * run-prepared, and rkt 1.30 does not know it there.
 */
export function prepareOptions(
  pod: Pod,
  { stage1, isCoreOs }: PrepareMachine,
): { readonly stage1Name: string; readonly stage1Path: string; readonly noOverlay: boolean } {
  const { name, path } = stage1Of(pod, stage1);
  return {
    stage1Name: name,
    stage1Path: path,
    noOverlay: seLinuxOptionsOf(pod) !== undefined && !isCoreOs,
  };
}

/** On the host's network a pod has the host's name, and files of its own for the resolver. */
export function runPreparedOptions(
  pod: Pod,
  { network, resolver, isBuiltin }: RunMachine,
): RunPreparedOptions {
  const { hostNetwork, hostIPC, hostAliases, nodeName, dns } = pod.spec;
  const common = {
    allRun: isPrivileged(pod),
    // The engine is told by an annotation.
    ...(hostIPC && !isBuiltin ? { ipc: "parent" } : {}),
  };
  if (hostNetwork) return { ...common, net: "host", hostname: nodeName };
  const { nameservers, searches, options } = podResolver(dns, resolver);
  return {
    ...common,
    net: network,
    hostname: hostnameOf(pod),
    dns: nameservers,
    dnsSearch: searches,
    dnsOpt: options,
    // The engine adds the pod's own name, whose address only it knows. rkt 1.13 has no such option: there they are a file of ours.
    ...(isBuiltin ? { hostsEntries: hostAliases.flatMap(hostsEntriesOf) } : {}),
  };
}

function hostsEntriesOf({ ip, hostnames }: HostAlias): readonly string[] {
  return hostnames.map((name) => `${ip}=${name}`);
}

/** kubelet: what the pod says continues what the policy starts with, and of one option its word counts. */
export function mergedResolver({ policy, ...own }: DnsSettings, machine: Resolver): Resolver {
  const base = policy === "None" ? { nameservers: [], searches: [], options: [] } : machine;
  const nameservers = [...new Set([...base.nameservers, ...own.nameservers])];
  const searches = [...new Set([...base.searches, ...own.searches])];
  const options = new Map([...base.options, ...own.options].map((option) => [option.split(":")[0], option]));
  return { nameservers, searches, options: [...options.values()] };
}

/** kubelet v1.5 rkt.go: `ndots:5` with whatever servers it passes on. */
export function podResolver(dns: DnsSettings, machine: Resolver): Resolver {
  const merged = mergedResolver(dns, machine);
  const { nameservers, searches, options } = merged;
  const hasNdots = options.some((option) => option.split(":")[0] === "ndots");
  if (dns.policy === "None" || hasNdots || nameservers.length + searches.length === 0) return merged;
  return { nameservers, searches, options: [...options, "ndots:5"] };
}

/** What a host name can hold, and ends well (kubelet v1.5 kubelet_pods.go). */
function hostnameOf({ name, spec }: Pod): string {
  return spec.hostname === "" ? name.slice(0, 63).replace(/[-.]+$/, "") : spec.hostname;
}
