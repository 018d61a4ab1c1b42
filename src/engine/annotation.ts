// What the client asks for in annotations of the appc manifest, since appc has no word for it. Pure.

import type { AppcNameValue } from "../rkt/appc.ts";

interface Annotated {
  readonly annotations?: readonly AppcNameValue[] | null;
}

/** Its value; undefined where there is none. */
export function annotation({ annotations }: Annotated, name: string): string | undefined {
  return annotations?.find((candidate) => candidate.name === name)?.value;
}

export function isAnnotated(annotated: Annotated, name: string): boolean {
  return annotation(annotated, name) === "true";
}
