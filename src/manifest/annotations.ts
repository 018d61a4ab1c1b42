// The annotations that gantry acts on. Invariant: one under `gantry.io/` that it does not know is a Problem, and not a wish unheard.

import { quote } from "./decode-scalar.ts";
import { nearestName } from "./nearest-name.ts";
import type { Report } from "./report.ts";

export const annotation = {
  after: "gantry.io/after",
  restartBackOff: "gantry.io/restart-backoff",
  restartBackOffMax: "gantry.io/restart-backoff-max",
  restartOnChange: "gantry.io/restart-on-change",
  rollbackAfter: "gantry.io/rollback-after",
} as const;

/** For the reader of the support matrix. */
export const annotationNotes: Readonly<Record<keyof typeof annotation, readonly [string, string, string]>> = {
  after: [
    "`NAMESPACE/NAME`, separated by commas",
    "",
    "started once these pods are Ready; without a namespace, one of the pod's own",
  ],
  restartBackOff: ["`1s` to `1h`", "`10s`", "after a crash; doubled each time"],
  restartBackOffMax: ["`1s` to `1h`", "`5m`", "and not doubled further than this"],
  restartOnChange: [
    "`true`, `false`",
    "`false`",
    "when ConfigMaps or Secrets of its variables change, the pod is restarted",
  ],
  rollbackAfter: [
    "`1s` to `24h`",
    "",
    "a new version that is not Ready by then makes room for the last that was",
  ],
};

const prefix = "gantry.io/";
const known: readonly string[] = Object.values(annotation);

/** `field` is where the annotations stand. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>>,
  field: string,
  report: Report,
): void {
  for (const name of Object.keys(annotations)) {
    if (!name.startsWith(prefix) || known.includes(name)) continue;
    const near = nearestName(shortName(name), known.map(shortName));
    report.add({
      code: "UnknownField",
      field: `${field}[${name}]`,
      message: `unknown annotation ${quote(name)}`,
      hint: near === undefined ? `gantry knows ${known.join(", ")}` : `did you mean "${prefix}${near}"?`,
    });
  }
  const isRestarted = annotations[annotation.restartOnChange] ?? "true";
  if (isRestarted === "true" || isRestarted === "false") return;
  report.add({
    code: "Invalid",
    field: `${field}[${annotation.restartOnChange}]`,
    message: `Unsupported value: ${quote(isRestarted)}: supported values: true, false`,
  });
}

function shortName(name: string): string {
  return name.slice(prefix.length);
}
