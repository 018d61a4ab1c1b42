// What is well with the agent and what is not, for how long. Keeps times, takes them as arguments.

export interface Check {
  readonly name: string;
  /** One line; undefined while all is well. */
  readonly error: string | undefined;
  /** Since when it has been failing, milliseconds since the epoch. */
  readonly sinceMs: number | undefined;
}

export class Health {
  readonly #checks = new Map<string, Check>();

  /** Checks are listed in the order of their names given here; each begins as failing with `not checked yet`. */
  constructor(names: readonly string[], wallMs: number) {
    for (const name of names) this.#checks.set(name, { name, error: "not checked yet", sinceMs: wallMs });
  }

  /** `error` undefined: all is well. */
  report(name: string, error: string | undefined, wallMs: number): void {
    const previous = this.#checks.get(name);
    const sinceMs = error === undefined ? undefined : (previous?.sinceMs ?? wallMs);
    this.#checks.set(name, { name, error, sinceMs });
  }

  check(name: string): Check | undefined {
    return this.#checks.get(name);
  }

  checks(): readonly Check[] {
    return [...this.#checks.values()];
  }
}
