// When a line reached the journal: what pods write says when they did it, on the clock that all share.

import { run } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";

/** Milliseconds since the epoch, as the journal counts. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Of a line that is written but once. */
export function lineAtMs(line: string): Promise<number> {
  return waitUntil(`the line ${line}`, async () => {
    const [first] = await linesAtMs(line);
    if (first === undefined) await Bun.sleep(50); // asked all the time, the asking would be what is measured
    return first;
  });
}

/** Of each time that it was written, in that order. */
export async function linesAtMs(line: string): Promise<readonly number[]> {
  const text = await run(
    "journalctl",
    "--quiet",
    "-o",
    "json",
    "--output-fields=PRIORITY",
    `MESSAGE=${line}`,
  );
  const entries = text.split("\n").filter((entry) => entry !== "");
  return entries.map((entry) => Number(JSON.parse(entry).__REALTIME_TIMESTAMP) / 1000);
}
