// What takes its time, on a terminal: one line that is written over.
// Invariant: on standard error and only where that is a terminal, so that it is in no one's file.

import type { Pod } from "kubernetes-types/core/v1";
import { nameOf } from "./find-pods.ts";
import { onOneLine } from "./output.ts";

/** Undefined takes the line away. */
export function showProgress(text: string | undefined): void {
  if (!process.stderr.isTTY) return;
  const width = Math.max(20, process.stderr.columns || 80) - 1;
  process.stderr.write(`\r\x1b[K${text === undefined ? "" : onOneLine(text).slice(0, width)}`);
}

/** What a Pod's images are waited for; undefined: none is. */
export function pullingOf(pod: Pod): string | undefined {
  const message = pod.status?.containerStatuses
    ?.concat(pod.status.initContainerStatuses ?? [])
    .map(({ state }) => state?.waiting?.message)
    .find((text) => text?.includes("ulling image"));
  return message === undefined ? undefined : `${nameOf(pod).name}: ${message}`;
}
