// An app's isolators by name. Pure.

import type { AppcApp } from "../rkt/appc.ts";

/** Its value; undefined where there is none. */
export function isolator(app: AppcApp, name: string): unknown {
  return app.isolators?.find((candidate) => candidate.name === name)?.value;
}
