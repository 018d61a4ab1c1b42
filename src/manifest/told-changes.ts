// Tells people what has become of the manifests: in the log, and as events.

import type { Log } from "../host/log.ts";
import type { Desired, ManifestFile } from "../pod/desired.ts";
import type { EventReason, RecordEvent } from "../pod/event.ts";
import { formatProblem } from "../pod/problem.ts";

/** Why a directory is not ready that nobody has looked at. */
export const notReadYet = "not read yet";

export interface Tellers {
  readonly log: Log;
  readonly record: RecordEvent;
}

export function tellChanges(before: Desired, after: Desired, { log, record }: Tellers): void {
  const event = (reason: EventReason, message: string) =>
    record({
      object: { kind: "Node" },
      type: reason === "ManifestAccepted" ? "Normal" : "Warning",
      reason,
      message,
    });
  const { unreadable } = after;
  if (unreadable !== undefined && (before.unreadable === undefined || before.unreadable === notReadYet)) {
    log.warn("the manifests are not ready; what runs keeps running", { reason: unreadable });
    event("ManifestsNotReady", unreadable);
  } else if (before.unreadable !== unreadable && before.unreadable !== notReadYet) {
    log.info(
      unreadable === undefined ? "the manifests are ready again" : "the manifests are still not ready",
      {
        reason: unreadable,
      },
    );
  }
  const old = new Map(before.files.map((file) => [file.path, file]));
  for (const file of after.files) {
    const known = old.get(file.path);
    old.delete(file.path);
    if (Bun.deepEquals(known, file)) continue;
    if (file.state === "skipped") log.debug("manifest skipped", { file: file.path, reason: file.reason });
    if (file.state === "accepted") {
      const pods = file.pods.join(" ");
      log.info("manifest accepted", { file: file.path, pods });
      // At the agent's start that is no news.
      if (before.unreadable !== notReadYet) event("ManifestAccepted", `${file.path}: ${pods}`);
    }
    if (file.state === "rejected") {
      for (const problem of file.problems) log.warn(`rejected ${formatProblem(problem)}`);
      event("ManifestRejected", rejection(file));
    }
  }
  for (const path of old.keys()) log.info("manifest gone", { file: path });
}

function rejection({ path, problems }: Extract<ManifestFile, { readonly state: "rejected" }>): string {
  const [first, ...others] = problems;
  if (first === undefined) return path;
  return formatProblem(first) + (others.length === 0 ? "" : `, and ${others.length} more`);
}
