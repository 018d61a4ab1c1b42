// Durations as Go writes them. Pure.

import { UsageError } from "./failure.ts";

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `30s`, `5m`, `1h30m`, `500ms`, `1.5s`, `0`. Throws UsageError that names the flag. */
export function parseDurationMs(flag: string, text: string): number {
  if (/^0+$/.test(text)) return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new UsageError(`${flag}: must be like 30s, 5m or 1h30m, not ${JSON.stringify(text)}`);
  return parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit as keyof typeof unitMs],
    0,
  );
}
