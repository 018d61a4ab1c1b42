// The settings as README.md shows them.

import { allSettings, type NamedSetting } from "./settings.ts";

export function settingsTable(): string {
  const head = "| key | flag | default | |\n| --- | --- | --- | --- |\n";
  return head + allSettings.map(rowOf).join("");
}

function rowOf(setting: NamedSetting): string {
  const { key, flag, help, isLive, shape } = setting;
  const repeatable = shape.kind === "list" ? ", repeatable" : "";
  const note = isLive ? `${help} ¹` : help;
  return `| \`${key}\` | \`--${flag}\`${repeatable} | ${defaultOf(setting)} | ${note} |\n`;
}

function defaultOf({ fallback, fallbackNote, shape }: NamedSetting): string {
  if (fallbackNote !== "") return fallbackNote;
  return shape.kind === "flag" ? "off" : `\`${fallback}\``;
}
