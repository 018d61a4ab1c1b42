// Pods or events as they change.
// Invariant: whoever watches sees each one's last state, also across a restart of the agent.

import { setTimeout } from "node:timers/promises";
import { systemClock } from "../host/clock.ts";
import { type AgentClient, AnswerError } from "./agent-client.ts";
import { CommandFailure } from "./failure.ts";

export type Change<T> =
  /** What there was when the watch began, or began again after the connection was lost. */
  | { readonly type: "LISTED"; readonly items: readonly T[] }
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly item: T };

interface List<T> {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly items: readonly T[];
}

/** An agent that is being restarted is back sooner. */
const patienceMs = 30_000;
const retryMs = 200;

/**
 * Never ends by itself; throws CommandFailure when the agent is gone, or what the signal was aborted with. `path` is that of the list.
 */
export async function* watchList<T>(
  client: AgentClient,
  path: "/pods" | "/events",
  signal?: AbortSignal,
): AsyncGenerator<Change<T>> {
  let lostMs: number | undefined;
  for (;;) {
    let list: List<T>;
    try {
      list = await client.json<List<T>>(path, signal && { signal });
    } catch (error) {
      const isOver = lostMs === undefined || systemClock.nowMs() - lostMs > patienceMs;
      if (isOver || !(error instanceof CommandFailure)) throw error;
      await setTimeout(retryMs, undefined, { signal });
      continue;
    }
    lostMs = undefined;
    yield { type: "LISTED", items: list.items };
    yield* changesAfter<T>(client, path, { resourceVersion: list.metadata?.resourceVersion, signal });
    lostMs = systemClock.nowMs();
    await setTimeout(retryMs, undefined, { signal });
  }
}

/** Ends when the connection does. */
async function* changesAfter<T>(
  client: AgentClient,
  path: string,
  from: { readonly resourceVersion: string | undefined; readonly signal: AbortSignal | undefined },
): AsyncGenerator<Change<T>> {
  const { resourceVersion, signal } = from;
  try {
    const query = { watch: true, resourceVersion };
    for await (const line of client.lines(path, { query, ...(signal && { signal }) })) {
      if (line === "") continue;
      const { type, object } = JSON.parse(line) as { type: string; object: T };
      if (type === "ADDED" || type === "MODIFIED" || type === "DELETED") yield { type, item: object };
      else if (type === "ERROR") return; // what came in between is not known any more
    }
  } catch (error) {
    // Anything else than a lost connection will be told by the next list.
    if (error instanceof AnswerError) throw error;
  }
}
