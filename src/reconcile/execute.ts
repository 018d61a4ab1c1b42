// Does one action. Behaviour does not belong here: what to do and whether to is plan.ts's.

import type { Action } from "./action.ts";
import type { Runtime, Stop } from "./runtime.ts";

const deliberate: Stop = { cause: undefined, graceSeconds: undefined };

/** Throws what the runtime throws; every action may be repeated from its start. */
export async function execute(action: Action, runtime: Runtime, signal: AbortSignal): Promise<void> {
  switch (action.kind) {
    case "run": {
      const uuid = await runtime.prepare(action.pod, action.attempt, signal);
      for (const revision of action.replaces) await runtime.stop(revision, deliberate, signal);
      return runtime.start(uuid, signal);
    }
    case "refresh":
      return runtime.refresh(action.pod, signal);
    case "stop":
      for (const revision of action.revisions) await runtime.stop(revision, deliberate, signal);
      return;
    case "remove":
      return runtime.remove(action.revision, signal);
    case "removePodDirectory":
      return runtime.removePodDirectory(action.uid, signal);
    default:
      return action satisfies never;
  }
}
