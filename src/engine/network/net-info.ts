// The networks of a pod as `list` and `status` tell them, in rkt's words. They stay after the pod's end.

import type { Pod } from "../pod.ts";
import type { Attachment } from "./attachment.ts";
import { addressesOf, netmask } from "./cni-result.ts";
import { findPlugin } from "./plugin.ts";

export interface NetInfo {
  readonly netName: string;
  readonly netConf: string;
  /** Of its first plugin. */
  readonly pluginPath: string;
  readonly ifName: string;
  readonly ip: string;
  readonly args: string;
  readonly mask: string;
}

/** In the pod's directory, as with rkt. */
export const netInfoFile = "net-info.json";

export function toNetInfo({ config, source, ifName, args, result }: Attachment): NetInfo {
  const [address] = result === undefined ? [] : addressesOf(result);
  return {
    netName: config.name,
    netConf: source,
    pluginPath: findPlugin(config.plugins[0]?.type ?? "") ?? "",
    ifName,
    ip: address?.ip ?? "",
    args,
    mask: address === undefined ? "" : netmask(address),
  };
}

/** Empty for a pod in the host's network, for one that has not been started, and for one that a crash of the machine has ended just then. */
export function readNetInfo(pod: Pod): readonly NetInfo[] {
  const text = pod.read(netInfoFile) ?? "";
  return text === "" ? [] : (JSON.parse(text) as NetInfo[]);
}

/** Empty if it has none. */
export function podIp(networks: readonly NetInfo[]): string {
  return networks.find(({ ip }) => ip !== "")?.ip ?? "";
}

/** `default:ip4=172.16.28.2, other:ip4=10.1.0.2`. */
export function formatNetInfo(networks: readonly NetInfo[]): string {
  return networks.map(({ netName, ip }) => `${netName}:ip4=${ip}`).join(", ");
}
