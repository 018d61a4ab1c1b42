// A CNI plugin that writes down how it is called, `cni-plugin.ts LOG`, and answers as its configuration tells it to:
// `answers: { ADD: {…} }`, an object with a `code` being a failure. Else it passes on what the plugin before it said.

import { appendFileSync } from "node:fs";

export interface PluginCallRecord {
  readonly command: string;
  readonly containerId: string;
  readonly netns: string;
  readonly ifName: string;
  readonly args: string;
  readonly path: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const {
  CNI_COMMAND = "",
  CNI_CONTAINERID = "",
  CNI_NETNS = "",
  CNI_IFNAME = "",
  CNI_ARGS = "",
  CNI_PATH = "",
} = process.env;
const config = await Bun.stdin.json();
const record: PluginCallRecord = {
  command: CNI_COMMAND,
  containerId: CNI_CONTAINERID,
  netns: CNI_NETNS,
  ifName: CNI_IFNAME,
  args: CNI_ARGS,
  path: CNI_PATH,
  config,
};
appendFileSync(process.argv[2] ?? "", `${JSON.stringify(record)}\n`);
const answer = config.answers?.[CNI_COMMAND] ?? (CNI_COMMAND === "ADD" ? (config.prevResult ?? {}) : "");
if (answer !== "") process.stdout.write(JSON.stringify(answer));
process.exitCode = answer.code === undefined ? 0 : 1;
