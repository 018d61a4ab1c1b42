// Pods as they change.
// Invariant: whoever watches sees each Pod's last state, also across a restart of the agent.

import { setTimeout } from "node:timers/promises";
import type { Pod, PodList } from "kubernetes-types/core/v1";
import { systemClock } from "../host/clock.ts";
import { type AgentClient, AnswerError } from "./agent-client.ts";
import { CommandFailure } from "./failure.ts";
import { listPods } from "./find-pods.ts";

export type PodChange =
  /** What there was when the watch began, or began again after the connection was lost. */
  | { readonly type: "LISTED"; readonly pods: readonly Pod[] }
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly pod: Pod };

/** An agent that is being restarted is back sooner. */
const patienceMs = 30_000;
const retryMs = 200;

/** Never ends by itself; throws CommandFailure when the agent is gone, or what the signal was aborted with. */
export async function* watchPods(client: AgentClient, signal?: AbortSignal): AsyncGenerator<PodChange> {
  let lostMs: number | undefined;
  for (;;) {
    let list: PodList;
    try {
      list = await listPods(client);
    } catch (error) {
      const isOver = lostMs === undefined || systemClock.nowMs() - lostMs > patienceMs;
      if (isOver || !(error instanceof CommandFailure)) throw error;
      await setTimeout(retryMs, undefined, { signal });
      continue;
    }
    lostMs = undefined;
    yield { type: "LISTED", pods: list.items };
    yield* changesAfter(client, list.metadata?.resourceVersion, signal);
    signal?.throwIfAborted();
    lostMs = systemClock.nowMs();
  }
}

/** Ends when the connection does. */
async function* changesAfter(
  client: AgentClient,
  resourceVersion: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<PodChange> {
  try {
    const query = { watch: true, resourceVersion };
    for await (const line of client.lines("/pods", { query, ...(signal && { signal }) })) {
      if (line === "") continue;
      const { type, object } = JSON.parse(line) as { type: string; object: Pod };
      if (type === "ADDED" || type === "MODIFIED" || type === "DELETED") yield { type, pod: object };
      else if (type === "ERROR") return;
    }
  } catch (error) {
    // 410: what came in between is not known any more. Anything else than a lost connection will be told by the next list.
    if (error instanceof AnswerError && error.status !== 410) throw error;
  }
}
