// `gantry config`: the agent's settings as they are in effect, and where each comes from.

import { ConfigError } from "../config/config-error.ts";
import { type ConfigInput, type EffectiveConfig, readConfig } from "../config/read-config.ts";
import { allSettings } from "../config/settings.ts";
import { serializeYaml } from "../manifest/yaml-text.ts";

/** Resolves with the exit code. */
export async function runConfig(flags: ConfigInput["flags"], output: "yaml" | "json"): Promise<number> {
  let effective: EffectiveConfig;
  try {
    effective = await readConfig({ flags, environment: process.env });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) process.stderr.write(`gantry config: ${problem}\n`);
    return 2;
  }
  process.stdout.write(output === "json" ? asJson(effective) : asYaml(effective));
  return 0;
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
