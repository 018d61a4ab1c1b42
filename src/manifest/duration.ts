// Durations as Go and so Kubernetes write them: `90s`, `1h30m`, `500ms`.

const units: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** In milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = Array.from(
    text.matchAll(/([\d.]+)([a-z]+)/g),
    ([, number, unit = ""]) => Number(number) * (units.get(unit) ?? 0),
  );
  return Math.round(parts.reduce((sum, part) => sum + part, 0));
}
