// A configuration file to begin with: every setting, as a comment. Without its first column it is a configuration like any other.

import { allSettings } from "../config/settings.ts";
import { serializeYaml } from "../manifest/yaml-text.ts";

export function exampleConfig(): string {
  const groups = new Set<string>();
  const lines = allSettings.flatMap(({ key, help, fallback, fallbackNote }) => {
    const [name = "", group] = key.split(".").reverse();
    const isSaid = fallbackNote === "" && typeof fallback !== "function";
    const note = isSaid ? help : `${help} (default: ${fallbackNote})`;
    const isNew = group !== undefined && !groups.has(group);
    if (group !== undefined) groups.add(group);
    const indent = group === undefined ? "" : "  ";
    return [
      ...(isNew ? [`#${group}:`] : []),
      `#${indent}# ${note.replaceAll("`", "")}`,
      `#${indent}${name}: ${isSaid ? serializeYaml(fallback).trim() : ""}`.trimEnd(),
    ];
  });
  return [
    "## The agent's configuration: take the first # away from what is to be something else.",
    "## gantry config prints what is in effect, and systemctl reload gantry reads it again.",
    ...lines,
    "",
  ].join("\n");
}
