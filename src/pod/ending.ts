// How a revision ended. Pure.

import type { ObservedApp, RevisionState } from "./observed-pod.ts";

export interface Ending {
  readonly apps: readonly ObservedApp[];
  readonly state: Pick<Extract<RevisionState, { kind: "exited" }>, "failure" | "killed" | "isInterrupted">;
}

/** Whether all of it ended by itself, and well. */
export function isSuccess({ apps, state }: Ending): boolean {
  return (
    state.failure === undefined &&
    state.killed === undefined &&
    !state.isInterrupted &&
    apps.length > 0 &&
    apps.every((app) => app.state.kind === "exited" && app.state.exitCode === 0)
  );
}
