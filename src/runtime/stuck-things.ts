// The list of what could not be removed yet.

import type { Stuck } from "../pod/stuck.ts";

export class StuckThings {
  readonly #things = new Map<string, Stuck>();

  list(): readonly Stuck[] {
    return [...this.#things.values()];
  }

  /** Undefined: it has been removed, or is not to be any more. */
  note(what: string, why: string | undefined, wallMs: number): void {
    if (why === undefined) this.#things.delete(what);
    else this.#things.set(what, { what, why, sinceMs: this.#things.get(what)?.sinceMs ?? wallMs });
  }

  /** Forgets what is not among these any more: somebody else has removed it. */
  keep(isThere: (what: string) => boolean): void {
    for (const what of this.#things.keys()) if (!isThere(what)) this.#things.delete(what);
  }
}
