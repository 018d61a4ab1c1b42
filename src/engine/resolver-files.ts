// /etc/resolv.conf, /etc/hosts and /etc/hostname of a pod, where the caller or its network has something to say in them.

import { readFileSync, writeFileSync } from "node:fs";
import type { ParsedFlags } from "./command-line.ts";
import { EngineError } from "./engine-error.ts";
import type { BindMount } from "./mounts.ts";
import type { NetworkDns } from "./network/cni-result.ts";
import type { PodNetwork } from "./network/pod-network.ts";
import type { Pod } from "./pod.ts";

/** In the pod's directory. */
const hostnameFile = "hostname";

/** Written into the pod's directory; the mounts that put them in place. */
export function writeResolverFiles(pod: Pod, flags: ParsedFlags, network: PodNetwork): readonly BindMount[] {
  const hostname = flags.text("hostname");
  const files: [name: string, text: string | undefined][] = [
    ["resolv.conf", resolvConf(flags) ?? (network.dns && resolvConfOf(network.dns))],
    ["hosts", hosts(flags, network.ip === "" ? undefined : hostname, network.ip)],
    [hostnameFile, hostname === undefined ? undefined : `${hostname}\n`],
  ];
  return files.flatMap(([name, text]) => {
    if (text === undefined) return [];
    const source = `${pod.path}/${name}`;
    writeFileSync(source, text);
    // In the host's network the host's name is the pod's.
    if (name === hostnameFile && network.namespace === undefined) return [];
    return [{ source, path: `/etc/${name}`, readOnly: false, recursive: false }];
  });
}

function resolvConf(flags: ParsedFlags): string | undefined {
  const servers = flags.list("dns");
  if (servers.includes("none")) return undefined;
  if (servers.includes("host")) return readFileSync("/etc/resolv.conf", "utf8");
  return resolvConfOf({
    nameservers: servers,
    domain: flags.text("dns-domain"),
    search: flags.list("dns-search"),
    options: flags.list("dns-opt"),
  });
}

/** Undefined if it would be empty. */
function resolvConfOf({ nameservers, domain, search, options }: NetworkDns): string | undefined {
  const lines = [
    ...(domain === undefined ? [] : [`domain ${domain}`]),
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
  ];
  return lines.length === 0 ? undefined : `${lines.join("\n")}\n`;
}

/** The pod's own name, and `--hosts-entry=ADDRESS=NAME`; or `--hosts-entry=host` for the host's own file. */
function hosts(flags: ParsedFlags, hostname: string | undefined, ip: string): string | undefined {
  const entries = flags.list("hosts-entry");
  if (entries.includes("host")) return readFileSync("/etc/hosts", "utf8");
  const lines = entries.map((entry) => {
    const [address, name] = entry.split("=");
    if (!address || !name)
      throw new EngineError(`invalid --hosts-entry ${JSON.stringify(entry)}, ADDRESS=NAME is needed`);
    return `${address} ${name}`;
  });
  if (hostname !== undefined) lines.unshift(`${ip} ${hostname}`);
  if (lines.length === 0) return undefined;
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n${lines.join("\n")}\n`;
}
