// What keeps a configuration from being used.

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** One line each, with its place; at least one. */
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}
