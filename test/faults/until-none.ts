// Waits until a list of complaints is empty, and else tells them.

import type { Machine } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";

/** That nothing can be listed, as by an agent that has just been killed, is a complaint too. */
export async function untilNone(
  what: string,
  list: () => Promise<readonly string[]>,
  machine: Machine,
): Promise<void> {
  let last: readonly string[] = [];
  const isNone = async () => {
    last = await list().catch((error: unknown) => [String(error)]);
    return last.length === 0;
  };
  await waitUntil(what, isNone, 90_000).catch((error: unknown) => {
    throw new Error(`${error}: ${last.join("\n")}\n${machine.log.slice(-20_000)}`);
  });
}
