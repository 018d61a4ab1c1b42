// Does one action, and tells what was done. Behaviour does not belong here: what to do and whether to is the plan's.

import type { RecordEvent } from "../pod/event.ts";
import type { Revision } from "../pod/observed-pod.ts";
import type { Action } from "./action.ts";
import { createdEvents, killingEvents, startedEvents } from "./events.ts";
import type { Signals } from "./in-flight.ts";
import type { Runtime, Stop } from "./runtime.ts";

export interface Tools extends Signals {
  readonly runtime: Runtime;
  readonly record: RecordEvent;
}

/** Throws what the runtime throws; every action may be repeated from its start. */
export async function execute(action: Action, { runtime, record, signal, swapSignal }: Tools): Promise<void> {
  const stop = async (revisions: readonly Revision[], how: Stop, until: AbortSignal) => {
    for (const revision of revisions) {
      killingEvents(revision, how, action.reason).forEach(record);
      await runtime.stop(revision, how, until);
    }
  };
  switch (action.kind) {
    case "run": {
      const uuid = await runtime.prepare(action.pod, action.attempt, signal);
      createdEvents(action).forEach(record);
      // What is told to end ends, whatever becomes of us: from here on to give up is to leave nothing running.
      signal.throwIfAborted();
      await stop(action.replaces, action.stop, swapSignal);
      await runtime.start(uuid, swapSignal);
      startedEvents(action).forEach(record);
      return;
    }
    case "postStart":
      return runtime.postStart(action.pod, action.revision, signal);
    case "markReady":
      return runtime.markReady(action.pod, action.revision, signal);
    case "refresh":
      return runtime.refresh(action.pod, signal);
    case "stop":
      return stop(action.revisions, action.stop, signal);
    case "remove":
      return runtime.remove(action.revision, signal);
    case "removePodDirectory":
      return runtime.removePodDirectory(action.uid, signal);
    default:
      return action satisfies never;
  }
}
