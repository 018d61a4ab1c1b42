// `gantry config`: the settings that an agent started from here would have, and where each comes from.

import { type ConfigInput, type EffectiveConfig, readConfig } from "../config/read-config.ts";
import { allSettings } from "../config/settings.ts";
import { serializeYaml } from "../manifest/yaml-text.ts";
import { print } from "./output.ts";

export async function runConfig(flags: ConfigInput["flags"], output: "yaml" | "json"): Promise<void> {
  const effective = await readConfig({ flags, environment: process.env });
  await print(output === "json" ? asJson(effective) : asYaml(effective));
}

function asJson({ values, sources }: EffectiveConfig): string {
  const shown = allSettings.map(({ key }) => [key, { value: values.get(key), source: sources.get(key) }]);
  return `${JSON.stringify(Object.fromEntries(shown), undefined, 2)}\n`;
}

/** A file that could be given to `--config`, each value with its source as a comment. */
function asYaml({ values, sources }: EffectiveConfig): string {
  const groups = new Set<string>();
  return allSettings
    .map(({ key }) => {
      const [name = "", group] = key.split(".").reverse();
      const [first, ...rest] = serializeYaml({ [name]: values.get(key) })
        .trimEnd()
        .split("\n");
      const lines = [`${first}  # ${sources.get(key)}`, ...rest];
      if (group === undefined) return `${lines.join("\n")}\n`;
      const head = groups.has(group) ? "" : `${group}:\n`;
      groups.add(group);
      return head + lines.map((line) => `  ${line}\n`).join("");
    })
    .join("");
}
