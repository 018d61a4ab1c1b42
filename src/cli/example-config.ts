// A configuration file to begin with: every setting, as a comment.

import { allSettings } from "../config/settings.ts";
import { serializeYaml } from "../manifest/yaml-text.ts";

export function exampleConfig(): string {
  const groups = new Set<string>();
  const lines = allSettings.flatMap(({ key, help, fallback, fallbackNote }) => {
    const [name = "", group] = key.split(".").reverse();
    const value = fallbackNote === "" && typeof fallback !== "function" ? serializeYaml(fallback).trim() : "";
    const note = [help, fallbackNote].filter((text) => text !== "").join("; ");
    const isNew = group !== undefined && !groups.has(group);
    if (group !== undefined) groups.add(group);
    const indent = group === undefined ? "" : "  ";
    return [
      ...(isNew ? [`#${group}:`] : []),
      `# ${indent}# ${note.replaceAll("`", "")}`,
      `#${indent}${name}: ${value}`.trimEnd(),
    ];
  });
  return [
    "# The agent's configuration: take the # away from what is to be something else. gantry config tells what is in effect.",
    ...lines,
    "",
  ].join("\n");
}
