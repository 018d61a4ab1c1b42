// Waits until a list of complaints is empty, and else tells them.

import type { Machine } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";

export async function untilNone(
  what: string,
  list: () => Promise<readonly string[]>,
  machine: Machine,
): Promise<void> {
  let last: readonly string[] = [];
  const isNone = async () => {
    last = await list();
    return last.length === 0;
  };
  await waitUntil(what, isNone, 90_000).catch((error: unknown) => {
    throw new Error(`${error}: ${last.join("\n")}\n${machine.log.slice(-20_000)}`);
  });
}
