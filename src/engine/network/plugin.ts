// One call of a CNI plugin, which is an executable (CNI specification, section 2).

import { statSync } from "node:fs";
import { CommandError, runCommand } from "../../host/command.ts";
import { isJsonObject, type JsonObject } from "../../pod/json.ts";
import { EngineError } from "../engine-error.ts";

/** Not from the environment: this runs as root. */
const pluginDirectories = ["/opt/cni/bin", "/usr/lib/cni"];
/** DHCP takes its time. */
const timeoutMs = 30_000;

export interface PluginCall {
  readonly command: "ADD" | "DEL" | "CHECK";
  readonly type: string;
  readonly containerId: string;
  /** Empty where it is gone. */
  readonly netns: string;
  readonly ifName: string;
  readonly args: string;
  readonly config: JsonObject;
}

/** Undefined where it is not installed. */
export function findPlugin(type: string): string | undefined {
  return pluginDirectories
    .map((directory) => `${directory}/${type}`)
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

export function missingPlugin(type: string): EngineError {
  return new EngineError(
    `the network plugin "${type}" is in none of ${pluginDirectories.join(", ")}: install the Debian package containernetworking-plugins`,
  );
}

/** Its standard output. Throws EngineError of one line. */
export async function callPlugin(call: PluginCall): Promise<string> {
  const path = findPlugin(call.type);
  if (path === undefined) throw missingPlugin(call.type);
  const env = {
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_IFNAME: call.ifName,
    CNI_ARGS: call.args,
    CNI_PATH: pluginDirectories.join(":"),
  };
  try {
    const { stdout } = await runCommand([path], { input: JSON.stringify(call.config), env, timeoutMs });
    return stdout;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const what = pluginComplaint(error.stdout) ?? error.message;
    throw new EngineError(`plugin "${call.type}" (${call.command}): ${what.replaceAll(/\s+/g, " ").trim()}`, {
      cause: error,
    });
  }
}

/** `msg: details (code N)`; undefined where it printed no such thing. */
function pluginComplaint(stdout: string): string | undefined {
  const json = parseObject(stdout);
  if (json === undefined || (json.msg === undefined && json.code === undefined)) return undefined;
  const text = [json.msg, json.details].filter((part) => typeof part === "string" && part !== "").join(": ");
  return `${text} (code ${JSON.stringify(json.code)})`;
}

export function parseObject(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
