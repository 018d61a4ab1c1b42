// A CNI network as a configuration file describes it (CNI specification, section 1): its plugins in their order. Pure.

import { isJsonObject, type Json, type JsonObject } from "../../pod/json.ts";
import { EngineError } from "../engine-error.ts";

export interface NetworkConfig {
  readonly name: string;
  /** In which version of the specification the plugins are talked to. */
  readonly cniVersion: CniVersion;
  readonly disableCheck: boolean;
  readonly plugins: readonly PluginConfig[];
}

/** What a plugin gets, but for the name, the version and what is known only at run time. */
export type PluginConfig = JsonObject & { readonly type: string };

/** In the order of their making. */
const cniVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export type CniVersion = (typeof cniVersions)[number];

export function isSince(version: CniVersion, first: CniVersion): boolean {
  return cniVersions.indexOf(version) >= cniVersions.indexOf(first);
}

/** Of a `.conflist`, or of a `.conf`, which is one plugin. Throws EngineError. */
export function parseNetworkConfig(text: string): NetworkConfig {
  const json = parseObject(text);
  const { name, plugins = [json], disableCheck } = json;
  if (typeof name !== "string" || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name))
    throw new EngineError(`${JSON.stringify(name)} is no name of a network`);
  if (!Array.isArray(plugins) || plugins.length === 0)
    throw new EngineError(`network "${name}" has no plugins`);
  return {
    name,
    cniVersion: versionOf(json),
    disableCheck: disableCheck === true || disableCheck === "true",
    plugins: plugins.map((plugin: Json) => toPlugin(plugin, name)),
  };
}

/** The executables that it takes, of address management too. */
export function pluginTypes({ plugins }: NetworkConfig): readonly string[] {
  return plugins.flatMap(({ type, ipam }) => {
    const ipamType = isJsonObject(ipam) ? ipam.type : undefined;
    return typeof ipamType === "string" && ipamType !== "" ? [type, ipamType] : [type];
  });
}

function parseObject(text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new EngineError(`not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isJsonObject(json)) throw new EngineError("not a JSON object");
  return json;
}

/** Without any it is the first, as plugins take it. Of several (since 1.1) it is the newest that is known here. */
function versionOf({ cniVersion = "0.1.0", cniVersions: several = [] }: JsonObject): CniVersion {
  const offered = [cniVersion, ...(Array.isArray(several) ? several : [])];
  const version = cniVersions.findLast((known) => offered.includes(known));
  if (version === undefined)
    throw new EngineError(`cniVersion ${JSON.stringify(cniVersion)} is not supported`);
  return version;
}

function toPlugin(plugin: Json, network: string): PluginConfig {
  const type = isJsonObject(plugin) ? plugin.type : undefined;
  // It is the name of an executable in a directory.
  if (typeof type !== "string" || !/^[^/]+$/.test(type) || /^\.\.?$/.test(type))
    throw new EngineError(`network "${network}" has a plugin of type ${JSON.stringify(type)}`);
  return plugin as PluginConfig;
}
