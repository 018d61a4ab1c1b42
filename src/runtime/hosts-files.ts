// The text of a pod's /etc/hosts and /etc/resolv.conf where they are ours to write. Pure.

import type { HostAlias, PodSpec } from "../pod/pod.ts";
import { mergedResolver, type Resolver } from "../rkt/pod-options.ts";

/**
 * On the host's network the host's own, with the pod's aliases after it; in a network of its own only a pod with aliases gets one (kubelet
 * v1.5 kubelet_pods.go). Undefined: none of ours.
 */
export function hostsText(
  { hostNetwork, hostAliases }: Pick<PodSpec, "hostNetwork" | "hostAliases">,
  hostText: string,
): string | undefined {
  if (hostNetwork && hostAliases.length === 0) return hostText;
  if (hostNetwork)
    return `# Kubernetes-managed hosts file (host network).\n${withFinalNewline(hostText)}${aliasLines(hostAliases)}`;
  return hostAliases.length === 0 ? undefined : `${managedHosts}${aliasLines(hostAliases)}`;
}

const managedHosts = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

function aliasLines(aliases: readonly HostAlias[]): string {
  const lines = aliases.map(({ ip, hostnames }) => `${[ip, ...hostnames].join("\t")}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join("")}`;
}

function withFinalNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Only on the host's network, where it is the host's unless the pod says more: for a network of its own rkt gets options. */
export function resolverText(
  { hostNetwork, dns }: Pick<PodSpec, "hostNetwork" | "dns">,
  host: { readonly text: string; readonly resolver: Resolver },
): string | undefined {
  if (!hostNetwork) return undefined;
  const isPlain = [dns.nameservers, dns.searches, dns.options].every((list) => list.length === 0);
  if (dns.policy === "Default" && isPlain) return host.text;
  const { nameservers, searches, options } = mergedResolver(dns, host.resolver);
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
