// The configuration of an agent that runs, and what a reload makes of it.
// Invariant: one that cannot be used changes nothing; what needs a restart stays as it was until there is one.

import { ConfigError } from "./config-error.ts";
import { type ConfigInput, type EffectiveConfig, readConfig } from "./read-config.ts";
import { allSettings, type Config, configOf } from "./settings.ts";

export interface Reload {
  /** Keys of what is in effect now. */
  readonly changed: readonly string[];
  /** Keys of what only a restart changes. */
  readonly needsRestart: readonly string[];
}

export class LiveConfig {
  readonly #input: ConfigInput;
  #effective: EffectiveConfig;
  #problem: string | undefined;

  private constructor(input: ConfigInput, effective: EffectiveConfig) {
    this.#input = input;
    this.#effective = effective;
  }

  /** Throws ConfigError. */
  static async read(input: ConfigInput): Promise<LiveConfig> {
    return new LiveConfig(input, await readConfig(input));
  }

  get current(): Config {
    return this.#effective.config;
  }

  /** What a person has to know of the last reload: that it was refused, or is not wholly in effect. One line. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Reads everything again. Throws ConfigError; then all is as it was. */
  async reload(): Promise<Reload> {
    try {
      const next = await readConfig(this.#input);
      const { values } = this.#effective;
      const isChanged = (key: string) =>
        JSON.stringify(values.get(key)) !== JSON.stringify(next.values.get(key));
      const different = allSettings.filter(({ key }) => isChanged(key));
      const changed = different.filter(({ isLive }) => isLive).map(({ key }) => key);
      const needsRestart = different.filter(({ isLive }) => !isLive).map(({ key }) => key);
      const merged = new Map([
        ...next.values,
        ...needsRestart.map((key) => [key, values.get(key) ?? ""] as const),
      ]);
      this.#effective = { ...next, values: merged, config: configOf(merged) };
      this.#problem = needsRestart.length === 0 ? undefined : `needs a restart: ${needsRestart.join(", ")}`;
      return { changed, needsRestart };
    } catch (error) {
      if (error instanceof ConfigError) this.#problem = `not reloaded: ${error.message}`;
      throw error;
    }
  }
}
