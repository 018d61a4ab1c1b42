// The networks of this machine: those of its configuration directories, and one that is built in.
// Invariant: a file that cannot be read may be the one that was meant, so nothing is used in its place.

import { readdirSync, readFileSync } from "node:fs";
import { hasErrorCode } from "../../host/error.ts";
import { EngineError } from "../engine-error.ts";
import { type NetworkConfig, parseNetworkConfig } from "./network-config.ts";

export interface ConfiguredNetwork {
  readonly config: NetworkConfig;
  /** The file that describes it. */
  readonly source: string;
}

/** Of several with one name the first counts. `localConfig`: rkt's `--local-config`. */
export function networkDirectories(localConfig: string | undefined): readonly string[] {
  return ["/etc/gantry/net.d", `${localConfig || "/etc/rkt"}/net.d`, "/etc/cni/net.d"];
}

export interface FindOptions {
  readonly directories: readonly string[];
  readonly hasHostPorts: boolean;
}

/** Throws EngineError that names those which are not there. */
export function findNetworks(
  names: readonly string[],
  { directories, hasHostPorts }: FindOptions,
): readonly ConfiguredNetwork[] {
  const configured = new Map<string, ConfiguredNetwork>();
  const complaints: string[] = [];
  for (const source of directories.flatMap(configFiles)) {
    try {
      const config = parseNetworkConfig(readFileSync(source, "utf8"));
      if (!configured.has(config.name)) configured.set(config.name, { config, source });
    } catch (error) {
      complaints.push(`${source}: ${(error as Error).message}`);
    }
  }
  const builtin = builtinNetwork(hasHostPorts);
  if (!configured.has(builtin.config.name) && complaints.length === 0)
    configured.set(builtin.config.name, builtin);
  const missing = names.filter((name) => !configured.has(name));
  if (missing.length > 0)
    throw new EngineError([`networks not found: ${missing.join(", ")}`, ...complaints].join("; "));
  return names.flatMap((name) => configured.get(name) ?? []);
}

function configFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(conf|conflist|json)$/.test(name))
      .sort()
      .map((name) => `${directory}/${name}`);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  }
}

/**
 * rkt's own default: point to point, so that of a pod that has gone there is nothing left, not even a bridge. Its leases lie where a reboot
 * ends them together with the pods.
 */
function builtinNetwork(hasHostPorts: boolean): ConfiguredNetwork {
  const ptp = {
    type: "ptp",
    ipMasq: true,
    mtu: 1500,
    ipam: {
      type: "host-local",
      dataDir: "/run/gantry-network/leases",
      subnet: "172.16.28.0/24",
      routes: [{ dst: "0.0.0.0/0" }],
    },
  };
  // Without host ports it does nothing, and takes its time for that, twice.
  const portmap = hasHostPorts ? [{ type: "portmap", capabilities: { portMappings: true } }] : [];
  return {
    source: "built in",
    config: {
      name: "default",
      cniVersion: "0.4.0",
      disableCheck: true, // portmap 1.1 misses the rules for IPv6 that it has not made
      plugins: [ptp, ...portmap],
    },
  };
}
