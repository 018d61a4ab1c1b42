// One network of a pod: its plugins called in turn (CNI specification, section 3).
// Invariant: an attachment holds all that its undoing takes, since its configuration may be another by then.

import { isJsonObject, type Json, type JsonObject } from "../../pod/json.ts";
import { EngineError } from "../engine-error.ts";
import { isSince, type NetworkConfig, type PluginConfig } from "./network-config.ts";
import { callPlugin, findPlugin, type PluginCall, parseObject } from "./plugin.ts";
import type { PortMapping } from "./port-mappings.ts";

export interface Attachment {
  readonly config: NetworkConfig;
  /** Of the configuration. */
  readonly source: string;
  /** In the pod. */
  readonly ifName: string;
  readonly args: string;
  readonly portMappings: readonly PortMapping[];
  /** What ADD said; undefined while it is under way, and where it was broken off. */
  readonly result?: JsonObject;
}

export interface Sandbox {
  readonly containerId: string;
  /** The namespace's path; empty where it is gone. */
  readonly netns: string;
}

/** Whether a plugin of it takes host ports. */
export function mapsPorts({ plugins }: NetworkConfig): boolean {
  return plugins.some(takesPortMappings);
}

/** Resolves with the result of the last plugin. One that fails leaves what those before it did. */
export async function attach(attachment: Attachment, sandbox: Sandbox): Promise<JsonObject> {
  let result: JsonObject | undefined;
  for (const plugin of attachment.config.plugins) {
    const output = await callPlugin(call("ADD", plugin, attachment, sandbox, result));
    result = parseObject(output);
    if (result === undefined) throw new EngineError(`plugin "${plugin.type}" (ADD): its answer is no object`);
  }
  return result ?? {};
}

/**
 * May be repeated, also of what was never done. A plugin that has been uninstalled has nothing more to say: without it the pod could never
 * be removed.
 */
export async function detach(attachment: Attachment, sandbox: Sandbox): Promise<void> {
  const { config, result } = attachment;
  const previous = isSince(config.cniVersion, "0.4.0") ? result : undefined;
  for (const plugin of config.plugins.toReversed()) {
    if (findPlugin(plugin.type) === undefined) continue;
    await callPlugin(call("DEL", plugin, attachment, sandbox, previous));
  }
}

/** Throws EngineError for what is not as ADD left it, where the network's version knows how to tell. */
export async function checkAttachment(attachment: Attachment, sandbox: Sandbox): Promise<void> {
  const { config, result } = attachment;
  if (!isSince(config.cniVersion, "0.4.0") || config.disableCheck || result === undefined) return;
  for (const plugin of config.plugins) await callPlugin(call("CHECK", plugin, attachment, sandbox, result));
}

function call(
  command: PluginCall["command"],
  plugin: PluginConfig,
  { config: { name, cniVersion }, ifName, args, portMappings }: Attachment,
  sandbox: Sandbox,
  prevResult: JsonObject | undefined,
): PluginCall {
  const runtimeConfig =
    takesPortMappings(plugin) && portMappings.length > 0
      ? { portMappings: portMappings.map((mapping) => ({ ...mapping })) }
      : undefined;
  const config: Record<string, Json> = { ...plugin, name, cniVersion };
  if (runtimeConfig !== undefined) config.runtimeConfig = runtimeConfig;
  if (prevResult !== undefined) config.prevResult = prevResult;
  return { command, type: plugin.type, ...sandbox, ifName, args, config };
}

function takesPortMappings({ capabilities }: PluginConfig): boolean {
  return isJsonObject(capabilities) && capabilities.portMappings === true;
}
